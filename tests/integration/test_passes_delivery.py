"""Passes that are sent by mail, through a real mail server: what arrives, once, and what goes wrong."""

import dataclasses
import random
import smtplib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import zxingcpp
from console_pages import Address, signed_in, text_of
from console_stack import Tenant, new_tenant
from gate_world import GateWorld, gate_world
from PIL import Image
from smtp_server import Mailbox, mail_server

ADA = {"name": "Ada Lovelace", "email": "ada@example.com"}


@pytest.fixture
def box(console: None) -> Iterator[Mailbox]:
    """The mail server that the settings name."""
    from django.conf import settings
    from django.test import override_settings

    from control_plane.config import Smtp

    with mail_server() as box:
        config = dataclasses.replace(settings.CONFIG, smtp=Smtp("127.0.0.1", box.port, starttls=False))
        with override_settings(
            CONFIG=config,
            EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
            EMAIL_HOST="127.0.0.1",
            EMAIL_PORT=box.port,
            EMAIL_TIMEOUT=10,
        ):
            yield box


@pytest.fixture
def world(tenant: Tenant) -> GateWorld:
    return gate_world(tenant, place="Town hall", time_zone="Europe/Berlin")


def queue(world: GateWorld, *rows: Any) -> Any:
    from control_plane.passes import delivery

    return delivery.queue(workspace_id=world.workspace_id, pass_ids=[row.pk for row in rows])


def send(world: GateWorld) -> int:
    """What the worker does, for this workspace."""
    from control_plane.passes import delivery

    sent = 0
    while some := delivery.send_some(world.workspace_id):
        sent += some
    return sent


def newest(world: GateWorld, row: Any) -> Any:
    from control_plane.passes import delivery

    return delivery.deliveries(workspace_id=world.workspace_id, pass_id=row.pk)[0]


def later(world: GateWorld) -> None:
    """The time of every next try has come."""
    from django.utils import timezone

    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Delivery

    with workspace_scope(world.workspace_id):
        Delivery.objects.filter(state="waiting").update(next_at=timezone.now() - timedelta(seconds=1))


def part(mail: Any, kind: str) -> Any:
    (found,) = [one for one in mail.walk() if one.get_content_type() == kind]
    return found


def test_what_arrives(box: Mailbox, world: GateWorld) -> None:
    import io

    from control_plane.passes import access, history

    row, text = world.issue_rows(holder=ADA)[0]
    assert queue(world, row).waiting == 1
    assert send(world) == 1
    ((sender, recipients, mail),) = box.mails
    assert recipients == ["ada@example.com"]
    assert mail["Subject"] == f"Ticket: {world.program.name}, No. {row.number}"
    assert "workspace" in str(mail["From"])
    assert sender in str(mail["From"])
    link = access.web_link(row)
    for kind in ("text/plain", "text/html"):
        told = part(mail, kind).get_content()
        for word in ("Hello Ada Lovelace", world.program.name, "Town hall", link):
            assert word in told
    # The picture in the HTML is the code, and a gate takes it.
    picture = part(mail, "image/png")
    assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in part(mail, "text/html").get_content()
    (code,) = zxingcpp.read_barcodes(
        Image.open(io.BytesIO(picture.get_content())), formats=zxingcpp.BarcodeFormat.QRCode
    )
    assert code.text == text
    assert world.scan(code.text).admitted
    done = newest(world, row)
    assert (done.state, done.tries, done.problem) == ("sent", 1, "")
    lines = history.history(workspace_id=world.workspace_id, pass_id=row.pk)
    assert "sent" in [line.what for line in lines]


def test_a_code_that_changes_is_not_in_the_mail(box: Mailbox, tenant: Tenant) -> None:
    world = gate_world(tenant, rotating=True)
    row, text = world.issue_rows(holder=ADA)[0]
    queue(world, row)
    send(world)
    mail = box.mails[0][2]
    assert [one for one in mail.walk() if one.get_content_maintype() == "image"] == []
    assert text not in mail.as_string()
    assert "changes every 15 seconds" in part(mail, "text/plain").get_content()


def test_each_is_sent_once(box: Mailbox, world: GateWorld) -> None:
    rows = [row for row, _ in world.issue_rows(30, holder=ADA)]
    assert queue(world, *rows).waiting == 30
    again = queue(world, *rows)
    assert (again.waiting, again.already) == (0, 30)
    assert send(world) == 30
    assert send(world) == 0
    assert len({mail["Message-ID"] for _, _, mail in box.mails}) == len(box.mails) == 30
    # Some at a time by one connection, and not one connection each.
    assert box.sessions == 2
    # Asked for anew, it is another mail.
    assert queue(world, rows[0]).waiting == 1
    assert send(world) == 1
    assert len({mail["Message-ID"] for _, _, mail in box.mails}) == 31


def test_two_workers_share_the_work(box: Mailbox, world: GateWorld) -> None:
    """Both at once, many times: nobody gets two mails."""
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection

    def work(_: int) -> int:
        try:
            return send(world)
        finally:
            connection.close()

    rows = [row for row, _ in world.issue_rows(60, holder=ADA)]
    queue(world, *rows)
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 60
    assert len(box.mails) == 60
    assert {newest(world, row).state for row in rows} == {"sent"}


def test_who_cannot_be_sent_to_is_counted(box: Mailbox, world: GateWorld) -> None:
    from control_plane.passes import delivery, issuing
    from control_plane.passes.errors import Invalid, NotFound

    own = {"workspace_id": world.workspace_id}
    ((with_one, _),) = world.issue_rows(holder=ADA)
    ((nobody, _),) = world.issue_rows()
    ((gone, _),) = world.issue_rows(holder=ADA)
    issuing.change_state(**own, pass_id=gone.pk, to="revoked")
    done = queue(world, with_one, nobody, gone)
    assert dataclasses.astuple(done) == (1, 0, 0, 1, 1)
    with pytest.raises(Invalid, match="no e-mail address"):
        delivery.send_one(**own, pass_id=nobody.pk)
    with pytest.raises(Invalid, match="Gates refuse this pass"):
        delivery.send_one(**own, pass_id=gone.pk)
    with pytest.raises(NotFound):
        delivery.send_one(**own, pass_id=10**12)
    # Cancelled while it waits: not sent any more.
    issuing.change_state(**own, pass_id=with_one.pk, to="revoked")
    send(world)
    assert box.mails == []
    found = newest(world, with_one)
    assert (found.state, found.problem) == (
        "failed",
        "The pass was cancelled or replaced before it was sent.",
    )


@pytest.mark.parametrize(
    ("command", "answer", "said"),
    [
        ("RCPT", "450 try later", "does not take mail for this address now (450)"),
        ("DATA", "451 local error", "(451)"),
        ("MAIL", "550 who are you", "SCANWAY_EMAIL_FROM"),
        ("EHLO", "421 too busy", "cannot be reached|answers with an error"),
    ],
)
def test_what_may_pass_is_tried_six_times(
    box: Mailbox, world: GateWorld, command: str, answer: str, said: str
) -> None:
    import re

    row, _ = world.issue_rows(holder=ADA)[0]
    box.refuse = {command: answer, "HELO": answer} if command == "EHLO" else {command: answer}
    queue(world, row)
    for tried in range(1, 7):
        assert send(world) == 1
        found = newest(world, row)
        assert found.tries == tried
        assert re.search(said if "|" in said else re.escape(said), found.problem)
        assert "ada@example.com" not in found.problem
        # It waits: the worker does not hammer the server.
        assert send(world) == 0
        later(world)
    assert found.state == "failed"
    assert found.problem.endswith("It was tried 6 times.")
    assert send(world) == 0
    assert box.mails == []


def test_an_address_that_is_refused_is_not_tried_again(box: Mailbox, world: GateWorld) -> None:
    row, _ = world.issue_rows(holder=ADA)[0]
    fine, _ = world.issue_rows(holder={"email": "grace@example.com"})[0]
    box.refuse = {"RCPT": "550 no such user ada@example.com"}
    queue(world, row)
    send(world)
    found = newest(world, row)
    assert (found.state, found.tries) == ("failed", 1)
    assert found.problem == "The mail server says that this address does not exist or takes no mail (550)."
    # The next one goes through, by a connection that works.
    box.refuse = {}
    queue(world, fine)
    send(world)
    assert [to for _, to, _ in box.mails] == [["grace@example.com"]]


def test_a_mail_server_that_comes_back_gets_the_mail(box: Mailbox, world: GateWorld) -> None:
    row, _ = world.issue_rows(holder=ADA)[0]
    box.refuse = {"RCPT": "450 greylisted"}
    queue(world, row)
    send(world)
    assert newest(world, row).state == "waiting"
    box.refuse = {}
    later(world)
    send(world)
    found = newest(world, row)
    assert (found.state, found.tries, found.problem) == ("sent", 2, "")


def test_a_lost_yes_is_sent_once_more_under_the_same_name(box: Mailbox, world: GateWorld) -> None:
    row, _ = world.issue_rows(holder=ADA)[0]
    box.drop_after_data = True
    queue(world, row)
    send(world)
    assert (newest(world, row).state, len(box.mails)) == ("waiting", 1)
    box.drop_after_data = False
    later(world)
    send(world)
    assert newest(world, row).state == "sent"
    first, second = (mail["Message-ID"] for _, _, mail in box.mails)
    assert first == second


def test_a_worker_that_died_is_followed_by_another(box: Mailbox, world: GateWorld) -> None:
    from control_plane.passes import delivery

    row, _ = world.issue_rows(holder=ADA)[0]
    queue(world, row)
    assert len(delivery._claim(world.workspace_id, 10)) == 1  # and then it died
    assert send(world) == 0  # nobody else takes it up meanwhile
    later(world)
    assert send(world) == 1
    assert (newest(world, row).state, newest(world, row).tries) == ("sent", 2)


def test_negative_control_without_the_claim_two_workers_have_the_same_mail(
    box: Mailbox, world: GateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    from control_plane.passes import delivery

    row, _ = world.issue_rows(holder=ADA)[0]
    queue(world, row)
    monkeypatch.setattr(delivery, "CLAIM", timedelta(0))
    assert delivery._claim(world.workspace_id, 10) == delivery._claim(world.workspace_id, 10) != []


def test_the_worker_s_task_sends_for_every_workspace(box: Mailbox, world: GateWorld) -> None:
    from control_plane.passes import tasks

    other = gate_world(new_tenant())
    for one in (world, other):
        row, _ = one.issue_rows(holder=ADA)[0]
        queue(one, row)
    tasks.send_mail(timestamp=0)
    subjects = [str(mail["Subject"]) for _, _, mail in box.mails]
    for one in (world, other):
        assert sum(one.program.name in subject for subject in subjects) == 1


def test_waiting_grows_and_is_not_the_same_for_all() -> None:
    from control_plane.passes import delivery

    for tries, whole in ((1, 30), (2, 120), (3, 480), (4, 1920), (5, 7680)):
        waits = [delivery.wait_after(tries, random.Random(seed)).total_seconds() for seed in range(50)]
        assert all(whole / 2 <= wait <= whole for wait in waits)
        assert len(set(waits)) > 40


def test_errors_of_a_mail_server_in_words() -> None:
    from control_plane.passes.delivery import why

    for error, for_good in (
        (smtplib.SMTPAuthenticationError(535, b"no"), False),
        (smtplib.SMTPDataError(554, b"spam ada@example.com"), True),
        (smtplib.SMTPServerDisconnected("x"), False),
        (ConnectionRefusedError(), False),
    ):
        said, final = why(error)
        assert final is for_good
        assert said.endswith(".")
        assert "ada" not in said


def test_the_page_sends_and_says_what_became_of_it(box: Mailbox, world: GateWorld, tenant: Tenant) -> None:
    client, at = signed_in(tenant.user), Address(tenant)
    row, _ = world.issue_rows(holder=ADA)[0]
    page = at(f"passes/{world.program.pk}/passes/{row.pk}/")
    assert "Send by mail to ada@example.com" in text_of(client.get(page).content.decode())
    answer = client.post(f"{page}send/", follow=True)
    assert "is on its way to its holder." in text_of(answer.content.decode())
    assert "On its way" in text_of(client.get(page).content.decode())
    send(world)
    words = text_of(client.get(page).content.decode())
    assert "Send it again" in words
    assert "Sent by mail" in words  # in the history, too
    api = client.get(f"/api/v1/passes/{row.pk}/deliveries", headers=tenant.headers).json()
    assert [one["state"] for one in api["data"]] == ["sent"]
    made = client.post(
        f"/api/v1/passes/{row.pk}/deliveries", {}, content_type="application/json", headers=tenant.headers
    )
    assert (made.status_code, made.json()["state"]) == (201, "waiting")


def test_without_a_mail_server_the_page_offers_the_link(world: GateWorld, tenant: Tenant) -> None:
    from control_plane.passes import access

    client, at = signed_in(tenant.user), Address(tenant)
    row, _ = world.issue_rows(holder=ADA)[0]
    page = at(f"passes/{world.program.pk}/passes/{row.pk}/")
    body = client.get(page).content.decode()
    assert "No mail server is set up here: copy the link" in text_of(body)
    assert f'data-copy="{access.web_link(row)}"' in body
    assert "No mail server is set up here" in text_of(
        client.post(f"{page}send/", follow=True).content.decode()
    )
    links = client.get(f"/api/v1/passes/{row.pk}/links", headers=tenant.headers).json()
    assert links == {"web": access.web_link(row), "pkpass": None, "google_wallet": None}
    refused = client.post(
        f"/api/v1/passes/{row.pk}/deliveries", {}, content_type="application/json", headers=tenant.headers
    )
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "email")
    code = client.get(f"{page}link.svg")
    assert code["Cache-Control"] == "private, no-store"
    png = client.get(f"{page}link.png").content
    import io

    (read,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(png)), formats=zxingcpp.BarcodeFormat.QRCode)
    assert read.text == access.web_link(row)


def test_one_letter_that_cannot_be_written_keeps_no_other_waiting(
    world: GateWorld, box: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Its holder was encrypted under another SCANWAY_SECRET_KEY."""
    from django.utils import timezone

    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes import delivery
    from control_plane.passes.models import Delivery, Pass

    rows = [row for row, _ in world.issue_rows(3, holder=ADA)]
    queue(world, *rows)
    with workspace_scope(world.workspace_id):
        Pass.objects.filter(id=rows[0].pk).update(holder=b"\x01" + bytes(40))
    send(world)
    assert len(box.mails) == 2
    for _ in range(delivery.TRIES + 1):
        with workspace_scope(world.workspace_id):
            Delivery.objects.filter(of=rows[0]).update(next_at=timezone.now())
        send(world)
    with workspace_scope(world.workspace_id):
        found = Delivery.objects.get(of=rows[0])
    assert (found.state, found.tries) == ("failed", delivery.TRIES)
    assert "could not be written" in found.problem
    assert len(box.mails) == 2
