"""Hosts that several workspaces claim: who gets them, and that a claim harms nobody's links."""

import os
import threading
import uuid

import psycopg
import pytest
from console_stack import new_tenant

from edge import record

GOOD = "https://example.com/spring"


@pytest.fixture(autouse=True)
def leads_here(monkeypatch):
    """Every host does."""
    from control_plane.campaigns import dns

    monkeypatch.setattr(dns, "check_leads_here", lambda host, short: None)


@pytest.fixture
def host():
    return f"go-{uuid.uuid4().hex[:12]}.example.com"


@pytest.fixture
def mine(tenant, host):
    return claim(tenant, host)


@pytest.fixture
def theirs(console, host):
    return claim(new_tenant(), host)


def claim(tenant, host):
    from control_plane.campaigns.domains import create_domain

    return create_domain(workspace_id=tenant.workspace_id, host=host)


def verify(domain):
    from control_plane.campaigns.domains import verify_domain

    return verify_domain(workspace_id=domain.workspace_id, domain_id=domain.pk)


def delete(domain):
    from control_plane.campaigns.domains import delete_domain

    delete_domain(workspace_id=domain.workspace_id, domain_id=domain.pk)


def link_on(domain, **more):
    from control_plane.campaigns.services import create_link

    return create_link(workspace_id=domain.workspace_id, destination=GOOD, domain_id=domain.pk, **more)


def change(link, **changes):
    from control_plane.campaigns.services import update_link

    return update_link(workspace_id=link.workspace_id, link_id=link.pk, **changes)


def stored(filled, host, code):
    value = filled.get(record.key(f"{host}/{code}"))
    return None if value is None else record.decode(value)


def owner(filled, host):
    value = filled.get(record.domain_key(host))
    return None if value is None else record.decode_domain(value).workspace_id


def in_thread(work, outcome):
    """Runs it on a connection of its own; what becomes of it is appended to `outcome`."""
    from django.db import connection

    from control_plane.campaigns.errors import DomainTaken

    def run():
        try:
            work()
            outcome.append("done")
        except DomainTaken:
            outcome.append("taken")
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.fixture
def race(mine, theirs, monkeypatch):
    """Both verify at once: each has seen that the host is free before the other takes it."""
    from control_plane.campaigns import domains

    meeting = threading.Barrier(2, timeout=10)
    lock = domains._locked_domain

    def lock_and_meet(domain_id):
        domain = lock(domain_id)
        meeting.wait()
        return domain

    outcome = []
    with monkeypatch.context() as patch:
        patch.setattr(domains, "_locked_domain", lock_and_meet)
        for thread in [in_thread(lambda one=one: verify(one), outcome) for one in (mine, theirs)]:
            thread.join(20)
    return sorted(outcome)


def verified(*domains):
    from control_plane.campaigns.domains import get_domain

    found = [get_domain(workspace_id=one.workspace_id, domain_id=one.pk) for one in domains]
    return [one.workspace_id for one in found if one.is_verified]


def test_of_two_that_verify_at_once_one_has_the_host(filled, mine, theirs, host, race):
    assert race == ["done", "taken"]
    assert verified(mine, theirs) == [owner(filled, host)]


@pytest.fixture
def without_the_index(console):
    """The table without what makes a verified host unique."""
    with psycopg.connect(os.environ["SCANWAY_DATABASE_OWNER_URL"], autocommit=True) as connection:
        find = "SELECT indexdef FROM pg_indexes WHERE indexname = 'domain_host_once'"
        (definition,) = connection.execute(find).fetchone()
        connection.execute("DROP INDEX domain_host_once")
        yield
        connection.execute(definition)


def test_without_the_index_both_would_have_it(without_the_index, filled, mine, theirs, race):
    """The negative control of the race."""
    assert race == ["done", "done"]
    assert verified(mine, theirs) == [mine.workspace_id, theirs.workspace_id]
    delete(theirs)


@pytest.mark.parametrize("fails", [False, True])
def test_the_second_waits_to_see_whether_the_first_succeeds(mine, theirs, fails):
    from django.db import transaction

    outcome = []
    with transaction.atomic():
        verify(mine)
        thread = in_thread(lambda: verify(theirs), outcome)
        thread.join(0.5)
        assert outcome == []
        transaction.set_rollback(fails)
    thread.join(10)
    assert outcome == ["done" if fails else "taken"]


def test_a_claim_sends_nothing_and_takes_nothing_away(filled, mine, theirs, host):
    """Whatever is done with it: new links, edits, moves, its end, a sweep and a report of damage."""
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.campaigns.models import Link
    from control_plane.campaigns.publish import publish_all, sweep
    from control_plane.campaigns.services import delete_link

    link = link_on(mine, code="menu")
    verify(mine)
    sweep()
    good = {key: filled.get(key) for key in (record.domain_key(host), record.key(f"{host}/menu"))}
    assert stored(filled, host, "menu").link_id == link.pk

    imitation, former = link_on(theirs, code="menu"), link_on(theirs, code="other")
    for number in range(5):
        change(imitation, title=f"Title {number}")
    change(former, domain_id=None)
    link_on(theirs, code="extra", max_scans=5)
    assert (stored(filled, host, "extra"), stored(filled, host, "other")) == (None, None)
    filled.sadd(record.DAMAGED_KEY, f"@{host}", f"{host}/menu")
    sweep()
    publish_all(force=True)
    assert {key: filled.get(key) for key in good} == good
    assert (stored(filled, host, "extra"), stored(filled, host, "other")) == (None, None)

    for code in ("menu", "extra"):
        with workspace_scope(theirs.workspace_id):
            number = Link.objects.get(domain_id=theirs.pk, code=code).pk
        delete_link(workspace_id=theirs.workspace_id, link_id=number)
    delete(theirs)
    sweep()
    assert {key: filled.get(key) for key in good} == good
    assert sweep().published == 0


def test_verifying_sends_what_was_waiting_above_what_somebody_else_left(filled, mine, theirs, host):
    from control_plane.campaigns.publish import sweep
    from control_plane.campaigns.services import delete_link

    waiting, moved = link_on(theirs, code="menu"), link_on(theirs, code="moved")
    change(moved, domain_id=None)
    verify(mine)
    before = link_on(mine, code="menu")
    for number in range(8):
        change(before, title=f"Title {number}")
    delete_link(workspace_id=before.workspace_id, link_id=before.pk)
    sweep()
    high = stored(filled, host, "menu").version
    delete(mine)
    assert (owner(filled, host), stored(filled, host, "menu")) == (None, None)

    verify(theirs)
    sweep()
    assert owner(filled, host) == theirs.workspace_id
    assert stored(filled, host, "menu").link_id == waiting.pk
    assert stored(filled, host, "menu").version > high
    assert stored(filled, host, "moved").state == record.DELETED
    later = change(waiting, title="Later")
    assert stored(filled, host, "menu").version == later.version


def test_an_edit_that_met_a_verification_is_published(mine):
    """It waited for the link's lock, and came to know the domain before that."""
    from control_plane.campaigns.publish import publication

    link = link_on(mine)
    assert publication(link).records == ()
    verify(mine)
    assert not link.domain.is_verified
    assert len(publication(link).records) == 1


def test_the_migration_goes_back_with_one_claim_of_a_host(mine, theirs, host):
    """The older form knows one domain of a host only: the verified one, or else the first."""
    from django.core.management import call_command

    from control_plane.campaigns.errors import NotFound

    verify(theirs)
    call_command("migrate", "campaigns", "0004", verbosity=0)
    try:
        with psycopg.connect(os.environ["SCANWAY_DATABASE_OWNER_URL"]) as connection:
            find = "SELECT id FROM campaigns_domain WHERE host = %s AND deleted_at IS NULL"
            assert connection.execute(find, [host]).fetchall() == [(theirs.pk,)]
    finally:
        call_command("migrate", verbosity=0)
    assert verified(theirs) == [theirs.workspace_id]
    with pytest.raises(NotFound):
        verified(mine)
