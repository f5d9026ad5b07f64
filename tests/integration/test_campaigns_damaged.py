"""A record that an edge could not read is sent again; one that belongs to nobody is taken away."""

import uuid

import pytest

from edge import record

GOOD = "https://example.com/spring"


@pytest.fixture
def link(tenant):
    from control_plane.campaigns.services import create_link

    return create_link(workspace_id=tenant.workspace_id, destination=GOOD)


def report(filled, name):
    """As the edge does."""
    filled.sadd(record.DAMAGED_KEY, name)


# Torn in the body; with a version that looks newer than any; of a format that nobody knows; nearly empty.
@pytest.mark.parametrize("damage", [lambda v: v[:-5], lambda v: v[:1] + b"\xff" * 8 + b"\xc1",
                                    lambda v: b"\x63" + v[1:], lambda v: b"\x01"])  # fmt: skip
def test_a_damaged_record_is_sent_again(filled, link, damage):
    from control_plane.campaigns.publish import Swept, sweep

    good = filled.get(record.key(link.code))
    filled.set(record.key(link.code), damage(good))
    report(filled, link.code)
    assert sweep() == Swept(restored=False, published=1)
    assert filled.get(record.key(link.code)) == good
    assert sweep() == Swept(restored=False, published=0)


def test_edges_are_told(filled, link):
    from control_plane.campaigns.publish import sweep

    report(filled, link.code)
    with filled.pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe(record.INVALIDATE_CHANNEL)
        heard.get_message(timeout=5)
        sweep()
        messages = [heard.get_message(timeout=5) for _ in range(2)]
    assert link.code.encode() in [message["data"] for message in messages if message]


def test_every_kind_of_name_finds_its_record(filled, tenant, link):
    from test_campaigns_names import gtin

    from control_plane.campaigns import domains, services
    from control_plane.campaigns.publish import sweep

    known = {"workspace_id": tenant.workspace_id, "link_id": link.pk}
    host = f"go-{uuid.uuid4().hex[:12]}.example.com"
    domain = domains.create_domain(workspace_id=tenant.workspace_id, host=host)
    verify(tenant, domain)
    services.update_link(**known, gs1=gtin())
    moved = services.update_link(**known, domain_id=domain.pk)
    names = [f"{host}/{link.code}", f"{host}/{moved.gs1}", link.code, moved.gs1]
    keys = [record.key(name) for name in names] + [record.domain_key(host)]
    good = filled.mget(keys)
    assert None not in good
    for name, key in zip([*names, f"@{host}"], keys, strict=True):
        filled.set(key, b"\x01\xff")
        report(filled, name)
        assert sweep().published == 1
        assert filled.mget(keys) == good


def verify(tenant, domain):
    from django.utils import timezone

    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.campaigns.models import Domain
    from control_plane.campaigns.publish import sweep

    with workspace_scope(tenant.workspace_id):
        Domain.objects.filter(id=domain.pk).update(verified_at=timezone.now(), version=domain.version + 1)
    sweep()


@pytest.mark.parametrize(
    "name",
    ["no-such-code", "go.example.com/abc", "@go.example.com", "01/09999999999994", "\x00", "@", "é"],
)
def test_a_record_of_nobody_is_taken_away(filled, name):
    from control_plane.campaigns.publish import sweep

    key = record.domain_key(name[1:]) if name.startswith("@") else record.key(name)
    filled.set(key, b"\x01\xff")
    report(filled, name)
    assert sweep().published == 0
    assert not filled.exists(key)
    assert not filled.exists(record.DAMAGED_KEY)


def test_a_report_of_a_healthy_record_does_no_harm(filled, link):
    from control_plane.campaigns.publish import sweep

    good = filled.get(record.key(link.code))
    for name in (link.code, "no-such-record"):
        report(filled, name)
    filled.sadd(record.DAMAGED_KEY, b"\xff\xfe")
    sweep()
    assert filled.get(record.key(link.code)) == good


def test_a_hundred_at_once(filled, link):
    from control_plane.campaigns.publish import sweep

    filled.sadd(record.DAMAGED_KEY, *(f"name-{n}" for n in range(150)))
    sweep()
    assert filled.scard(record.DAMAGED_KEY) == 50
    sweep()
    assert filled.scard(record.DAMAGED_KEY) == 0
