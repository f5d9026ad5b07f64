"""A link's rules: ordered, the first whose condition holds decides. One form everywhere: this is what the API
takes, what PostgreSQL stores as JSON, and what a record holds as MessagePack.

    {"name": "Germany", "when": {"type": "country", "values": ["DE"]},
     "then": {"type": "redirect", "to": "https://example.com/de"}}

Types only. Whether a value makes sense is checked when it is saved (`campaigns.rules`), and what must never
reach a header is checked again when a record is read. An unknown field or type is refused, never ignored:
half a condition would send people to the wrong place.
"""

from typing import Final

import msgspec

MAX_RULES: Final = 50
MAX_CONDITIONS: Final = 200
"""Over all rules of a link."""
MAX_DEPTH: Final = 4
MAX_VALUES: Final = 250
"""In one condition."""
MAX_VARIANTS: Final = 8

PLACEHOLDERS: Final = ("code", "country", "lang", "placement", "click_id")
"""`{code}` in a destination is replaced by the scan's own, percent-encoded."""


class Condition(
    msgspec.Struct,
    frozen=True,
    tag_field="type",
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
):
    """Something that holds for a scan, or does not."""


class All(Condition, frozen=True, tag="all"):
    """Every one holds. Of none: holds."""

    of: tuple["AnyCondition", ...]


class AtLeastOne(Condition, frozen=True, tag="any"):
    """One or more hold. Of none: does not hold."""

    of: tuple["AnyCondition", ...]


class Not(Condition, frozen=True, tag="not"):
    of: "AnyCondition"


class Os(Condition, frozen=True, tag="os"):
    """`analytics.visitors.glance.SYSTEMS`."""

    values: tuple[str, ...]


class Device(Condition, frozen=True, tag="device"):
    """phone, tablet, desktop, tv or other."""

    values: tuple[str, ...]


class InApp(Condition, frozen=True, tag="in_app"):
    """Opened inside one of these apps; none named: inside any."""

    values: tuple[str, ...] = ()


class Country(Condition, frozen=True, tag="country"):
    """ISO 3166-1 alpha-2, upper case."""

    values: tuple[str, ...]


class Region(Condition, frozen=True, tag="region"):
    """English names as recorded, any case."""

    values: tuple[str, ...]


class City(Condition, frozen=True, tag="city"):
    """English names as recorded, any case."""

    values: tuple[str, ...]


class Continent(Condition, frozen=True, tag="continent"):
    """AF, AN, AS, EU, NA, OC or SA."""

    values: tuple[str, ...]


class Language(Condition, frozen=True, tag="language"):
    """The visitor's first choice by quality value, or with `accepted` any that is not refused.

    "pt" also holds for pt-BR; "pt-br" for that alone.
    """

    values: tuple[str, ...]
    accepted: bool = False


class Time(Condition, frozen=True, tag="time"):
    """Weekdays (1 Monday … 7 Sunday; none: all) and hours, on the clocks of an IANA time zone.

    From 22:00 to 06:00 goes past midnight and belongs to the day it begins on. start = end: all day.
    """

    zone: str
    days: tuple[int, ...] = ()
    start: str = "00:00"
    end: str = "00:00"


class Dates(Condition, frozen=True, tag="dates"):
    """From `start` on, until before `end`: RFC 3339 with an offset; "" is open."""

    start: str = ""
    end: str = ""


class ScanNumber(Condition, frozen=True, tag="scan_number"):
    """Exactly one of: the first N scans of this link, every Nth, all after N."""

    first: int = 0
    every: int = 0
    after: int = 0


class Visitor(Condition, frozen=True, tag="visitor"):
    """Whether this visitor's first scan of the link today (UTC), as counted without cookies."""

    new: bool


class Query(Condition, frozen=True, tag="query"):
    """The parameter is there, and is one of the values where any are named."""

    name: str
    values: tuple[str, ...] = ()


class Referrer(Condition, frozen=True, tag="referrer"):
    """Came from one of these hosts or a name below it (an app's name works too); none named: from any."""

    values: tuple[str, ...] = ()


class Placement(Condition, frozen=True, tag="placement"):
    """Where the code hangs: from `/CODE/p/<placement>` or `?p=`; none named: any placement."""

    values: tuple[str, ...] = ()


class Network(Condition, frozen=True, tag="ip"):
    """The client's address lies in one of these networks, such as 192.0.2.0/24."""

    values: tuple[str, ...]


class Bot(Condition, frozen=True, tag="bot"):
    """By the agent string, HEAD and prefetch alone: a hint, not the verdict of the statistics."""

    is_bot: bool = True


AnyCondition = (
    All
    | AtLeastOne
    | Not
    | Os
    | Device
    | InApp
    | Country
    | Region
    | City
    | Continent
    | Language
    | Time
    | Dates
    | ScanNumber
    | Visitor
    | Query
    | Referrer
    | Placement
    | Network
    | Bot
)


class Action(
    msgspec.Struct,
    frozen=True,
    tag_field="type",
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
):
    """What a scan is answered with."""


class Redirect(Action, frozen=True, tag="redirect"):
    to: str
    """http or https, ASCII; may hold placeholders, not in its host."""
    status: int = 0
    """0: the link's own."""
    pass_query: bool = False
    """Adds the scan's own query parameters; one that the destination has already stays the destination's."""
    utm: dict[str, str] = {}
    """source, medium, campaign, term, content: set where the destination has none of that name."""


class Variant(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    to: str
    weight: int = 1
    """1 to 1000; the share is the weight over the sum of weights."""
    name: str = ""


class Split(Action, frozen=True, tag="split"):
    """Sends each visitor to one of 2 to 8 variants, always the same one: by a hash, without a cookie."""

    variants: tuple[Variant, ...]
    status: int = 0
    pass_query: bool = False
    utm: dict[str, str] = {}


class App(Action, frozen=True, tag="app"):
    """Opens an app where it is installed, else its store; on other systems `to`."""

    to: str
    """For desktops, and where neither store is known."""
    ios_link: str = ""
    """A universal link (https) or an own scheme (myapp://path)."""
    ios_store: str = ""
    """https://apps.apple.com/…"""
    android_link: str = ""
    """https or an own scheme, opened by an intent."""
    android_package: str = ""
    android_store: str = ""
    """https; '' is Google Play's page of the package."""


class Password(Action, frozen=True, tag="password"):
    """Asks for the link's password, then leads on."""

    to: str = ""
    """'' is the link's destination."""


class Notice(Action, frozen=True, tag="notice"):
    """A page with a message."""

    title: str
    text: str
    button: str = ""
    url: str = ""
    """Where the button leads."""


class Gone(Action, frozen=True, tag="gone"):
    """410: it is over here."""


AnyAction = Redirect | Split | App | Password | Notice | Gone


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    then: AnyAction
    when: AnyCondition | None = None
    """None: always."""
    name: str = ""
    """For people."""
