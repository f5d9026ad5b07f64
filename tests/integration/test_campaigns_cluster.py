"""Names, counters, domains and damage on a cluster, where each key may lie on another node."""

import uuid

import pytest
from test_campaigns_damaged import verify
from test_campaigns_names import gtin
from valkey_cluster import Cluster, stopped

from analytics.valkey.client import connect
from edge import record

GOOD = "https://example.com/spring"


@pytest.fixture
def valkey(tenant, tmp_path, monkeypatch):
    """The control plane's client, complete as after a sweep."""
    from control_plane.campaigns import publish, valkey

    cluster = Cluster(tmp_path / "cluster")
    with stopped(cluster):
        client = connect(cluster.url, timeout=5, connect_timeout=1)
        with monkeypatch.context() as patch:
            patch.setattr(valkey, "client", lambda: client)
            assert publish.sweep().restored
            yield client
        client.close()


def test_a_links_whole_life(valkey, tenant):
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.campaigns import counts, domains, services
    from control_plane.campaigns.models import Link
    from control_plane.campaigns.publish import sweep

    mine = {"workspace_id": tenant.workspace_id}
    host = f"go-{uuid.uuid4().hex[:12]}.example.com"
    domain = domains.create_domain(**mine, host=host)
    verify(tenant, domain)
    links = [
        services.create_link(**mine, destination=GOOD, domain_id=domain.pk, max_scans=9, gs1=gtin())
        for _ in range(12)
    ]
    keys = [record.key(f"{host}/{name}") for link in links for name in (link.code, link.gs1)]
    assert all(record.decode(valkey.get(key)).max_scans == 9 for key in keys)

    for link in links:
        valkey.incrby(record.count_key(link.pk), 4)
    counts.copy_back()
    with workspace_scope(tenant.workspace_id):
        assert {link.scans_used for link in Link.objects.filter(domain=domain)} == {4}
    services.reset_scans(**mine, link_id=links[0].pk)
    assert valkey.get(record.count_key(links[0].pk)) == b"0"
    valkey.delete(record.count_key(links[1].pk))
    counts.copy_back()
    assert valkey.get(record.count_key(links[1].pk)) == b"4"

    good = [valkey.get(key) for key in keys]
    for key in keys:
        valkey.set(key, b"\x01\xff")
        valkey.sadd(record.DAMAGED_KEY, key.removeprefix("scanway:link:"))
    assert sweep().published == len(keys)
    assert [valkey.get(key) for key in keys] == good

    for link in links:
        services.update_link(**mine, link_id=link.pk, domain_id=None)
    assert {record.decode(valkey.get(key)).state for key in keys} == {record.DELETED}
    domains.delete_domain(**mine, domain_id=domain.pk)
    assert [valkey.get(key) for key in keys] == [None] * len(keys)
    assert record.decode(valkey.get(record.key(links[0].code))).state == record.ACTIVE
