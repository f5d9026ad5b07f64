"""Domains on their way to Valkey: a verified one has a record. Of one that never was, nothing is sent: what
Valkey has of its host is another workspace's. See publish.py."""

import logging
from collections.abc import Sequence
from typing import Any

import redis
from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import F

from control_plane.accounts.tenancy import workspace_scope
from control_plane.campaigns.models import Domain, FormerName, Link
from control_plane.campaigns.sending import DomainPublication, send_domains
from edge import record

log = logging.getLogger("publish")


def publication(domain: Domain) -> DomainPublication:
    """The domain as it is now. In the workspace's scope."""
    value = None
    if domain.is_verified and not domain.deleted_at:
        value = record.encode_domain(
            record.Domain(
                workspace_id=domain.workspace_id,
                version=domain.version,
                root=domain.root_redirect,
                not_found=domain.not_found_redirect,
                robots=domain.robots_txt,
                favicon=bytes(domain.favicon),
                apple_apps=tuple(domain.apple_apps),
                android_apps=tuple((app["package"], app["sha256"]) for app in domain.android_apps),
            )
        )
    is_claim = not domain.is_verified
    gone = tuple(_names(domain)) if domain.deleted_at and not is_claim else ()
    return DomainPublication(
        domain.pk, domain.workspace_id, domain.host, domain.version, value, gone, is_claim
    )


def publish_domain(sent: DomainPublication) -> bool:
    """Send one domain now. False where Valkey or PostgreSQL would not have it: the sweep tries again."""
    try:
        send_domains([sent])
        with workspace_scope(sent.workspace_id):
            _mark([sent])
    except (redis.RedisError, OSError, DatabaseError) as error:
        log.warning("%s is saved but not published yet (%s); the worker will do it.", sent.host, error)
        return False
    return True


def publish_outbox(workspace_id: int) -> int:
    """What a crash or an outage left. Returns how many. Raises redis.RedisError."""
    with workspace_scope(workspace_id):
        unpublished = Domain.objects.filter(published_version__lt=F("version"))
        return _publish(unpublished.select_for_update(skip_locked=True, of=("self",)))


def publish_all(workspace_id: int, *, force: bool = False) -> int:
    """Every domain of a workspace. Returns how many. Raises redis.RedisError."""
    with workspace_scope(workspace_id):
        return _publish(Domain.objects.filter(deleted_at=None), force=force) + _publish(
            Domain.objects.filter(published_version__lt=F("version")).exclude(deleted_at=None)
        )


def republish(workspace_id: int, domain_id: int) -> int:
    """Over whatever Valkey has; the lock as in publish.republish. Raises redis.RedisError."""
    with workspace_scope(workspace_id):
        return _publish(Domain.objects.filter(id=domain_id).select_for_update(of=("self",)), force=True)


def _publish(domains: Any, *, force: bool = False) -> int:
    batch = [publication(domain) for domain in domains.order_by("id")]
    send_domains(batch, force=force)
    _mark(batch)
    return len(batch)


def _names(domain: Domain) -> list[str]:
    found = [name for pair in Link.objects.filter(domain=domain).values_list("code", "gs1") for name in pair]
    found += FormerName.objects.filter(domain=domain).values_list("name", flat=True)
    return [record.link_name(name, domain.host) for name in found if name]


def _mark(batch: Sequence[DomainPublication]) -> None:
    if not batch:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE campaigns_domain AS domain SET published_version = sent.version"
            " FROM unnest(%s::bigint[], %s::bigint[]) AS sent(id, version)"
            " WHERE domain.id = sent.id AND domain.published_version < sent.version",
            [[one.domain_id for one in batch], [one.version for one in batch]],
        )
