"""Jobs in the console: a table from its upload to its passes, and a job that is stopped and goes on."""

import csv
import io
import re
from typing import Any

import pytest
from console_pages import Address, member, signed_in, text_of
from console_stack import new_tenant
from django.core.files.uploadedfile import SimpleUploadedFile
from gate_world import gate_world
from test_console_passes import body_of, error_at, words_of

pytestmark = pytest.mark.usefixtures("console")

GUESTS = (
    "Name,E-Mail,Plate,Valid until,Seat\n"
    "Zoë Ångström,zoe@example.com,b zo 1,2030-12-31,1 A\n"
    "Ana,ana at home,,,\n"
    "Ben,ZOE@example.com,,,2\n"
    "Eve,,,,=cmd()\n"
    "Bad,,,soon,\n"
)


@pytest.fixture
def world(tenant):
    return gate_world(tenant, time_zone="Europe/Berlin")


@pytest.fixture
def client(tenant):
    return signed_in(tenant.user)


@pytest.fixture
def of(tenant, world):
    at = Address(tenant)
    return lambda path="": at(f"passes/{world.program.pk}/{path}")


def upload(client: Any, of: Any, data: str | bytes, name: str = "guests.csv", **form: Any) -> Any:
    content = data.encode() if isinstance(data, str) else data
    return client.post(of("jobs/upload/"), {"file": SimpleUploadedFile(name, content), **form})


def draft(client: Any, of: Any, data: str | bytes = GUESTS, **form: Any) -> str:
    """The path of the table's page."""
    answer = upload(client, of, data, **form)
    assert answer.status_code == 302, words_of(answer)
    return answer["Location"]


def finish(world: Any, path: str) -> None:
    from control_plane.passes import job_work

    job_id = int(path.rstrip("/").rsplit("/", 1)[1])
    while job_work.work_chunk(workspace_id=world.workspace_id, job_id=job_id):
        pass


def holders(world: Any) -> list[dict[str, Any]]:
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes import holder
    from control_plane.passes.models import Pass

    with workspace_scope(world.workspace_id):
        rows = Pass.objects.filter(program=world.program).order_by("number")
        return [holder.opened(row.holder, row.workspace_id) for row in rows]


def test_a_table_is_looked_at_confirmed_and_issued(client, world, of):
    path = draft(client, of)
    page = client.get(path)
    said = words_of(page)
    assert "guests.csv Not confirmed" in said
    assert "Rows 5 Good 3 Wrong 2 There twice 1" in said
    assert "Line 3 E-Mail ana at home This is no e-mail address." in said
    assert "Line 6 Valid until soon Write a date" in said
    assert "Line 4 The same e-mail address is in line 2." in said
    assert "Plate Plate" in said
    assert "Seat a field of your own" in said
    # As they were understood, not as they were written.
    assert "2 Zoë Ångström zoe@example.com B ZO 1 2030-12-31 23:59 1 A" in said
    assert "UTF-8, comma" in said
    assert "guess" not in said
    assert holders(world) == []
    assert not re.search(r"<[^>]+\s(style|on\w+)=", body_of(page))
    # Nothing of the table comes back with the form.
    assert not re.findall(r'<input type="hidden" name="(?!csrfmiddlewaretoken)', body_of(page))

    started = client.post(f"{path}confirm/", {"repeats": ""}, follow=True)
    assert "0 of 2 passes" in words_of(started)
    assert "3 rows of the table were left out." in words_of(started)
    assert "data-job=" in body_of(started)
    assert "confirmed already" in words_of(client.post(f"{path}confirm/", {}, follow=True))
    finish(world, path)
    assert client.get(f"{path}progress/").json()["state"] == "done"
    done = client.get(path)
    assert "2 of 2 passes 100 %" in words_of(done)
    assert "data-job=" not in body_of(done)
    assert [one["name"] for one in holders(world)] == ["Zoë Ångström", "Eve"]
    job = re.search(r"jobs/(\d+)/", path)[1]
    assert f'href="{of(f"passes/?job={job}")}"' in body_of(done)
    world.issue(1)
    listed = client.get(of(f"passes/?job={job}"))
    assert body_of(listed).count('<td class="no">') == 2
    assert "Made by guests.csv" in words_of(listed)


def test_rows_that_are_there_twice_can_be_issued_too(client, world, of):
    path = draft(client, of)
    client.post(f"{path}confirm/", {"repeats": "1"})
    finish(world, path)
    assert [one["name"] for one in holders(world)] == ["Zoë Ångström", "Ben", "Eve"]


def test_what_the_form_says_is_for_rows_that_say_nothing(client, world, of):
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Pass

    form = {"valid_until": "2030-06-01T10:00", "max_uses": "4", "held": "on"}
    path = draft(client, of, "name,uses,until\nAna,,\nBen,2,2030-07-01 12:00\n", **form)
    client.post(f"{path}confirm/")
    finish(world, path)
    with workspace_scope(world.workspace_id):
        rows = Pass.objects.filter(program=world.program).order_by("number")
        found = [(row.max_uses, row.valid_until.isoformat(), row.state) for row in rows]
    assert found == [
        (4, "2030-06-01T08:00:00+00:00", "held"),
        (2, "2030-07-01T10:00:00+00:00", "held"),
    ]


def test_the_list_of_errors_is_a_table_that_no_spreadsheet_computes(client, of):
    path = draft(
        client, of, "name,e-mail\nAna,=HYPERLINK(1)\nBen,@x\nEve,eve@example.com\nIda,EVE@example.com\n"
    )
    answer = client.get(f"{path}errors.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Cache-Control"] == "no-store"
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows == [
        ["line", "column", "value", "problem"],
        ["2", "e-mail", "'=HYPERLINK(1)", "This is no e-mail address."],
        ["3", "e-mail", "'@x", "This is no e-mail address."],
        ["5", "email", "EVE@example.com", "The same e-mail address is in line 4."],
    ]
    client.post(f"{path}confirm/")
    assert client.get(f"{path}errors.csv").status_code == 404


def test_the_example_is_a_good_table(client, world, of):
    example = client.get(of("jobs/example.csv"))
    said = words_of(client.get(draft(client, of, example.content)))
    assert "Rows 2 Good 2 Wrong 0 There twice 0" in said
    assert "Issue 2 passes" in said


def test_a_guessed_encoding_is_said(client, of):
    said = words_of(client.get(draft(client, of, GUESTS.encode("cp1252"))))
    assert "Read as Windows-1252, which is a guess." in said
    assert "Zoë Ångström" in said


def test_a_table_without_a_good_row_cannot_be_confirmed(client, world, of):
    path = draft(client, of, "e-mail\nx\ny\n")
    page = client.get(path)
    assert "No row can be issued." in words_of(page)
    assert "confirm/" not in body_of(page)
    refused = client.post(f"{path}confirm/")
    assert refused.status_code == 422
    assert "There is no row that can be issued." in words_of(refused)
    finish(world, path)
    assert holders(world) == []


def test_a_table_that_is_not_confirmed_issues_nothing_and_is_gone_after_a_day(client, world, of):
    from datetime import timedelta

    from django.utils import timezone

    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes import job_work
    from control_plane.passes.models import Job

    old, young = draft(client, of), draft(client, of)
    job_work.work(seconds=10)
    assert holders(world) == []
    with workspace_scope(world.workspace_id):
        first = Job.objects.filter(program=world.program).order_by("id").first()
        assert b"Ana" not in bytes(first.rows)
        assert "ana" not in repr(first.settings).lower()
        Job.objects.filter(id=first.pk).update(created_at=timezone.now() - timedelta(hours=25))
    job_work.forget_drafts()
    assert client.get(old).status_code == 404
    assert client.get(young).status_code == 200
    discarded = client.post(f"{young}discard/", follow=True)
    assert "The table is discarded. No pass was issued." in words_of(discarded)
    assert client.get(young).status_code == 404
    assert client.post(f"{young}confirm/").status_code == 404


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "This file is empty."),
        (b"name\n", "has a heading and no rows"),
        (b"PK\x03\x04", "In your spreadsheet choose File, Save as"),
        (b"\x00\x01\x02\x03" * 50, "NUL bytes"),
        (b"name\n" + b"x\n" * 50_001, "has 50,001 rows; one job takes 50,000. Split it into 2 files."),
        (b"name\n" + b"x" * 20 * 1024 * 1024, "larger than 20 MB. Split it"),
    ],
)
def test_what_is_no_table_is_said_at_the_file(client, world, of, data, sentence):
    assert sentence in error_at(upload(client, of, data), "file")
    assert "No jobs yet" in words_of(client.get(of("jobs/")))


def test_no_file_is_said_too(client, of):
    assert "Choose a file." in error_at(client.post(of("jobs/upload/"), {}), "file")


def test_a_quota_is_said_before_anything_is_stored(client, world, of):
    client.post(of("issuers/"), {"name": "Bakery", "quota_total": "1"})
    issuer = re.search(r"issuers/(\d+)/", body_of(client.get(of("issuers/"))))[1]
    answer = upload(client, of, "name\nAna\nBen\n", issuer=issuer)
    assert "Bakery may issue 1 more passes, not 2." in words_of(answer)
    answer = client.post(of("passes/issue/"), {"count": "2000", "issuer": issuer})
    assert "Bakery may issue 1 more passes, not 2,000." in error_at(answer, "count")


def test_more_than_a_thousand_are_a_job_that_can_be_stopped(client, world, of):
    from control_plane.passes import job_work

    answer = client.post(of("passes/issue/"), {"count": "1200"})
    path = answer["Location"]
    job_id = int(path.rstrip("/").rsplit("/", 1)[1])
    assert "1,200 passes Waiting" in words_of(client.get(path))
    job_work.work_chunk(workspace_id=world.workspace_id, job_id=job_id)
    live = client.get(f"{path}progress/")
    assert live["Cache-Control"] == "no-store"
    assert (live.json()["state"], live.json()["percent"]) == ("running", 41)
    assert "500 of 1,200 passes" in text_of(live.json()["html"])
    stopped = words_of(client.post(f"{path}cancel/", follow=True))
    assert "Cancelled" in stopped
    assert "It can be resumed for 30 days." in stopped
    assert "This job is cancelled already." in words_of(client.post(f"{path}cancel/", follow=True))
    assert "Waiting" in words_of(client.post(f"{path}resume/", follow=True))
    finish(world, path)
    assert len(holders(world)) == 1_200
    listed = words_of(client.get(of("jobs/")))
    assert "1,200 passes Done 1,200" in listed
    assert "Jobs" in words_of(client.get(of("passes/")))


def test_a_job_that_failed_says_why(client, world, of):
    from control_plane.passes import programs

    path = client.post(of("passes/issue/"), {"count": "1001"})["Location"]
    programs.update_program(workspace_id=world.workspace_id, program_id=world.program.pk, state="ended")
    finish(world, path)
    said = words_of(client.get(path))
    assert "It stopped." in said
    assert "has ended. No more passes can be issued for it." in said
    assert "Resume" in said


def test_the_passes_of_a_job_are_printed(client, world, of, monkeypatch):
    from control_plane.passes import printing

    path = draft(client, of, "name\n" + "".join(f"Guest {n}\n" for n in range(9)))
    client.post(f"{path}confirm/")
    finish(world, path)
    job = re.search(r"jobs/(\d+)/", path)[1]
    world.issue(1)
    page = client.get(of(f"passes/print/?job={job}"))
    assert "All of guests.csv : 9" in words_of(page)
    assert 'name="numbers"' not in body_of(page)
    form = {"part": "1", "layout": "2x4", "paper": "a4", "title": "Fair"}
    pdf = client.post(of(f"passes/print/?job={job}"), form)
    assert pdf["Content-Type"] == "application/pdf"
    assert b"/Count 2" in pdf.content
    monkeypatch.setattr(printing, "MOST_OF_A_JOB", 5)
    assert "1 to 5 of 9 6 to 9 of 9" in words_of(client.get(of(f"passes/print/?job={job}")))
    answer = client.post(of(f"passes/print/?job={job}"), form | {"part": "3"})
    assert "Choose one of these parts." in error_at(answer, "part")


def test_who_may(tenant, world, of, client):
    path = draft(client, of)
    viewer = signed_in(member(tenant, "viewer"))
    for seen in ("jobs/", "jobs/example.csv"):
        assert viewer.get(of(seen)).status_code == 200
    page = viewer.get(path)
    assert page.status_code == 200
    assert '<form method="post" action="/w/' not in body_of(page)
    assert viewer.get(of("jobs/upload/")).status_code == 403
    for action in ("confirm", "discard", "cancel", "resume"):
        assert viewer.post(f"{path}{action}/").status_code == 403
    other = gate_world(tenant)
    elsewhere = path.replace(f"/passes/{world.program.pk}/", f"/passes/{other.program.pk}/")
    assert client.get(elsewhere).status_code == 404
    job = re.search(r"jobs/(\d+)/", path)[1]
    for asked in (f"passes/?job={job}", f"passes/print/?job={job}"):
        assert client.get(Address(tenant)(f"passes/{other.program.pk}/{asked}")).status_code == 404
    stranger = signed_in(new_tenant().user)
    assert stranger.get(path).status_code == 404
