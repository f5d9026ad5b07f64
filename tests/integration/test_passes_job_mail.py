"""The passes of a job are sent to their holders, each once, by the API and from a table in the console."""

from typing import Any

import pytest
from console_pages import Address, signed_in, text_of
from console_stack import Tenant
from django.core.files.uploadedfile import SimpleUploadedFile
from gate_world import GateWorld
from smtp_server import Mailbox
from test_passes_delivery import box, send, world
from test_passes_jobs import create, finish, passes_of

from control_plane.passes.errors import Invalid

pytestmark = pytest.mark.usefixtures("console")
__all__ = ["box", "world"]
TABLE = b"name,e-mail\nAda,ada@example.com\nBob,\nCy,cy@example.com\n"


def recipients(box: Mailbox) -> list[str]:
    return sorted(to for _, tos, _ in box.mails for to in tos)


def test_whoever_has_an_address_gets_a_mail(box: Mailbox, world: GateWorld) -> None:
    rows: list[dict[str, Any]] = [{"name": f"Guest {n}", "email": f"guest{n}@example.com"} for n in range(3)]
    job = create(world, rows=[*rows, {"name": "Nobody"}], email=True)
    assert send(world) == 0, "not before they are made"
    assert finish(job).done == 4
    assert send(world) == 3
    assert recipients(box) == [row["email"] for row in rows]
    quiet = create(world, rows=rows)
    finish(quiet)
    assert len(passes_of(quiet)) == 3
    assert send(world) == 0


def test_from_a_table_in_the_console_and_by_api(box: Mailbox, world: GateWorld, tenant: Tenant) -> None:
    from control_plane.passes import drafts, jobs

    client, at = signed_in(tenant.user), Address(tenant)
    page = at(f"passes/{world.program.pk}/jobs/upload/")
    assert "Send each pass to its holder" in text_of(client.get(page).content.decode())
    file = SimpleUploadedFile("guests.csv", TABLE, "text/csv")
    answer = client.post(page, {"file": file, "email": "on"})
    assert answer.status_code == 302, answer.content.decode()
    job_id = int(answer["Location"].rstrip("/").rpartition("/")[2])
    job = drafts.confirm(workspace_id=tenant.workspace_id, job_id=job_id, repeats=False)
    assert job.email
    finish(job)
    assert send(world) == 2
    assert recipients(box) == ["ada@example.com", "cy@example.com"]

    made = client.post(
        f"/api/v1/programs/{world.program.pk}/jobs/csv?email=true",
        TABLE,
        content_type="text/csv",
        headers=tenant.headers,
    )
    assert made.json()["email"] is True
    finish(jobs.get_job(workspace_id=tenant.workspace_id, job_id=made.json()["id"]))
    assert send(world) == 2


def test_without_a_mail_server_it_is_refused_and_not_offered(world: GateWorld, tenant: Tenant) -> None:
    with pytest.raises(Invalid, match="No mail server") as refused:
        create(world, count=2, email=True)
    assert refused.value.field == "email"
    client, at = signed_in(tenant.user), Address(tenant)
    body = client.get(at(f"passes/{world.program.pk}/jobs/upload/")).content.decode()
    assert "Send each pass" not in text_of(body)
