"""Alerts: one for each crossing, told to everybody, once, whatever workers and services do.

What is sent goes to a webhook and a mail server of the test, by the real sender. Each race has its control.
"""

import dataclasses
import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from alert_receivers import Webhook, mail_server, webhook
from console_stack import OWNER_PASSWORD, POSTGRES_PORT
from gate_world import GateWorld, gate_world

WORKERS = 6


@pytest.fixture
def hook():
    with webhook() as made:
        yield made


@pytest.fixture
def private(console):
    """SCANWAY_ALERT_PRIVATE=true"""
    from django.conf import settings
    from django.test import override_settings

    with override_settings(CONFIG=dataclasses.replace(settings.CONFIG, alert_private=True)):
        yield


@pytest.fixture
def world(tenant):
    return gate_world(tenant, capacity=100)


def add(world: GateWorld, address: str, name: str = "Night shift", kind: str = "chat") -> Any:
    from control_plane.passes import alert_contacts

    return alert_contacts.add(
        workspace_id=world.workspace_id, program_id=world.program.pk, name=name, kind=kind, address=address
    )


def fill(world: GateWorld, inside: int) -> None:
    from control_plane.passes import occupancy

    occupancy.correct(workspace_id=world.workspace_id, zone_id=world.zone.pk, inside=inside, note="test")


def look(world: GateWorld, **later: int) -> int:
    """What the worker does every ten seconds."""
    from django.utils import timezone

    from control_plane.passes import alerts

    now = timezone.now() + timedelta(**later)
    raised = alerts.watch(world.workspace_id, now)
    alerts.tell(world.workspace_id, now)
    return raised


def rows(world: GateWorld) -> list[Any]:
    from control_plane.passes import alerts

    return alerts.list_alerts(workspace_id=world.workspace_id, program_id=world.program.pk)[::-1]


def told(hook: Webhook) -> list[str]:
    return [body["title"] for _, body in hook.got]


def at_once(work: Any, workers: int = WORKERS) -> None:
    """So many workers, which begin together."""
    from django.db import connection

    start, failed = threading.Barrier(workers), []

    def run() -> None:
        try:
            start.wait()
            work()
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed


# Once for each crossing


def test_a_zone_that_fills_is_told_once_at_each_level_and_again_once_it_has_emptied(world, hook, private):
    add(world, hook.url())
    venue = f"{world.zone.name} is"
    for inside, raised, cleared in (
        (89, 0, 0),
        (90, 1, 0),
        (91, 0, 0),
        (86, 0, 0),  # still above 85: somebody who comes and goes at the line
        (90, 0, 0),
        (100, 1, 0),
        (99, 0, 0),
        (100, 0, 0),
        (94, 0, 1),
        (100, 1, 1),
        (84, 0, 3),
        (90, 1, 3),
    ):
        fill(world, inside)
        assert look(world) == raised, inside
        assert sum(one.cleared_at is not None for one in rows(world)) == cleared, inside
    nearly, full = f"{venue} 90 % full: {world.program.name}", f"{venue} full: {world.program.name}"
    assert told(hook) == [nearly, full, full, nearly]
    assert "100 inside, room for 100" in hook.got[1][1]["message"]
    assert f"/passes/{world.program.pk}/room/" in hook.got[1][1]["message"]
    assert all(one.settled_at for one in rows(world))


def test_a_zone_that_is_full_at_once_is_told_as_full_and_not_as_nearly_full_too(world, hook, private):
    add(world, hook.url())
    fill(world, 100)
    assert look(world) == 1
    assert [(one.percent, len(one.sent)) for one in rows(world)] == [(90, 0), (100, 1)]
    fill(world, 96)
    assert look(world) == 0
    assert len(hook.got) == 1


def test_places_that_are_lent_count_as_taken(world, hook, private):
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Zone

    add(world, hook.url())
    fill(world, 80)
    with workspace_scope(world.workspace_id):
        Zone.objects.filter(id=world.zone.pk).update(leased=10)
    assert look(world) == 1
    assert len(hook.got) == 1


def test_only_workspaces_with_something_to_do_are_asked(world, private):
    from control_plane.passes import alerts

    assert world.workspace_id not in alerts.workspaces_with_alerts()
    fill(world, 90)
    assert world.workspace_id in alerts.workspaces_with_alerts()
    look(world)
    (alert,) = rows(world)
    assert alert.sent == []
    assert alert.settled_at is not None
    fill(world, 10)
    assert world.workspace_id in alerts.workspaces_with_alerts()
    look(world)
    assert world.workspace_id not in alerts.workspaces_with_alerts()


def test_the_task_hands_the_sending_to_one_task_of_the_workspace(world, hook, private):
    from django.db import connection

    from control_plane.passes import tasks

    add(world, hook.url())
    fill(world, 90)
    tasks.watch_zones(0)
    tasks.watch_zones(0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT args, lock, queueing_lock FROM procrastinate_jobs WHERE task_name = 'passes.send_alerts'"
            " AND lock = %s",
            [f"passes.send_alerts {world.workspace_id}"],
        )
        ((args, lock, queueing),) = cursor.fetchall()
    assert lock == queueing
    assert str(world.workspace_id) in str(args)
    tasks.send_alerts(workspace_id=world.workspace_id)
    assert len(hook.got) == 1


# Several workers


def test_many_workers_raise_one_alert_and_send_one_message(world, hook, private):
    from control_plane.passes import alerts

    add(world, hook.url())
    fill(world, 90)
    at_once(lambda: alerts.watch(world.workspace_id))
    assert len(rows(world)) == 1
    hook.wait = lambda: threading.Event().wait(1)
    at_once(lambda: alerts.tell(world.workspace_id))
    assert len(hook.got) == 1


def test_negative_control_without_the_index_many_workers_raise_many(world):
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes import alerts
    from control_plane.passes.models import Alert

    owner = f"postgresql://scanway_owner:{OWNER_PASSWORD}@127.0.0.1:{POSTGRES_PORT}/scanway"
    with psycopg.connect(owner, autocommit=True) as connection:
        (made,) = connection.execute(
            "SELECT indexdef FROM pg_indexes WHERE indexname = 'alert_stands_once'"
        ).fetchone()
        connection.execute("DROP INDEX alert_stands_once")
        try:
            fill(world, 90)
            for _ in range(20):
                at_once(lambda: alerts.watch(world.workspace_id))
                if len(rows(world)) > 1:
                    break
                with workspace_scope(world.workspace_id):
                    Alert.objects.all().delete()
            assert len(rows(world)) > 1
        finally:
            with workspace_scope(world.workspace_id):
                Alert.objects.all().delete()
            connection.execute(made)


def test_negative_control_without_the_claim_many_workers_send_many(world, hook, private, monkeypatch):
    from control_plane.passes import alerts

    monkeypatch.setattr(alerts, "CLAIM", timedelta(days=-1))
    add(world, hook.url())
    fill(world, 90)
    alerts.watch(world.workspace_id)
    # While the first one waits for its answer, another worker comes.
    on_its_way, another_came = threading.Event(), threading.Event()

    def wait() -> None:
        on_its_way.set()
        another_came.wait(30)

    hook.wait = wait
    second = threading.Thread(target=lambda: at_once(lambda: alerts.tell(world.workspace_id), workers=1))
    first = threading.Thread(target=lambda: at_once(lambda: alerts.tell(world.workspace_id), workers=1))
    first.start()
    assert on_its_way.wait(30)
    second.start()
    for _ in range(300):
        if len(hook.got) > 1 or not second.is_alive():
            break
        threading.Event().wait(0.1)
    another_came.set()
    first.join()
    second.join()
    assert len(hook.got) > 1


@pytest.mark.parametrize("dies", ["_note", "send"])
def test_a_worker_that_dies_between_claiming_and_noting_is_followed_by_another(
    world, hook, private, monkeypatch, dies
):
    """Twice where the message had left, once where it had not: never not at all."""
    from control_plane.passes import alert_contacts, alerts

    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    add(world, hook.url())
    fill(world, 90)
    with monkeypatch.context() as patched:
        patched.setattr(alerts if dies == "_note" else alert_contacts, dies, die)
        with pytest.raises(KeyboardInterrupt):
            look(world)
    look(world, seconds=60)
    assert len(hook.got) == (1 if dies == "_note" else 0), "within the claim nobody else sends"
    look(world, seconds=121)
    assert len(hook.got) == (2 if dies == "_note" else 1)
    assert rows(world)[0].sent[0]["done"] is True


# Services that do not answer


def test_a_contact_that_fails_stops_nobody_is_tried_again_and_given_up_with_words(world, hook, private):
    add(world, hook.url("/good"), "Aaron")
    add(world, hook.url("/bad?token=hush-hush"), "Bella")
    add(world, "http://127.0.0.1:1/nobody", "Carla")
    add(world, hook.url("/late"), "Zoe")
    hook.status = {"/bad?token=hush-hush": 503}
    fill(world, 90)
    look(world)
    assert sorted(hook.paths()) == ["/bad?token=hush-hush", "/good", "/late"]
    (alert,) = rows(world)
    assert alert.settled_at is None
    for seconds in (19, 21, 62, 143, 304, 1000):
        look(world, seconds=seconds)
    (alert,) = rows(world)
    assert alert.settled_at is not None
    assert Counter(hook.paths()) == {"/good": 1, "/bad?token=hush-hush": 5, "/late": 1}
    said = {line["contact"]: line["problem"] for line in alert.sent}
    assert said == {
        "Aaron": "",
        "Bella": "The service refused it, with status 503.",
        "Carla": "The service could not be reached.",
        "Zoe": "",
    }
    assert "hush" not in repr(alert.sent)


def test_a_contact_that_recovers_is_told(world, hook, private):
    add(world, hook.url("/bad"))
    hook.status = {"/bad": 500}
    fill(world, 100)
    look(world)
    hook.status = {}
    look(world, seconds=21)
    look(world, seconds=300)
    assert hook.paths() == ["/bad", "/bad"]
    assert [line["problem"] for line in rows(world)[1].sent] == [""]


def test_a_contact_that_was_removed_meanwhile_is_not_told(world, hook, private):
    from control_plane.passes import alert_contacts

    made = add(world, hook.url("/bad"))
    hook.status = {"/bad": 500}
    fill(world, 90)
    look(world)
    own = {"workspace_id": world.workspace_id, "program_id": world.program.pk}
    alert_contacts.remove(**own, contact_id=made.id)
    look(world, seconds=21)
    assert len(hook.got) == 1
    assert rows(world)[0].sent[0]["problem"] == "This contact was removed."


# Mail


def test_mail_leaves_by_the_servers_own_smtp(world):
    from django.test import override_settings

    add(world, "night.shift@example.com", kind="mail")
    fill(world, 100)
    smtp = "django.core.mail.backends.smtp.EmailBackend"
    with mail_server() as box, override_settings(
        EMAIL_BACKEND=smtp, EMAIL_HOST="127.0.0.1", EMAIL_PORT=box.port, EMAIL_USE_TLS=False,
        EMAIL_USE_SSL=False, EMAIL_HOST_USER="", EMAIL_HOST_PASSWORD="",
    ):  # fmt: skip
        look(world)
    ((to, mail),) = box.mails
    assert to == ["night.shift@example.com"]
    assert f"Subject: {world.zone.name} is full: {world.program.name}" in mail
    assert "100 inside, room for 100" in mail


def test_a_server_without_mail_says_so(world):
    from django.test import override_settings

    from control_plane.passes import alert_contacts

    made = add(world, "night.shift@example.com", kind="mail")
    with override_settings(EMAIL_BACKEND="control_plane.accounts.mail.Unsent"):
        assert "Set SCANWAY_EMAIL_URL" in alert_contacts.send(made, "t", "b")


# Where an address may lead


def test_an_address_is_encrypted_at_rest(world, hook, private):
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import AlertContact

    add(world, hook.url("/secret-token"))
    with workspace_scope(world.workspace_id):
        row = AlertContact.objects.get()
    assert b"secret-token" not in bytes(row.address)
    assert b"127.0.0.1" not in bytes(row.address)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "169.254.169.254", "[::ffff:127.0.0.1]"]
)
def test_private_addresses_are_refused_when_they_are_saved(world, host):
    from control_plane.passes.errors import Invalid

    for address in (f"https://{host}/hook", f"mmosts://{host}/abcdefghijklmnopqrstuvwxyz"):
        with pytest.raises(Invalid, match="private network") as refused:
            add(world, address)
        assert refused.value.field == "address"


def test_a_name_that_leads_inside_later_gets_no_further(world, hook, console):
    """As if it had been saved while its name led elsewhere. With the fence off it arrives: the control."""
    from django.conf import settings
    from django.test import override_settings

    from control_plane.passes import alert_contacts

    assert "private network" in alert_contacts._run(hook.url(), title="t", body="b")
    assert hook.got == []
    with override_settings(CONFIG=dataclasses.replace(settings.CONFIG, alert_private=True)):
        assert alert_contacts._run(hook.url(), title="t", body="b") == ""
    assert hook.paths() == ["/hook"]


def test_a_webhook_that_redirects_inside_gets_no_further(world, hook, private, monkeypatch):
    """The fence looks at each connection: here the first one is let through, and the second is not."""
    with webhook() as inside:
        hook.status, hook.location = {"/hook": 307}, inside.url("/admin")
        assert _send_with_fence(hook, allowed=None) == ""
        assert inside.paths() == ["/admin"], "the control: without the fence it is followed"
        said = _send_with_fence(hook, allowed=hook.port)
        assert "private network" in said
        assert inside.paths() == ["/admin"]
        assert hook.paths() == ["/hook", "/hook"]


def _send_with_fence(hook: Webhook, allowed: int | None) -> str:
    """The sender's own process, whose fence takes one port of this machine for a public address."""
    import json
    import subprocess
    import sys
    from pathlib import Path

    import control_plane.passes

    folder = Path(control_plane.passes.__file__).parent
    program = f"""
import sys; sys.path.insert(0, {str(folder.parent.parent)!r})
from control_plane.passes import alert_send
class Fence(alert_send.Fence):
    def __call__(self, event, args):
        if event == "socket.connect" and args[1][1] == {allowed!r}:
            return
        super().__call__(event, args)
alert_send.Fence = Fence
alert_send.main()
"""
    asked = {
        "url": f"json://127.0.0.1:{hook.port}/hook", "host": "", "title": "t", "body": "b",
        "private": allowed is None, "check": False,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", program], input=json.dumps(asked).encode(), capture_output=True, check=True
    )
    return str(json.loads(done.stdout)["problem"])
