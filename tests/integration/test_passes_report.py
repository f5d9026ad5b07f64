"""The report of an evening whose numbers were counted by hand: see `evening`."""

import csv
import io
import zipfile
from dataclasses import astuple
from datetime import date
from typing import Any

import pypdfium2
import pytest
from console_stack import new_tenant
from evening import at, evening
from gate_world import GateWorld

FIRST, SECOND = date(2024, 6, 1), date(2024, 6, 2)


@pytest.fixture(scope="module")
def world(console: None) -> GateWorld:
    return evening(new_tenant())


@pytest.fixture(scope="module")
def report(world: GateWorld) -> Any:
    return load(world, first=FIRST, last=FIRST)


def load(world: GateWorld, **days: Any) -> Any:
    from control_plane.passes import report

    return report.load(program=world.program, **days)


def lines(rows: Any) -> list[tuple[Any, ...]]:
    return [astuple(row) for row in rows]


def test_who_drove_traffic_and_who_did_not_come(report):
    # name, issued, used, uses, cancelled. Pass 3 was taken back, pass 7 comes the day after.
    assert lines(report.issuers) == [
        ("Bakery", 4, 2, 4, 0),
        ("Press", 2, 1, 1, 0),
        ("Without an issuer", 2, 0, 0, 1),
    ]
    assert [one.unused for one in report.issuers] == [2, 1, 1]
    assert (report.total.issued, report.total.used, report.total.unused) == (8, 3, 4)
    assert report.is_over


def test_what_was_used_up_the_day_before_is_not_missed(world):
    second = load(world, first=SECOND, last=SECOND)
    assert {one.name: (one.issued, one.used, one.unused) for one in second.issuers} == {
        "Bakery": (2, 0, 2),
        "Press": (1, 0, 1),
        "Without an issuer": (2, 1, 0),
    }
    both = load(world, first=FIRST, last=SECOND)
    assert (both.total.issued, both.total.used, both.total.unused, both.total.cancelled) == (8, 4, 3, 1)


def test_when_it_was_busiest(report):
    # Two were counted by hand. A second admission of pass 1, which had not left, takes its old place.
    assert lines(report.hours) == [(at("10:00"), 5, 0), (at("11:00"), 0, 1), (at("12:00"), 2, 1)]
    assert (report.came, report.left) == (7, 2)
    assert report.busiest.at == at("10:00")
    assert report.by_weekday[5][9:14] == [0, 5, 0, 2, 0]
    assert sum(map(sum, report.by_weekday)) == 7
    assert lines(report.peaks) == [("Venue", 0, 100, 5, at("10:45")), ("Hall", 1, None, 1, at("13:05"))]


def test_what_gates_and_devices_did(report):
    # name, admitted, left, refused, offline, in and out by hand
    assert sorted(lines(report.gates)) == [("=South", 2, 0, 2, 1, 0, 0), ("North", 3, 1, 2, 0, 2, 0)]
    assert sorted(lines(report.devices)) == [("Boss", 2, 0, 2, 0, 0, 0), ("Phone", 3, 1, 2, 1, 2, 0)]
    assert [(one.reason, one.times, one.passes) for one in report.refusals] == [
        ("already_used", 3, 2),
        ("unknown", 1, 0),
    ]
    assert report.refused == 4


def test_clone_attempts_are_refusals_at_another_place(report):
    assert lines(report.clones) == [
        (1, "already_used", "North", "Phone", at("10:05"), "=South", "Boss", at("11:00"), at("11:01"), 2)
    ]
    assert report.more["clones"] == 1


def test_conflicts_overrides_and_corrections_have_their_reasons(world, report):
    (conflict,) = report.conflicts
    assert (conflict.number, conflict.gate, conflict.device, conflict.reason) == (
        2, "=South", "Phone", "already_used",
    )  # fmt: skip
    assert conflict.at == at("12:30")
    (override,) = report.overrides
    assert (override.number, override.gate, override.device, override.reason, override.note) == (
        1, "North", "Boss", "already_used", "wristband torn",
    )  # fmt: skip
    # The hall's correction changed the venue around it too: it is listed once.
    assert [(one.at, one.zone, one.delta, one.inside, one.note) for one in report.corrections] == [
        (at("13:00"), "Venue", -2, 3, "+counted heads"),
        (at("13:05"), "Hall", 1, 1, "hall"),
    ]
    assert all(one.by.endswith(" person") for one in report.corrections)


def test_a_picture_that_came_before_the_pass_itself_is_a_clone_attempt(tenant):
    """`stale` needs no earlier admission; `already_used` at the place of the admission is no clone."""
    from gate_world import gate_world

    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Attempt

    world = gate_world(tenant, way="entrance", time_zone="Europe/Berlin")
    south = world.add_gate("South")
    (text,) = world.issue()
    first = world.scan(text, gate=south, now=at("09:00"))
    world.scan(text, now=at("10:00"))
    with workspace_scope(world.workspace_id):
        Attempt.objects.filter(id=first.attempt_id).update(reason="stale", use_no=None)
        Attempt.objects.exclude(id=first.attempt_id).update(reason="ok", use_no=1)
    (clone,) = load(world, first=FIRST, last=FIRST).clones
    assert (clone.reason, clone.refused_gate, clone.admitted_gate) == ("stale", "South", "North")
    assert (clone.first_at, clone.admitted_at) == (at("09:00"), at("10:00"))


def test_the_days_are_the_programs_own_unless_told(world, tenant):
    from django.utils import timezone
    from gate_world import gate_world

    from control_plane.passes import programs

    whole = gate_world(tenant, starts_at=at("10:00"), ends_at=at("02:00", day=3), time_zone="Europe/Berlin")
    period = load(whole).period
    assert (period.first, period.last) == (FIRST, date(2024, 6, 3))
    assert (period.since, period.until) == (at("00:00"), at("00:00", day=4))
    later = programs.update_program(
        workspace_id=whole.workspace_id, program_id=whole.program.pk,
        ends_at=timezone.now() + timezone.timedelta(days=30),
    )  # fmt: skip
    whole.program = later
    assert not load(whole, first=timezone.localdate()).is_over


@pytest.mark.parametrize(
    ("days", "field", "said"),
    [
        ({"first": SECOND, "last": FIRST}, "last", "must not be before the first"),
        ({"first": date(2020, 1, 1), "last": FIRST}, "first", "at most 400 days"),
        ({"first": date(1, 1, 1), "last": FIRST}, "first", "between the years"),
        ({"first": FIRST, "last": date(9999, 12, 31)}, "last", "between the years"),
    ],
)
def test_days_that_cannot_be(world, days, field, said):
    from control_plane.passes.errors import Invalid

    with pytest.raises(Invalid, match=said) as refused:
        load(world, **days)
    assert refused.value.field == field


def test_nothing_happened_at_all(tenant):
    from gate_world import gate_world

    from control_plane.passes.report_csv import write_zip
    from control_plane.passes.report_pdf import write_pdf
    from control_plane.passes.report_tables import tables

    made = load(gate_world(tenant))
    assert made.total.issued == made.came == made.refused == 0
    assert made.busiest is None
    assert "Nobody came." in text_of_pdf(write_pdf(made))
    assert write_zip(tables(made))


# Files


def text_of_pdf(content: bytes) -> str:
    document = pypdfium2.PdfDocument(content)
    return "\n".join(page.get_textpage().get_text_bounded() for page in document)


def test_csv_has_the_same_numbers_no_formula_and_no_name(report):
    from control_plane.passes.report_csv import write_zip
    from control_plane.passes.report_tables import NAMES, tables

    with zipfile.ZipFile(io.BytesIO(write_zip(tables(report)))) as archive:
        files = {name[3:-4]: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}
    assert tuple(files) == NAMES
    rows = {name: list(csv.reader(io.StringIO(text, newline=""))) for name, text in files.items()}
    assert rows["issuers"][1] == ["Bakery", "4", "2", "2", "50 %", "0", "4"]
    assert rows["gates"][2][:4] == ["'=South", "2", "0", "2"]
    assert rows["corrections"][1][1:5] == ["Venue", "-2", "3", "'+counted heads"]
    assert rows["hours"][1] == ["2024-06-01 10:00", "5", "0"]
    assert dict(row for row in rows["summary"])["No-shows"] == "4"
    everything = "".join(files.values()).lower()
    for secret in ("ada", "lovelace", "b-al", "1815"):
        assert secret not in everything


def test_pdf_has_all_tables_and_none_of_the_holders(world, report):
    from control_plane.passes.report_pdf import write_pdf
    from control_plane.passes.report_tables import tables

    text = text_of_pdf(write_pdf(report))
    assert world.program.name in text
    for table in tables(report):
        if table.name != "hours":
            assert table.title in text
    assert "wristband torn" in text
    assert "1 June 2024" in text
    assert "Lovelace" not in text


def test_a_long_table_goes_on_over_pages_with_its_head(report):
    from dataclasses import replace

    from control_plane.passes.report_pdf import write_pdf

    many = replace(report, clones=report.clones * 200, more=report.more | {"clones": 1_234})
    document = pypdfium2.PdfDocument(write_pdf(many))
    pages = [page.get_textpage().get_text_bounded() for page in document]
    assert len(pages) > 4
    assert sum("Refused at" in page for page in pages) >= 4
    assert "and 1,034 more" in "".join(pages)


def test_names_in_other_scripts_are_printed(report):
    from dataclasses import replace

    from control_plane.passes.report import IssuerLine
    from control_plane.passes.report_pdf import write_pdf

    names = ["面包店", "Пекарня", "Bäckerei <b>&"]
    made = replace(report, issuers=[IssuerLine(name, 1, 1, 1, 0) for name in names])
    text = text_of_pdf(write_pdf(made))
    assert all(name in text for name in names)
