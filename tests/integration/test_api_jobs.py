"""Jobs by API: many passes from a count, a list or a table; their progress; and their sheet."""

import json
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from api_client import Api, problem
from console_stack import Tenant, new_tenant

pytestmark = pytest.mark.usefixtures("console")


@pytest.fixture
def api(tenant: Tenant) -> Api:
    return Api(tenant.key)


@pytest.fixture
def own(api: Api) -> str:
    """The program's path."""
    made = api("POST", "/programs", {"name": "Fair", "time_zone": "Europe/Berlin"}).json()
    return f"/programs/{made['id']}"


def finish(tenant: Tenant, job: dict[str, Any]) -> None:
    from control_plane.passes import job_work

    while job_work.work_chunk(workspace_id=tenant.workspace_id, job_id=job["id"]):
        pass


def upload(api: Api, path: str, data: str | bytes, query: str = "", **headers: str) -> Any:
    return api("POST", f"{path}/jobs/csv{query}", data, **{"content_type": "text/csv"} | headers)


def passes(api: Api, job: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api("GET", f"/passes?job_id={job['id']}&limit=100").json()["data"]
    return found[::-1]


def test_a_job_from_first_to_last(api: Api, tenant: Tenant, own: str) -> None:
    answer = api("POST", f"{own}/jobs", {"count": 700, "name": "Day tickets", "held": True, "max_uses": 2})
    assert answer.status_code == 201
    job = answer.json()
    assert answer["Location"] == f"/api/v1{own}/jobs/{job['id']}"
    assert (job["state"], job["total"], job["done"], job["name"]) == ("waiting", 700, 0, "Day tickets")
    assert api("POST", f"{own}/jobs/{job['id']}/cancel").json()["state"] == "cancelled"
    assert "cancelled already" in problem(api("POST", f"{own}/jobs/{job['id']}/cancel"), 422, "state")
    assert api("POST", f"{own}/jobs/{job['id']}/resume").json()["state"] == "waiting"
    finish(tenant, job)
    now = api("GET", f"{own}/jobs/{job['id']}").json()
    assert (now["state"], now["done"]) == ("done", 700)
    assert now["ended_at"]
    assert api("GET", f"{own}/jobs").json()["data"] == [now]
    assert {(one["state"], one["max_uses"], one["job_id"]) for one in passes(api, job)} == {
        ("held", 2, job["id"])
    }
    assert problem(api("POST", f"{own}/jobs/{job['id']}/resume"), 422, "state").startswith("This job is done")


def test_a_job_of_holders(api: Api, tenant: Tenant, own: str) -> None:
    people = [
        {"name": "Ada", "max_uses": 3, "valid_until": "2030-06-01T10:00:00Z", "fields": {"Seat": "1"}},
        {"email": "ben@example.com"},
    ]
    job = api("POST", f"{own}/jobs", {"holders": people, "max_uses": 5}).json()
    finish(tenant, job)
    found = passes(api, job)
    assert [one["holder"] for one in found] == [
        {"name": "Ada", "fields": {"Seat": "1"}}, {"email": "ben@example.com"},
    ]  # fmt: skip
    assert [(one["max_uses"], one["valid_until"]) for one in found] == [
        (3, "2030-06-01T10:00:00Z"),
        (5, None),
    ]


@pytest.mark.parametrize(
    ("body", "field", "sentence"),
    [
        ({}, "count", "Give either count or holders."),
        ({"count": 1, "holders": [{}]}, "count", "Give either count or holders."),
        ({"count": 0}, "count", "Issue 1 to 50,000 passes with one job."),
        ({"count": 50_001}, "count", "Issue 1 to 50,000 passes with one job."),
        ({"holders": []}, "count", "Issue 1 to 50,000 passes with one job."),
        ({"holders": [{}, {"email": "x"}]}, "rows.1.email", "This is no e-mail address."),
        ({"holders": [{"max_uses": 0}]}, "rows.0.max_uses", "Give a whole number from 1 to 100,000"),
        (
            {"holders": [{"valid_until": "2030-01-01T00:00:00Z"}], "valid_from": "2030-02-01T00:00:00Z"},
            "rows.0.valid_until",
            "The end must come after the start.",
        ),
        ({"count": 1, "max_uses": 0}, "max_uses", "Give a whole number from 1 to 100,000"),
        ({"count": 1, "issuer_id": 999_999_999}, "issuer_id", "Choose an issuer of this program."),
    ],
)
def test_bad_orders_make_no_job(api: Api, own: str, body: Any, field: str, sentence: str) -> None:
    assert sentence in problem(api("POST", f"{own}/jobs", body), 422, field)
    assert api("GET", f"{own}/jobs").json()["data"] == []


def test_a_quota_is_a_conflict(api: Api, own: str) -> None:
    issuer = api("POST", f"{own}/issuers", {"name": "Bakery", "quota_total": 99}).json()
    said = problem(api("POST", f"{own}/jobs", {"count": 100, "issuer_id": issuer["id"]}), 409, "count")
    assert said == "Bakery may issue 99 more passes, not 100."


def test_a_large_body_is_read_here_and_nowhere_else(api: Api, tenant: Tenant, own: str) -> None:
    """More than Django takes for a form, and more than the API takes elsewhere."""
    people = [{"name": f"Guest {n}", "fields": {"Note": "x" * 200}} for n in range(6_000)]
    assert len(json.dumps(people)) > 1_400_000
    answer = api("POST", f"{own}/jobs", {"holders": people})
    assert answer.status_code == 201, answer.content
    assert answer.json()["total"] == 6_000
    table = "name,Note\n" + "".join(f"Guest {n},{'x' * 190}\n" for n in range(6_000))
    assert upload(api, own, table).json()["total"] == 6_000
    program = int(own.rsplit("/", 1)[1])
    said = problem(api("POST", "/passes", {"program_id": program, "holders": people}), 413)
    assert said == "The body is larger than 64 kB. Send less."
    huge = b"name\n" + b"x" * (20 * 1024 * 1024)
    assert problem(upload(api, own, huge), 413) == "The body is larger than 20 MB. Send less."


def test_a_retried_order_is_one_job(api: Api, own: str) -> None:
    keyed = {"Idempotency_Key": "guests-1"}
    first, again = (upload(api, own, "name\nAna\n", "?name=A", **keyed) for _ in range(2))
    assert first.json() == again.json()
    assert again["Idempotency-Replayed"] == "true"
    # The query is a part of the request.
    assert upload(api, own, "name\nAna\n", "?name=B", **keyed).status_code == 409
    assert len(api("GET", f"{own}/jobs").json()["data"]) == 1


# Tables

GUESTS = (
    "Name;E-Mail;Kennzeichen;gültig bis;Seat\n"
    "Zoë;zoe@example.com;b zo 1;31.12.2030;1\n"
    "Ana;ana at home;;;2\n"
    "Ben;ZOE@example.com;;;3\n"
    "Eve;;;2031-01-01;\n"
)


def test_a_table_is_checked_without_issuing_anything(api: Api, own: str) -> None:
    found = upload(api, own, GUESTS.encode("cp1252"), "?check=true")
    assert found.status_code == 200
    body = found.json()
    assert (body["encoding"], body["encoding_is_guess"], body["separator"]) == ("Windows-1252", True, ";")
    assert [(one["name"], one["kind"]) for one in body["columns"]] == [
        ("Name", "name"), ("E-Mail", "email"), ("Kennzeichen", "plate"), ("gültig bis", "valid_until"),
        ("Seat", "field"),
    ]  # fmt: skip
    assert (body["rows"], body["good"], body["bad"], body["repeated"]) == (4, 3, 1, 1)
    assert body["faults"] == [
        {"line": 3, "column": "E-Mail", "value": "ana at home", "message": "This is no e-mail address."}
    ]
    assert body["repeats"][0]["message"] == "The same e-mail address is in line 2."
    assert body["first"][0] == {
        "line": 2,
        "holder": {"name": "Zoë", "email": "zoe@example.com", "plate": "B ZO 1", "fields": {"Seat": "1"}},
        "valid_until": "2030-12-31T23:59:59+01:00",
    }
    assert api("GET", f"{own}/jobs").json()["data"] == []


def test_a_table_with_bad_rows_issues_nothing_unless_told_to_leave_them_out(
    api: Api, tenant: Tenant, own: str
) -> None:
    answer = upload(api, own, GUESTS)
    assert problem(answer, 422, "line 3, E-Mail") == "This is no e-mail address."
    assert problem(answer, 422, "line 4, email") == "The same e-mail address is in line 2."
    assert problem(answer, 422).startswith("2 rows are wrong or there twice.")
    assert problem(upload(api, own, GUESTS, "?repeats=true"), 422).startswith("A row is wrong")
    assert api("GET", f"{own}/jobs").json()["data"] == []
    for query, names, left_out in (
        ("?skip=true", ["Zoë", "Eve"], 2),
        ("?skip=true&repeats=true", ["Zoë", "Ben", "Eve"], 1),
    ):
        answer = upload(api, own, GUESTS, query)
        job = answer.json()
        assert answer["Location"] == f"/api/v1{own}/jobs/{job['id']}"
        assert (job["total"], job["left_out"]) == (len(names), left_out)
        finish(tenant, job)
        assert [one["holder"]["name"] for one in passes(api, job)] == names


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("\n", "This file is empty."),
        ("name,e-mail\n", "has a heading and no rows"),
        (b"PK\x03\x04", "This is a spreadsheet or an archive, not a CSV file."),
        (b"name\nA\x00na\n", "Line 2 has NUL bytes"),
    ],
)
def test_what_is_no_table_is_refused(api: Api, own: str, data: Any, sentence: str) -> None:
    for query in ("", "?check=true", "?skip=true"):
        assert sentence in problem(upload(api, own, data, query), 422, "file")


def test_other_media_types_and_parameters_are_refused(api: Api, own: str) -> None:
    said = problem(upload(api, own, "name\nAna\n", content_type="application/json"), 415)
    assert said == "Send the table as it is, with Content-Type: text/csv."
    assert upload(api, own, "name\nAna\n", "?skipp=true").status_code == 422


# Sheets


def codes(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    pages = [page.render(scale=4).to_pil().convert("L") for page in document]
    return [
        found.text
        for image in pages
        for found in zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.QRCode)
    ]


def test_the_sheet_of_a_job_has_its_passes_and_no_others(api: Api, tenant: Tenant, own: str) -> None:
    job = api("POST", f"{own}/jobs", {"count": 10}).json()
    assert "no passes yet" in problem(api("GET", f"{own}/passes/sheet?job_id={job['id']}"), 422, "part")
    finish(tenant, job)
    program = int(own.rsplit("/", 1)[1])
    other = api("POST", "/passes", {"program_id": program, "count": 1}).json()["data"][0]
    rows = passes(api, job)
    api("PATCH", f"/passes/{rows[3]['id']}", {"state": "revoked"})
    answer = api("GET", f"{own}/passes/sheet?job_id={job['id']}&layout=2x4&paper=letter&title=Hello")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert answer["Cache-Control"] == "no-store"
    expected = {one["text"] for one in rows if one["id"] != rows[3]["id"]}
    assert set(codes(answer.content)) == expected
    numbered = api("GET", f"{own}/passes/sheet?numbers=1-2,11&layout=1")
    assert set(codes(numbered.content)) == {rows[0]["text"], rows[1]["text"], other["text"]}


@pytest.mark.parametrize(
    ("query", "field", "sentence"),
    [
        ("", "job_id", "Give either job_id or numbers."),
        ("job_id={job}&numbers=1", "job_id", "Give either job_id or numbers."),
        ("numbers=first", "numbers", "“first” is no number."),
        ("numbers=1-1001", "numbers", "Name at most 1,000 passes at once"),
        ("numbers=99", "numbers", "None of these numbers"),
        ("job_id={job}&part=2", "part", "This job has no part 2. It has 1 of at most 10,000 passes."),
        ("job_id={job}&layout=9x9", "layout", "Choose one of these layouts"),
        ("job_id={job}&title=", "title", "Write a title."),
        ("job_id={job}&lines=1%0A2%0A3%0A4%0A5", "lines", "Write at most 4 lines"),
    ],
)
def test_what_cannot_be_printed(
    api: Api, tenant: Tenant, own: str, query: str, field: str, sentence: str
) -> None:
    job = api("POST", f"{own}/jobs", {"count": 1}).json()
    finish(tenant, job)
    answer = api("GET", f"{own}/passes/sheet?{query.format(job=job['id'])}")
    assert sentence in problem(answer, 422, field)


def test_a_large_job_is_printed_in_parts(
    api: Api, tenant: Tenant, own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from control_plane.passes import printing

    monkeypatch.setattr(printing, "MOST_OF_A_JOB", 4)
    job = api("POST", f"{own}/jobs", {"count": 9}).json()
    finish(tenant, job)
    path = f"{own}/passes/sheet?job_id={job['id']}&layout=2x4&part="
    printed = [codes(api("GET", f"{path}{part}").content) for part in (1, 2, 3)]
    assert [len(part) for part in printed] == [4, 4, 1]
    assert {text for part in printed for text in part} == {one["text"] for one in passes(api, job)}
    assert "It has 3 of at most 4 passes." in problem(api("GET", f"{path}4"), 422, "part")


def test_jobs_of_others_are_not_found(api: Api, own: str) -> None:
    job = api("POST", f"{own}/jobs", {"count": 1}).json()
    stranger = Api(new_tenant().key)
    theirs = stranger("POST", "/programs", {"name": "Theirs"}).json()
    second = api("POST", "/programs", {"name": "Second"}).json()
    for key, path in (
        (stranger, f"{own}/jobs/{job['id']}"),
        (stranger, f"/programs/{theirs['id']}/jobs/{job['id']}"),
        (stranger, f"{own}/jobs"),
        (api, f"/programs/{second['id']}/jobs/{job['id']}"),
        (api, f"/programs/{second['id']}/passes/sheet?job_id={job['id']}"),
    ):
        assert key("GET", path).status_code == 404, path
    for action in ("cancel", "resume"):
        assert stranger("POST", f"{own}/jobs/{job['id']}/{action}").status_code == 404
    assert upload(stranger, own, "name\nAna\n").status_code == 404


def test_a_table_that_waits_in_the_console_is_no_job_of_the_api(api: Api, tenant: Tenant, own: str) -> None:
    from control_plane.passes import drafts

    program = int(own.rsplit("/", 1)[1])
    draft = drafts.draft_job(workspace_id=tenant.workspace_id, program_id=program, data=b"name\nAna\n")
    assert api("GET", f"{own}/jobs").json()["data"] == []
    assert api("GET", f"{own}/jobs/{draft.pk}").status_code == 404
    assert api("POST", f"{own}/jobs/{draft.pk}/cancel").status_code == 404
