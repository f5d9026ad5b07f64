"""Moves, GS1 names handed on, deletions and domains that come and go, with publications lost, late and out of
order: what Valkey says of each name in the end is what PostgreSQL says."""

import random
import uuid

import pytest
from test_campaigns_names import gtin

from edge import record

STEPS = 40


class World:
    """One workspace's links and domains, and publications that have not been sent."""

    def __init__(self, workspace_id, chance):
        from control_plane.campaigns import domains, services

        self.mine = {"workspace_id": workspace_id}
        self.chance = chance
        self.late = []
        self.products = [f"01/{gtin()}" for _ in range(2)]
        self.hosts = [f"go-{uuid.uuid4().hex[:12]}.example.com" for _ in range(2)]
        self.domains = {
            host: domains.create_domain(**self.mine, host=host, root_redirect="https://example.com/")
            for host in self.hosts
        }
        self.links = [
            services.create_link(**self.mine, destination=f"https://example.com/{n}") for n in range(3)
        ]

    def publish(self, sent):
        """As after a commit: at once, late, or never."""
        if self.chance.random() < 0.5:
            return self.publish_now(sent)
        self.late.append(sent)
        return False

    def publish_now(self, sent):
        from control_plane.campaigns import publish, publish_domains, sending

        if isinstance(sent, sending.Publication):
            return publish.publish_link(sent)
        return publish_domains.publish_domain(sent)

    def step(self):
        from control_plane.campaigns import domains, services
        from control_plane.campaigns.errors import CampaignsError

        link = self.chance.choice(self.links)
        host = self.chance.choice(self.hosts)
        edit = {**self.mine, "link_id": link.pk}
        domain_id = self.chance.choice([None, *(domain.pk for domain in self.domains.values())])
        works = [
            lambda: services.update_link(**edit, domain_id=domain_id),
            lambda: services.update_link(**edit, domain_id=domain_id),
            lambda: services.update_link(**edit, gs1=self.chance.choice([*self.products, ""])),
            lambda: services.update_link(**edit, gs1=self.chance.choice([*self.products, ""])),
            lambda: services.update_link(**edit, title=uuid.uuid4().hex),
            lambda: self.replace(link),
            lambda: self.delete(host),
            lambda: self.bring_again(host, domains),
            self.deliver_late,
        ]
        try:
            self.chance.choice(works)()
        except CampaignsError:
            return

    def replace(self, link):
        from control_plane.campaigns import services

        services.delete_link(**self.mine, link_id=link.pk)
        self.links.remove(link)
        self.links.append(services.create_link(**self.mine, destination="https://example.com/new"))

    def delete(self, host):
        from control_plane.campaigns import domains

        if host in self.domains:
            domains.delete_domain(**self.mine, domain_id=self.domains[host].pk)
            del self.domains[host]

    def bring_again(self, host, domains):
        if host not in self.domains:
            self.domains[host] = domains.create_domain(**self.mine, host=host)

    def deliver_late(self):
        if self.late:
            self.publish(self.late.pop(self.chance.randrange(len(self.late))))


def truth(workspace_id):
    """Name → (state, link), as PostgreSQL has it."""
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.campaigns.models import Domain, FormerName, Link, LinkState

    found = {}
    with workspace_scope(workspace_id):
        hosts = {domain.host for domain in Domain.objects.filter(deleted_at=None)}
        for former in FormerName.objects.filter(domain__deleted_at=None).select_related("domain"):
            name = record.link_name(former.name, former.domain.host if former.domain else "")
            found[name] = (record.DELETED, former.link_id)
        for link in Link.objects.select_related("domain"):
            if link.domain and link.domain.deleted_at:
                continue
            state = record.DELETED if link.state == LinkState.DELETED else record.ACTIVE
            for name in filter(None, (link.code, link.gs1)):
                name = record.link_name(name, link.host)
                assert name not in found, "two links have one name"
                found[name] = (state, link.pk)
    return hosts, found


def differences(filled, workspace_id, seed, monkeypatch):
    """What is wrong in Valkey after `STEPS` steps, one sweep, and everything late."""
    from dataclasses import replace

    from django.conf import settings

    from control_plane.campaigns import domains, services
    from control_plane.campaigns.publish import sweep

    chance = random.Random(seed)
    with monkeypatch.context() as patch:
        patch.setattr(settings, "CONFIG", replace(settings.CONFIG, domain_check="off"))
        world = World(workspace_id, chance)
        patch.setattr(services, "publish_link", world.publish)
        patch.setattr(domains, "publish_domain", world.publish)
        for _ in range(STEPS):
            world.step()
            if chance.random() < 0.1:
                sweep()
    sweep()
    late, world.late = world.late, []
    chance.shuffle(late)
    for sent in late:
        world.publish_now(sent)
    hosts, names = truth(workspace_id)
    wrong = [host for host in world.hosts if bool(filled.exists(record.domain_key(host))) != (host in hosts)]
    for name, (state, link_id) in names.items():
        value = filled.get(record.key(name))
        found = None if value is None else record.decode(value)
        if found is None or (found.state, found.link_id) != (state, link_id):
            wrong.append(name)
    return wrong


@pytest.mark.parametrize("seed", range(8))
def test_in_the_end_valkey_says_what_postgresql_says(filled, tenant, monkeypatch, seed):
    assert differences(filled, tenant.workspace_id, seed, monkeypatch) == []


def test_negative_control_versions_that_start_again_go_wrong(filled, tenant, monkeypatch):
    """Without the floor under a name's versions, a link that takes a name over loses to the one before."""
    from control_plane.campaigns import names

    claim = names.claim

    def claim_without_floor(link, before):
        claim(link, before)
        return 0

    monkeypatch.setattr(names, "claim", claim_without_floor)
    assert any(differences(filled, tenant.workspace_id, seed, monkeypatch) for seed in range(8))


def test_negative_control_a_removal_without_a_trace_goes_wrong(filled, tenant, monkeypatch):
    from control_plane.campaigns import sending

    monkeypatch.setattr(sending, "_ON_HOST", record.PUBLISH_SCRIPT)
    assert any(differences(filled, tenant.workspace_id, seed, monkeypatch) for seed in range(8))
