"""What a rule can ask of a scan: filled by the edge from a request, by the simulator from a form, by a shadow
run from a recorded row. Only what a link's rules need is filled; the rest keeps its default, "not known"."""

from collections.abc import Mapping
from typing import Final

import msgspec

NOTHING: Final[Mapping[str, str]] = {}


class Facts(msgspec.Struct, frozen=True, gc=False):
    """One scan as the rules see it. Pure values; '' and None are "not known"."""

    at_ms: int
    """Milliseconds since 1970-01-01 UTC."""
    code: str = ""
    placement: str = ""
    query: Mapping[str, str] = NOTHING
    """Decoded parameters; of one given twice, the first."""
    query_string: str = ""
    """As sent, without the question mark; for query pass-through."""
    os: str = ""
    device: str = ""
    in_app: str = ""
    country: str = ""
    region: str = ""
    city: str = ""
    continent: str = ""
    languages: tuple[tuple[str, float], ...] = ()
    """Lower-case tags with their weights above 0, best first."""
    referrer: str = ""
    """Host in lower case without `www.`, or an app's name; '' for a direct visit."""
    ip: str = ""
    is_bot: bool = False
    scan_number: int | None = None
    """Which scan of this link this is, from 1."""
    is_new: bool | None = None
    """Whether the visitor's first scan of the link today."""
    bucket: int = 0
    """0 to 9,999: the visitor's fixed place in every split of this link."""
    click_id: str = ""
    """The event's id as 32 hexadecimal digits."""
    unlocked: bool = False
    """The password was given."""
