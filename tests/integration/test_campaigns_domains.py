"""Domains on their way to Valkey, and what happens to a host that comes and goes."""

import io
import uuid

import pytest
from console_stack import new_tenant
from PIL import Image

from edge import record

GOOD = "https://example.com/spring"


@pytest.fixture
def trusting(console, monkeypatch):
    """SCANWAY_DOMAIN_CHECK=off"""
    from dataclasses import replace

    from django.conf import settings

    monkeypatch.setattr(settings, "CONFIG", replace(settings.CONFIG, domain_check="off"))


@pytest.fixture
def host():
    return f"go-{uuid.uuid4().hex[:12]}.example.com"


def stored(filled, host):
    value = filled.get(record.domain_key(host))
    return None if value is None else record.decode_domain(value)


def create(tenant, host, **values):
    from control_plane.campaigns.domains import create_domain

    return create_domain(workspace_id=tenant.workspace_id, host=host, **values)


def link_on(domain, **more):
    from control_plane.campaigns.services import create_link

    return create_link(workspace_id=domain.workspace_id, destination=GOOD, domain_id=domain.pk, **more)


def known(domain):
    return {"workspace_id": domain.workspace_id, "domain_id": domain.pk}


def test_only_a_verified_domain_is_published(filled, tenant, host, monkeypatch):
    from control_plane.campaigns import dns
    from control_plane.campaigns.domains import verify_domain

    domain = create(tenant, host, root_redirect="https://example.com/")
    assert stored(filled, host) is None
    with monkeypatch.context() as patch:
        patch.setattr(dns, "check_leads_here", lambda host, short: None)
        verify_domain(**known(domain))
    found = stored(filled, host)
    assert (found.workspace_id, found.root, found.version) == (tenant.workspace_id, "https://example.com/", 2)


def test_everything_a_domain_has_is_in_its_record(filled, tenant, host, trusting):
    picture = io.BytesIO()
    Image.new("RGB", (300, 100), "#123456").save(picture, "JPEG")
    fingerprint = ":".join(["AB"] * 32)
    create(
        tenant,
        host,
        not_found_redirect="https://example.com/lost",
        robots_txt="User-agent: *",
        favicon=picture.getvalue(),
        apple_apps=["9JA89QQLNQ.com.example.app"],
        android_apps=[{"package": "com.example.app", "sha256": fingerprint}],
    )
    found = stored(filled, host)
    assert found.not_found == "https://example.com/lost"
    assert found.robots == "User-agent: *\n"
    assert found.apple_apps == ("9JA89QQLNQ.com.example.app",)
    assert found.android_apps == (("com.example.app", fingerprint),)
    with Image.open(io.BytesIO(found.favicon)) as icon:
        assert (icon.format, icon.size) == ("PNG", (64, 21))
    assert len(found.favicon) <= 16 * 1024


def test_edits_reach_the_edge_with_a_higher_version(filled, tenant, host, trusting):
    from control_plane.campaigns.domains import update_domain

    domain = create(tenant, host)
    with filled.pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe(record.INVALIDATE_CHANNEL)
        heard.get_message(timeout=5)
        update_domain(**known(domain), root_redirect="https://example.com/new")
        messages = [heard.get_message(timeout=5) for _ in range(2)]
    assert f"@{host}".encode() in [message["data"] for message in messages if message]
    assert (stored(filled, host).root, stored(filled, host).version) == ("https://example.com/new", 2)
    assert update_domain(**known(domain), root_redirect="https://example.com/new").version == 2


def test_a_crash_or_an_empty_valkey_is_mended(filled, tenant, host, trusting, monkeypatch):
    from control_plane.campaigns import domains
    from control_plane.campaigns.publish import Swept, sweep

    with monkeypatch.context() as crash:
        crash.setattr(domains, "publish_domain", lambda sent: False)
        create(tenant, host)
    assert stored(filled, host) is None
    assert sweep() == Swept(restored=False, published=1)
    assert stored(filled, host).version == 1
    assert sweep() == Swept(restored=False, published=0)
    filled.flushall()
    assert sweep().restored
    assert stored(filled, host).version == 1


def test_a_domain_with_links_is_not_deleted(tenant, host):
    from control_plane.campaigns.domains import delete_domain
    from control_plane.campaigns.errors import DomainInUse
    from control_plane.campaigns.services import delete_link

    domain = create(tenant, host)
    links = [link_on(domain) for _ in range(2)]
    with pytest.raises(DomainInUse, match="2 links use"):
        delete_domain(**known(domain))
    for link in links:
        delete_link(workspace_id=tenant.workspace_id, link_id=link.pk)
    delete_domain(**known(domain))


def test_blocked_links_keep_their_domain_and_the_refusal_says_so(tenant, host):
    from control_plane.campaigns.domains import delete_domain
    from control_plane.campaigns.errors import DomainInUse
    from control_plane.campaigns.services import block_link, delete_link

    domain = create(tenant, host)
    links = [link_on(domain) for _ in range(3)]
    for link in links[:2]:
        block_link(workspace_id=tenant.workspace_id, link_id=link.pk)
    with pytest.raises(DomainInUse, match=r"then try again\. But 2 were blocked by the abuse desk"):
        delete_domain(**known(domain))
    delete_link(workspace_id=tenant.workspace_id, link_id=links[2].pk)
    with pytest.raises(DomainInUse, match=r"2 links use .*\. All were blocked by the abuse desk") as refused:
        delete_domain(**known(domain))
    assert "Move them" not in refused.value.message


def test_a_deleted_domain_leaves_nothing_behind(filled, tenant, host, trusting):
    from control_plane.campaigns.domains import delete_domain
    from control_plane.campaigns.publish import sweep
    from control_plane.campaigns.services import delete_link, update_link

    domain = create(tenant, host)
    gone, moved = link_on(domain), link_on(domain)
    for number in range(5):
        update_link(workspace_id=tenant.workspace_id, link_id=gone.pk, title=f"Title {number}")
    delete_link(workspace_id=tenant.workspace_id, link_id=gone.pk)
    update_link(workspace_id=tenant.workspace_id, link_id=moved.pk, domain_id=None)
    names = [record.key(f"{host}/{link.code}") for link in (gone, moved)]
    assert filled.exists(*names) == 2
    delete_domain(**known(domain))
    assert stored(filled, host) is None
    assert filled.exists(*names) == 0
    filled.flushall()
    sweep()
    assert stored(filled, host) is None
    assert filled.exists(*names) == 0
    assert record.decode(filled.get(record.key(moved.code))).state == record.ACTIVE


def test_a_deletion_while_valkey_is_away_is_done_later(filled, tenant, host, trusting, monkeypatch):
    from control_plane.campaigns import domains
    from control_plane.campaigns.publish import sweep

    domain = create(tenant, host)
    with monkeypatch.context() as outage:
        outage.setattr(domains, "publish_domain", lambda sent: False)
        domains.delete_domain(**known(domain))
    assert stored(filled, host) is not None
    sweep()
    assert stored(filled, host) is None


def test_who_brings_the_host_again_starts_above_what_valkey_may_hold(
    filled, tenant, host, trusting, monkeypatch
):
    """Even where the deletion never reached Valkey, and arrives after the new owner's records."""
    from control_plane.campaigns import domains, publish_domains
    from control_plane.campaigns.services import delete_link, update_link

    domain = create(tenant, host)
    link = link_on(domain, code="menu")
    for number in range(5):
        link = update_link(workspace_id=tenant.workspace_id, link_id=link.pk, title=f"Title {number}")
    delete_link(workspace_id=tenant.workspace_id, link_id=link.pk)
    late = []
    with monkeypatch.context() as outage:
        outage.setattr(domains, "publish_domain", late.append)
        domains.delete_domain(**known(domain))

    other = new_tenant()
    again = create(other, host)
    taken = link_on(again, code="menu")
    assert stored(filled, host).workspace_id == other.workspace_id
    assert record.decode(filled.get(record.key(f"{host}/menu"))).link_id == taken.pk
    assert publish_domains.publish_domain(late[0])
    assert stored(filled, host).workspace_id == other.workspace_id
    assert record.decode(filled.get(record.key(f"{host}/menu"))).link_id == taken.pk


def test_a_domain_of_another_workspace_is_no_domain(tenant, host):
    from django.db import IntegrityError, connection

    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.campaigns import domains
    from control_plane.campaigns.errors import InvalidLink, NotFound
    from control_plane.campaigns.services import create_link

    theirs = create(new_tenant(), host)
    mine = tenant.workspace_id
    for work in (
        lambda: domains.get_domain(workspace_id=mine, domain_id=theirs.pk),
        lambda: domains.update_domain(workspace_id=mine, domain_id=theirs.pk, robots_txt=""),
        lambda: domains.verify_domain(workspace_id=mine, domain_id=theirs.pk),
        lambda: domains.delete_domain(workspace_id=mine, domain_id=theirs.pk),
    ):
        with pytest.raises(NotFound):
            work()
    with pytest.raises(InvalidLink, match="no such domain"):
        create_link(workspace_id=mine, destination=GOOD, domain_id=theirs.pk)
    link = create_link(workspace_id=mine, destination=GOOD)
    with pytest.raises(IntegrityError), workspace_scope(mine), connection.cursor() as cursor:
        cursor.execute("UPDATE campaigns_link SET domain_id = %s WHERE id = %s", [theirs.pk, link.pk])


def test_a_link_and_the_end_of_its_domain_cannot_pass_each_other(tenant, host):
    """Whoever comes second waits for the first, and is refused."""
    import threading

    from django.db import connection, transaction

    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.campaigns.domains import delete_domain
    from control_plane.campaigns.errors import DomainInUse

    domain = create(tenant, host)
    outcome = []

    def delete():
        try:
            delete_domain(**known(domain))
            outcome.append("deleted")
        except DomainInUse:
            outcome.append("in use")
        finally:
            connection.close()

    thread = threading.Thread(target=delete)
    with transaction.atomic():
        with workspace_scope(tenant.workspace_id):
            link_on(domain)
            thread.start()
            thread.join(0.5)
        assert outcome == []
    thread.join(10)
    assert outcome == ["in use"]


def test_destinations_on_an_own_domain_are_refused(tenant, host):
    from control_plane.campaigns.errors import InvalidLink
    from control_plane.campaigns.services import create_link

    create(tenant, host)
    for values in (
        {"destination": f"https://{host}/abc"},
        {"destination": GOOD, "fallback": f"https://{host}/abc"},
        {"destination": GOOD, "rules": [{"then": {"type": "redirect", "to": f"https://{host}/abc"}}]},
    ):
        with pytest.raises(InvalidLink, match="circle"):
            create_link(workspace_id=tenant.workspace_id, **values)


def test_placeholders_are_refused_where_nobody_fills_them_in(tenant, host):
    from control_plane.campaigns.errors import InvalidDomain, InvalidLink
    from control_plane.campaigns.services import create_link

    with pytest.raises(InvalidLink, match="is not filled in here") as refused:
        create_link(workspace_id=tenant.workspace_id, destination=GOOD, fallback=f"{GOOD}/{{country}}")
    assert refused.value.field == "fallback"
    with pytest.raises(InvalidDomain, match="is not filled in here") as refused:
        create(tenant, host, root_redirect=f"{GOOD}/{{country}}")
    assert refused.value.field == "root_redirect"


def test_a_domain_cannot_lead_to_itself(tenant, host):
    from control_plane.campaigns.domains import create_domain, update_domain
    from control_plane.campaigns.errors import InvalidDomain

    with pytest.raises(InvalidDomain, match="circle"):
        create(tenant, host, root_redirect=f"https://{host}/")
    domain = create(tenant, host)
    other = create_domain(workspace_id=tenant.workspace_id, host=f"other-{host}")
    for where in (host, other.host, "192.168.1.20:8080"):
        with pytest.raises(InvalidDomain, match="circle"):
            update_domain(**known(domain), not_found_redirect=f"http://{where}/lost")


def test_a_resolver_that_does_not_answer_is_not_waited_for(tenant, host, monkeypatch):
    import threading

    from control_plane.campaigns import dns
    from control_plane.campaigns.domains import verify_domain
    from control_plane.campaigns.errors import InvalidDomain

    domain = create(tenant, host)
    answer = threading.Event()
    monkeypatch.setattr(dns, "_known", {})
    monkeypatch.setattr(dns, "SECONDS", 0.1)
    monkeypatch.setattr(dns.socket, "getaddrinfo", lambda *_, **__: answer.wait(20) and [])
    try:
        with pytest.raises(InvalidDomain, match="Try again"):
            verify_domain(**known(domain))
    finally:
        answer.set()
