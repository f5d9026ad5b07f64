"""When a zone is full, if people go on coming and leaving as they do now. Pure.

The rate is that of the last 15 minutes. It says nothing where too few moved, and nothing where as many left
as came but for chance: of a count of n, chance alone moves the square root of n.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

WINDOW: Final = timedelta(minutes=15)
SHORTEST: Final = timedelta(minutes=5)
FEWEST: Final = 10
"""People who came or left in the window: with fewer, a rate is chance."""
FARTHEST: Final = timedelta(hours=12)

Trend = Literal["endless", "full", "few", "steady", "emptying", "far", "filling"]


@dataclass(frozen=True, slots=True)
class Forecast:
    """endless: no capacity. few: too few to say. far: not within 12 hours. filling: full at `at`.

    per_minute: people more (or fewer) inside a minute; 0 where nothing is said.
    """

    trend: Trend
    at: datetime | None = None
    per_minute: float = 0.0


def forecast(
    *, taken: int, capacity: int | None, came: int, left: int, span: timedelta, now: datetime
) -> Forecast:
    """`taken`: places that are filled or lent. `came` and `left` within `span`, which counts as 5 minutes at
    the least: a crowd of the first minute is no rate."""
    if capacity is None:
        return Forecast("endless")
    if taken >= capacity:
        return Forecast("full")
    if came + left < FEWEST:
        return Forecast("few")
    net = came - left
    per_minute = net / (max(span, SHORTEST) / timedelta(minutes=1))
    if abs(net) <= math.sqrt(came + left):
        return Forecast("steady", per_minute=per_minute)
    if net < 0:
        return Forecast("emptying", per_minute=per_minute)
    minutes = (capacity - taken) / per_minute
    if minutes > FARTHEST / timedelta(minutes=1):
        return Forecast("far", per_minute=per_minute)
    return Forecast("filling", now + timedelta(minutes=minutes), per_minute)


def words(found: Forecast, now: datetime, time_zone: str) -> str:
    """One sentence for people, with the time of day in the program's zone."""
    match found.trend:
        case "endless":
            return "No limit: it is counted, and never full."
        case "full":
            return "Full now."
        case "few":
            return "Too few came or left in the last 15 minutes to say."
        case "steady":
            return "Steady: about as many leave as come."
        case "emptying":
            return f"Emptying: {_rate(-found.per_minute)} fewer a minute."
        case "far":
            return "Not full within 12 hours at this rate."
    assert found.at is not None
    zone = ZoneInfo(time_zone)
    at = rounded(found.at, now).astimezone(zone)
    day = "" if at.date() == now.astimezone(zone).date() else "tomorrow "
    return f"Full at about {day}{at:%H:%M} at this rate."


def rounded(at: datetime, now: datetime) -> datetime:
    """Up to the next minute, or to the next five where it is farther off than half an hour: no rate is that
    exact."""
    step = 60 if at - now <= timedelta(minutes=30) else 300
    return datetime.fromtimestamp(math.ceil(at.timestamp() / step) * step, tz=at.tzinfo)


def _rate(people: float) -> str:
    return f"{people:,.0f}" if people >= 10 else f"{people:.1f}".removesuffix(".0")
