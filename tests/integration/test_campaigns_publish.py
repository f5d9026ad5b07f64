"""From PostgreSQL to Valkey: crashes, an emptied Valkey, restarts, and edits out of order."""

import pytest
import redis

from deploy.ports import free_port
from edge import record

GOOD = "https://example.com/spring"


@pytest.fixture
def make(tenant):
    from control_plane.campaigns.services import create_link

    return lambda **more: create_link(workspace_id=tenant.workspace_id, **({"destination": GOOD} | more))


def stored(filled, link):
    value = filled.get(record.key(link.code))
    return None if value is None else record.decode(value)


def fresh(link):
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.campaigns.models import Link

    with workspace_scope(link.workspace_id):
        return Link.objects.get(id=link.pk)


def test_an_edit_is_there_when_the_service_returns(filled, make):
    from control_plane.campaigns.services import delete_link, pause_link, update_link

    link = make()
    known = {"workspace_id": link.workspace_id, "link_id": link.pk}
    assert stored(filled, link) == record.Record(
        workspace_id=link.workspace_id, link_id=link.pk, destination=GOOD, version=1
    )
    update_link(**known, destination="https://example.org/", redirect_status=308)
    assert (stored(filled, link).destination, stored(filled, link).status) == ("https://example.org/", 308)
    pause_link(**known)
    assert (stored(filled, link).state, stored(filled, link).version) == (record.PAUSED, 3)
    assert fresh(link).published_version == 3
    delete_link(**known)
    assert stored(filled, link).state == record.DELETED


def test_every_edit_tells_the_edges(filled, make):
    from control_plane.campaigns.services import pause_link

    link = make()
    with filled.pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe(record.INVALIDATE_CHANNEL)
        heard.get_message(timeout=5)
        pause_link(workspace_id=link.workspace_id, link_id=link.pk)
        messages = [heard.get_message(timeout=5) for _ in range(2)]
    assert link.code.encode() in [message["data"] for message in messages if message]


def test_nothing_leaves_before_the_commit_or_after_a_rollback(filled, make):
    from django.db import transaction

    made = []
    with pytest.raises(RuntimeError), transaction.atomic():
        made.append(make())
        assert stored(filled, made[0]) is None
        raise RuntimeError
    assert stored(filled, made[0]) is None


def test_a_crash_between_commit_and_publishing_is_mended_by_the_sweep(filled, make, monkeypatch):
    from control_plane.campaigns import services
    from control_plane.campaigns.publish import Swept, sweep

    with monkeypatch.context() as crash:
        crash.setattr(services, "publish_link", lambda publication: False)
        link = make()
    assert stored(filled, link) is None
    assert fresh(link).is_unpublished
    assert sweep() == Swept(restored=False, published=1)
    assert stored(filled, link).version == 1
    assert not fresh(link).is_unpublished
    assert sweep() == Swept(restored=False, published=0)


def test_an_edit_while_valkey_is_away_is_kept_and_published_later(filled, make, monkeypatch):
    from control_plane.campaigns import publish
    from control_plane.campaigns import valkey as connection

    with monkeypatch.context() as outage:
        nowhere = redis.Redis(port=free_port(), socket_connect_timeout=1)
        outage.setattr(connection, "client", lambda: nowhere)
        link = make()
        with pytest.raises(redis.ConnectionError):
            publish.sweep()
    assert fresh(link).is_unpublished
    publish.sweep()
    assert stored(filled, link).version == 1


def test_an_emptied_valkey_is_filled_again(filled, make):
    from control_plane.campaigns.publish import sweep
    from control_plane.campaigns.services import delete_link

    link, gone = make(), make()
    delete_link(workspace_id=gone.workspace_id, link_id=gone.pk)
    filled.flushall()
    done = sweep()
    assert done.restored
    assert done.published >= 2
    assert stored(filled, link).version == 1
    assert stored(filled, gone).state == record.DELETED
    assert filled.exists(record.EPOCH_KEY)


def test_a_valkey_that_restarted_gets_everything_again(filled, make):
    """It may have lost its last second of writes without being empty."""
    from control_plane.campaigns.publish import sweep

    link = make()
    filled.delete(record.key(link.code))
    filled.set(record.EPOCH_KEY, "the run before")
    assert sweep().restored
    assert stored(filled, link).version == 1
    assert not sweep().restored


def test_an_epoch_is_not_set_when_valkey_was_emptied_in_the_middle(filled, make, monkeypatch):
    from control_plane.campaigns import publish

    make()
    send = publish._send

    def send_and_lose(batch, *, force=False):
        send(batch, force=force)
        filled.flushall()

    with monkeypatch.context() as patch:
        patch.setattr(publish, "_send", send_and_lose)
        publish.publish_all()
    assert not filled.exists(record.EPOCH_KEY)
    assert publish.sweep().restored
    assert filled.exists(record.EPOCH_KEY)


def test_an_older_version_never_overwrites_a_newer_one(filled, make):
    from control_plane.campaigns.publish import publication, publish_link
    from control_plane.campaigns.services import update_link

    link = make()
    late = publication(link)
    update_link(workspace_id=link.workspace_id, link_id=link.pk, destination="https://example.org/new")
    assert publish_link(late)
    assert stored(filled, link).destination == "https://example.org/new"
    assert fresh(link).published_version == 2


def test_an_edit_during_a_sweep_stays_in_the_outbox(filled, make, monkeypatch):
    """Only the version that was sent counts as published."""
    from control_plane.campaigns import publish, services

    link = make()
    sent = publish.publication(link)
    with monkeypatch.context() as crash:
        crash.setattr(services, "publish_link", lambda publication: False)
        services.update_link(
            workspace_id=link.workspace_id, link_id=link.pk, title="New", redirect_status=301
        )
    publish.publish_link(sent)
    assert fresh(link).is_unpublished
    publish.sweep()
    assert stored(filled, link).status == 301


def test_only_force_puts_an_older_truth_over_a_newer_record(filled, make):
    from django.core.management import call_command

    link = make()
    newer = record.Record(
        workspace_id=link.workspace_id, link_id=link.pk, destination="https://example.org/", version=99
    )
    filled.set(record.key(link.code), record.encode(newer))
    call_command("publish", "--all", verbosity=0)
    assert stored(filled, link).version == 99
    call_command("publish", "--all", "--force", verbosity=0)
    assert stored(filled, link).version == 1


def test_more_links_than_a_batch_are_all_published(filled, make, monkeypatch):
    from control_plane.campaigns import publish

    links = [make() for _ in range(5)]
    monkeypatch.setattr(publish, "BATCH", 2)
    filled.flushall()
    publish.sweep()
    assert all(stored(filled, link) for link in links)
