"""A report as tables of plain values, which its page, its CSV files and its PDF all show. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from control_plane.passes.reason import SENTENCES, Reason
from control_plane.passes.report import PlaceLine, Report
from control_plane.passes.report_csv import Cell, Table

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NAMES: Final = (
    "summary", "issuers", "peaks", "hours", "weekdays", "gates", "devices", "refusals", "clones", "conflicts",
    "overrides", "corrections",
)  # fmt: skip


def tables(report: Report, *, short: bool = False) -> list[Table]:
    """In the order of NAMES. `short` for people: times without the year, of a single day without the day."""
    zone = ZoneInfo(report.period.time_zone)
    one_day = report.period.first == report.period.last
    form = ("%H:%M:%S" if one_day else "%-d %b %H:%M:%S") if short else "%Y-%m-%d %H:%M:%S"

    def clock(at: datetime | None) -> str:
        return at.astimezone(zone).strftime(form) if at else ""

    def more(name: str, listed: Sequence[object]) -> int:
        return report.more[name] - len(listed)

    unused = "No-shows" if report.is_over else "Not used yet"
    listed_issuers = [
        (one.name, one.issued, one.used, one.unused, share(one.unused, one.issued), one.cancelled, one.uses)
        for one in report.issuers
    ]
    exceptional = ("When", "Pass", "Gate", "Device", "Way")
    return [
        Table("summary", "Summary", "", ("What", "How many"), summary(report), frozenset({1})),
        Table(
            "issuers", "Who drove traffic",
            "Passes that could be used in these days, by who issued them.",
            ("Issuer", "Issued", "Used", unused, f"{unused}, share", "Cancelled", "Entries"),
            listed_issuers, frozenset({1, 2, 3, 4, 5, 6}), empty="No pass was issued.",
        ),
        Table(
            "peaks", "Peaks", "The most people that were counted inside at once.",
            ("Zone", "Capacity", "Most inside", "Share", "When"),
            [
                ("\u2003" * one.depth + one.zone, one.capacity, one.inside,
                 share(one.inside, one.capacity) if one.capacity else "", clock(one.at))
                for one in report.peaks
            ],
            frozenset({1, 2, 3}), empty="There is no zone.",
        ),
        Table(
            "hours", "Hour by hour", f"Who came and left, {report.period.time_zone} time.",
            ("Hour", "Came", "Left"),
            [(clock(one.at)[:-3], one.came, one.left) for one in report.hours],
            frozenset({1, 2}), empty="Nobody came.",
        ),
        Table(
            "weekdays", "Peak hours", "Who came, by weekday and hour of the day.",
            ("Day", *(f"{hour:02}" for hour in range(24))),
            [(DAYS[day], *row) for day, row in enumerate(report.by_weekday) if any(row)],
            frozenset(range(1, 25)), empty="Nobody came.",
        ),
        Table(
            "gates", "Gates", "", ("Gate", *_PLACE), [_place(one) for one in report.gates],
            frozenset(range(1, 7)), empty="No gate has scanned anything.",
        ),
        Table(
            "devices", "Devices", "", ("Device", *_PLACE), [_place(one) for one in report.devices],
            frozenset(range(1, 7)), empty="No device has scanned anything.",
        ),
        Table(
            "refusals", "Refusals", "", ("Reason", "Times", "Passes"),
            [(one.sentence, one.times, one.passes) for one in report.refusals],
            frozenset({1, 2}), empty="Nobody was refused.",
        ),
        Table(
            "clones", "Clone attempts",
            "The same pass, refused at another gate or by another device than where it was admitted.",
            ("Pass", "Admitted at", "By", "When", "Refused at", "By", "First", "Last", "Times", "As"),
            [
                (one.number, one.admitted_gate, one.admitted_device, clock(one.admitted_at), one.refused_gate,
                 one.refused_device, clock(one.first_at), clock(one.last_at), one.times, said(one.reason))
                for one in report.clones
            ],
            frozenset({0, 8}), more("clones", report.clones), "There was none.",
        ),
        Table(
            "conflicts", "Conflicts",
            "What devices let through while they were offline, and would have refused had they known all.",
            (*exceptional, "Why not", "Told"),
            [
                (clock(one.at), one.number, one.gate, one.device, one.direction, said(one.reason),
                 clock(one.received_at))
                for one in report.conflicts
            ],
            frozenset({1}), more("conflicts", report.conflicts), "There was none.",
        ),
        Table(
            "overrides", "Admitted by supervisors", "In spite of a refusal, with their reason.",
            (*exceptional, "In spite of", "Reason"),
            [
                (clock(one.at), one.number, one.gate, one.device, one.direction, said(one.reason), one.note)
                for one in report.overrides
            ],
            frozenset({1}), more("overrides", report.overrides), "Nobody was.",
        ),
        Table(
            "corrections", "Corrections", "Counts that were corrected by hand.",
            ("When", "Zone", "Change", "Inside then", "Reason", "By"),
            [
                (clock(one.at), one.zone, one.delta, one.inside, one.note, one.by)
                for one in report.corrections
            ],
            frozenset({2, 3}), more("corrections", report.corrections), "No count was corrected.",
        ),
    ]  # fmt: skip


def summary(report: Report) -> list[tuple[Cell, ...]]:
    total, busiest = report.total, report.busiest
    zone = ZoneInfo(report.period.time_zone)
    rows: list[tuple[Cell, ...]] = [
        ("Passes issued", total.issued),
        ("Passes used", total.used),
        ("No-shows" if report.is_over else "Not used yet", total.unused),
        ("Share of those", share(total.unused, total.issued)),
        ("Cancelled before they were used", total.cancelled),
        ("Entries with a pass", total.uses),
        ("People who came, counted by hand among them", report.came),
        ("People who left", report.left),
        ("Refusals", report.refused),
        ("Clone attempts, by pass and place", report.more["clones"]),
        ("Conflicts", report.more["conflicts"]),
        ("Admitted by supervisors", report.more["overrides"]),
        ("Corrections", report.more["corrections"]),
    ]
    if busiest is not None:
        rows.append(("Busiest hour", f"{busiest.at.astimezone(zone):%Y-%m-%d %H:%M}"))
        rows.append(("Came in it", busiest.came))
    return rows


def share(part: int, of: int | None) -> str:
    """A percentage, to the whole."""
    return f"{round(100 * part / of)} %" if of else "–"


def said(reason: str) -> str:
    return SENTENCES[Reason(reason)] if reason else "The device was removed."


_PLACE: Final = ("Admitted", "Left", "Refused", "Offline", "In by hand", "Out by hand")


def _place(one: PlaceLine) -> tuple[Cell, ...]:
    return one.name, one.admitted, one.left, one.refused, one.offline, one.by_hand_in, one.by_hand_out
