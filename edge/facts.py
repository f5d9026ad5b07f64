"""What a rule can ask of a scan: filled by the edge from a request, by the simulator from a form, by a shadow
run from a recorded row. Only what a link's rules need is filled; the rest keeps its default, "not known"."""

from collections.abc import Mapping
from typing import Final

NOTHING: Final[Mapping[str, str]] = {}


class Facts:
    """One scan as the rules see it. Pure values; '' and None are "not known". Nobody changes one."""

    __slots__ = (
        "at_ms", "bucket", "city", "click_id", "code", "continent", "country", "device", "in_app", "ip",
        "is_bot", "is_new", "languages", "os", "placement", "query", "query_string", "referrer", "region",
        "scan_number", "unlocked",
    )  # fmt: skip

    def __init__(
        self,
        at_ms: int,
        code: str = "",
        placement: str = "",
        query: Mapping[str, str] = NOTHING,
        query_string: str = "",
        os: str = "",
        device: str = "",
        in_app: str = "",
        country: str = "",
        region: str = "",
        city: str = "",
        continent: str = "",
        languages: tuple[tuple[str, float], ...] = (),
        referrer: str = "",
        ip: str = "",
        is_bot: bool = False,
        scan_number: int | None = None,
        is_new: bool | None = None,
        bucket: int = 0,
        click_id: str = "",
        unlocked: bool = False,
    ) -> None:
        self.at_ms = at_ms
        """Milliseconds since 1970-01-01 UTC."""
        self.code = code
        self.placement = placement
        self.query = query
        """Decoded parameters; of one given twice, the first."""
        self.query_string = query_string
        """As sent, without the question mark; for query pass-through."""
        self.os = os
        self.device = device
        self.in_app = in_app
        self.country = country
        self.region = region
        self.city = city
        self.continent = continent
        self.languages = languages
        """Lower-case tags with their weights above 0, best first."""
        self.referrer = referrer
        """Host in lower case without `www.`, or an app's name; '' for a direct visit."""
        self.ip = ip
        self.is_bot = is_bot
        self.scan_number = scan_number
        """Which scan of this link this is, from 1."""
        self.is_new = is_new
        """Whether the visitor's first scan of the link today."""
        self.bucket = bucket
        """0 to 9,999: the visitor's fixed place in every split of this link."""
        self.click_id = click_id
        """The event's id as 32 hexadecimal digits."""
        self.unlocked = unlocked
        """The password was given."""
