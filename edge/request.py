"""What the edge reads of a request, and only when a link's rules ask for it."""

from functools import lru_cache
from hashlib import blake2b
from typing import Final
from urllib.parse import parse_qsl, unquote_plus

from analytics.visitors.bots import named
from analytics.visitors.geo import NOWHERE
from analytics.visitors.glance import Glance, glance
from analytics.visitors.language import accepted_languages
from analytics.visitors.referrer import referrer
from edge.conditions import AGENT, BOT, BUCKET, BUCKETS, CLICK, LANGUAGE, PLACE, QUERY, REFERRER
from edge.facts import NOTHING, Facts
from edge.places import Places
from edge.visit import MAX_FIELD, Visit

MAX_PLACEMENT: Final = 64
# Characters by which what is remembered of a request is asked for: as many as are recorded.
_MAX_TEXT: Final = MAX_FIELD["user_agent"]
_MAX_HINT: Final = MAX_FIELD["ch_platform"]
_MAX_LANGUAGES: Final = MAX_FIELD["accept_language"]
_MAX_QUERY: Final = MAX_FIELD["query"]
NO_GLANCE: Final = Glance()
# Compiled, names of this module's own need no looking up.
_nowhere: Final = NOWHERE
_nothing: Final = NOTHING
_glance: Final = glance
_accepted: Final = accepted_languages
_referrer: Final = referrer
_PREFETCH: Final = ("prefetch", "prerender", "preview")


def facts_of(
    needs: int,
    visit: Visit,
    link_id: int,
    places: Places,
    *,
    scan_number: int | None = None,
    is_new: bool | None = None,
    unlocked: bool = False,
) -> Facts:
    """The facts that `needs` names (flags of edge.conditions), and what costs nothing. Never raises."""
    header = visit.header
    agent, place = NO_GLANCE, _nowhere
    languages: tuple[tuple[str, float], ...] = ()
    if needs & AGENT:
        said, platform, mobile = visit.agent[:_MAX_TEXT], "", ""
        if "Chrom" in said:  # as it is recorded: nobody else sends client hints
            platform = header("sec-ch-ua-platform", "")[:_MAX_HINT]
            mobile = header("sec-ch-ua-mobile", "")[:_MAX_HINT] if platform else ""
        agent = _glance(said, platform, mobile)
    if needs & PLACE:
        place = places.of(visit.ip)
    if needs & LANGUAGE:
        languages = _accepted(visit.languages[:_MAX_LANGUAGES])
    os, device, in_app = agent
    country, region, city, continent = place
    # By position, in the order of the class: a name each would cost as much as the rest.
    return Facts(
        visit.now_ns // 1_000_000,
        visit.code,
        visit.placement,
        parameters(visit.query[:_MAX_QUERY]) if needs & QUERY and visit.query else _nothing,
        visit.query,
        os,
        device,
        in_app,
        country,
        region,
        city,
        continent,
        languages,
        _referrer(header("referer", "")[:_MAX_TEXT]) if needs & REFERRER else "",
        visit.ip,
        looks_like_a_robot(visit) if needs & BOT else False,
        scan_number,
        is_new,
        bucket(link_id, visit.ip, visit.agent) if needs & BUCKET else 0,
        visit.event_id.hex() if needs & CLICK else "",
        unlocked,
    )


def looks_like_a_robot(visit: Visit) -> bool:
    """By the agent string, HEAD and prefetch alone."""
    if visit.method == "HEAD":
        return True
    header = visit.header
    purpose = header("sec-purpose", "") or header("purpose", "")
    if purpose and any(word in purpose for word in _PREFETCH):
        return True
    agent = visit.agent[:_MAX_TEXT]
    return not agent.strip() or named(agent).signal != ""


def bucket(link_id: int, ip: str, user_agent: str) -> int:
    """0 to 9,999: the visitor's fixed place in every split of this link. Kept nowhere."""
    message = b"%d|%b|%b" % (link_id, ip.encode(errors="replace"), user_agent.encode(errors="replace"))
    return int.from_bytes(blake2b(message, digest_size=8).digest(), "big") % BUCKETS


@lru_cache(maxsize=1024)
def parameters(query_string: str) -> dict[str, str]:
    """Decoded; of one given twice, the first. Read-only: the same dict is given again."""
    found: dict[str, str] = {}
    try:
        pairs = parse_qsl(query_string, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return found
    for name, value in pairs:
        found.setdefault(name, value)
    return found


def placed(code: str, query: str) -> tuple[str, str]:
    """The code without its placement, and the placement: from `CODE/p/<placement>`, or `?p=`, or ''."""
    code, found, placement = code.partition("/p/")
    if not found:
        for part in query.split("&"):
            if part.startswith("p="):
                placement = unquote_plus(part[2:])
                break
    placement = placement[: 2 * MAX_PLACEMENT].strip().lower()[:MAX_PLACEMENT]
    return code, placement if placement.isprintable() else ""
