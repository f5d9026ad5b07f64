"""Which names a link has in Valkey: on a domain, by GS1, and those it had before."""

import random
import threading
import uuid

import pytest

from edge import record
from edge.gs1 import check_digit

GOOD = "https://example.com/spring"
NEWER = [{"then": {"type": "hologram"}}]
"""Rules of a version to come."""


@pytest.fixture
def make(tenant):
    from control_plane.campaigns.services import create_link

    return lambda **more: create_link(workspace_id=tenant.workspace_id, **({"destination": GOOD} | more))


@pytest.fixture
def change():
    from control_plane.campaigns.services import update_link

    return lambda link, **changes: update_link(workspace_id=link.workspace_id, link_id=link.pk, **changes)


@pytest.fixture
def domain(tenant, monkeypatch):
    """Verified."""
    from dataclasses import replace

    from django.conf import settings

    from control_plane.campaigns.domains import create_domain

    monkeypatch.setattr(settings, "CONFIG", replace(settings.CONFIG, domain_check="off"))
    return create_domain(workspace_id=tenant.workspace_id, host=f"go-{uuid.uuid4().hex[:12]}.example.com")


def gtin():
    digits = f"0{random.randrange(10**12):012}"
    return digits + check_digit(digits)


def stored(filled, name):
    value = filled.get(record.key(name))
    return None if value is None else record.decode(value)


def test_a_link_on_a_domain_is_published_under_its_host(filled, make, domain):
    link = make(domain_id=domain.pk)
    assert stored(filled, f"{domain.host}/{link.code}").link_id == link.pk
    assert stored(filled, link.code) is None
    # The same code on the default domain is another link.
    other = make(code=link.code)
    assert stored(filled, link.code).link_id == other.pk


def test_everything_a_link_has_is_in_its_record(filled, make):
    from edge.password import verify
    from edge.rules import Country, Redirect, Rule

    link = make(
        rules=[{"when": {"type": "country", "values": ["DE"]}, "then": {"type": "redirect", "to": GOOD}}],
        max_scans=3,
        password="open sesame",
        fallback="https://example.com/over",
        pass_query=True,
    )
    found = stored(filled, link.code)
    assert found.rules == (Rule(when=Country(values=("DE",)), then=Redirect(to=GOOD)),)
    assert (found.max_scans, found.fallback, found.pass_query) == (3, "https://example.com/over", True)
    assert verify(found.password, "open sesame")
    assert not verify(found.password, "open sesame ")


def test_a_gs1_name_leads_to_the_same_link_and_is_gone_when_taken_away(filled, make, change):
    name = f"01/{gtin()}/10/LOT7"
    link = make(gs1="/" + name)
    assert stored(filled, name) == stored(filled, link.code)
    change(link, destination="https://example.org/")
    assert stored(filled, name).destination == "https://example.org/"
    change(link, gs1="")
    assert stored(filled, name).state == record.DELETED
    assert stored(filled, link.code).state == record.ACTIVE


def test_a_gs1_name_handed_on_leads_to_the_new_link_at_once(filled, make, change):
    name = f"01/{gtin()}"
    first = make(gs1=name)
    for _ in range(5):
        first = change(first, title=uuid.uuid4().hex)
    change(first, gs1="")
    second = make(gs1=name)
    assert stored(filled, name).link_id == second.pk
    # What the first does from now on does not touch it.
    change(first, destination="https://example.org/")
    assert stored(filled, name).link_id == second.pk
    assert stored(filled, name).state == record.ACTIVE


def test_a_moved_link_answers_on_its_new_domain_and_is_gone_on_the_old(filled, make, change, domain):
    name = f"01/{gtin()}"
    link = make(gs1=name)
    change(link, domain_id=domain.pk)
    for at in (link.code, name):
        assert stored(filled, f"{domain.host}/{at}").state == record.ACTIVE
        assert stored(filled, at).state == record.DELETED
        assert stored(filled, at).link_id == link.pk
    change(link, domain_id=None)
    for at in (link.code, name):
        assert stored(filled, f"{domain.host}/{at}").state == record.DELETED
        assert stored(filled, at).state == record.ACTIVE


def test_a_code_on_paper_becomes_nobody_elses(filled, make, change, domain):
    """Not this workspace's, and not another's, which cannot even see that it was taken."""
    from console_stack import new_tenant

    from control_plane.campaigns.errors import CodeTaken
    from control_plane.campaigns.services import create_link

    link = make()
    change(link, domain_id=domain.pk)
    for workspace_id in (link.workspace_id, new_tenant().workspace_id):
        with pytest.raises(CodeTaken):
            create_link(workspace_id=workspace_id, destination=GOOD, code=link.code)
    assert stored(filled, link.code).state == record.DELETED


def test_the_database_keeps_a_former_code_where_python_does_not(make, change, domain):
    """As a program of before, which knows nothing of former names."""
    from django.db import IntegrityError, connection

    from control_plane.accounts.tenancy import workspace_scope

    link, other = make(), make()
    change(link, domain_id=domain.pk)
    with (
        pytest.raises(IntegrityError, match="campaigns_link_code"),
        workspace_scope(link.workspace_id),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE campaigns_link SET code = %s WHERE id = %s", [link.code, other.pk])


def test_a_code_cannot_be_caught_while_it_is_given_up(make, change, domain, tenant):
    """The one that wants it waits for the unique index, and sees then that it stays taken."""
    from django.db import connection, transaction

    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.campaigns.errors import CodeTaken

    link = make()
    outcome = []

    def catch():
        try:
            make(code=link.code)
            outcome.append("caught")
        except CodeTaken:
            outcome.append("taken")
        finally:
            connection.close()

    thread = threading.Thread(target=catch)
    with transaction.atomic():
        with workspace_scope(tenant.workspace_id):
            change(link, domain_id=domain.pk)
            thread.start()
            thread.join(0.5)
        assert outcome == []
    thread.join(10)
    assert outcome == ["taken"]


def test_former_names_come_back_when_valkey_is_emptied(filled, make, change, domain):
    from control_plane.campaigns.publish import sweep

    link = make(gs1=gtin())
    change(link, domain_id=domain.pk)
    filled.flushall()
    assert sweep().restored
    assert stored(filled, f"{domain.host}/{link.code}").state == record.ACTIVE
    assert stored(filled, f"{domain.host}/{link.gs1}").state == record.ACTIVE
    assert stored(filled, link.code).state == record.DELETED
    assert stored(filled, link.gs1).state == record.DELETED


def test_a_link_of_a_newer_version_keeps_its_record_and_holds_nobody_up(filled, make, caplog):
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.campaigns.errors import InvalidLink
    from control_plane.campaigns.models import Link
    from control_plane.campaigns.publish import sweep
    from control_plane.campaigns.services import update_link

    strange, plain = make(), make()
    with workspace_scope(strange.workspace_id):
        Link.objects.filter(id=strange.pk).update(rules=NEWER, version=2)
        Link.objects.filter(id=plain.pk).update(version=2)
    assert sweep().published == 1
    assert sweep().published == 0
    for changes in ({"title": "Spring"}, {"max_scans": 5}):
        with pytest.raises(InvalidLink, match="newer version") as refused:
            update_link(workspace_id=strange.workspace_id, link_id=strange.pk, **changes)
        assert refused.value.field == "rules"
    assert (stored(filled, strange.code).version, stored(filled, plain.code).version) == (1, 2)
    assert [one.levelname for one in caplog.records if strange.code in one.getMessage()] == ["ERROR"]
    with workspace_scope(strange.workspace_id):
        Link.objects.filter(id=strange.pk).update(rules=[])
    assert sweep().published == 1


@pytest.mark.parametrize(
    ("stop", "state"),
    [("block_link", record.BLOCKED), ("pause_link", record.PAUSED), ("delete_link", record.DELETED)],
)
def test_a_link_of_a_newer_version_can_be_stopped(filled, make, stop, state):
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.campaigns import services
    from control_plane.campaigns.errors import InvalidLink
    from control_plane.campaigns.models import Link

    link = make()
    with workspace_scope(link.workspace_id):
        Link.objects.filter(id=link.pk).update(rules=NEWER)
    known = {"workspace_id": link.workspace_id, "link_id": link.pk}
    assert getattr(services, stop)(**known).rules == NEWER
    assert (stored(filled, link.code).state, stored(filled, link.code).version) == (state, 2)
    if state == record.PAUSED:
        with pytest.raises(InvalidLink, match="newer version"):
            services.resume_link(**known)
        assert stored(filled, link.code).state == record.PAUSED
