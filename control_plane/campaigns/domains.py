"""What can be done with a workspace's short domains. Each owns its transaction; publishing follows."""

from functools import partial
from typing import Any, Final

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Count, F, Max, Q, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from control_plane.accounts.tenancy import workspace_scope
from control_plane.campaigns import dns, domain_values
from control_plane.campaigns.errors import DomainInUse, DomainTaken, EditConflict, InvalidDomain, NotFound
from control_plane.campaigns.models import Domain, FormerName, Link, LinkState
from control_plane.campaigns.publish_domains import publication, publish_domain

EDITABLE: Final = domain_values.EDITABLE


def create_domain(*, workspace_id: int, host: str, **values: Any) -> Domain:
    """A new domain; any of EDITABLE may come with it. No scan arrives before it is verified, and until then
    other workspaces may claim the same host.

    With SCANWAY_DOMAIN_CHECK=off it is verified at once. Raises InvalidDomain(field, message), DomainTaken.
    """
    _check_names(values)
    with workspace_scope(workspace_id):
        domain = Domain(host=domain_values.check_host(host))
        domain_values.apply(domain, values)
        try:
            with transaction.atomic():
                domain.save(force_insert=True)
        except IntegrityError as error:
            if "domain_claimed_once" not in str(error):
                raise
            raise DomainTaken(f"{domain.host} is one of this workspace's domains already.") from None
        if settings.CONFIG.domain_check == "off":
            _take_host(domain)
        _publish_on_commit(domain)
    return domain


def update_domain(
    *, workspace_id: int, domain_id: int, expected_version: int | None = None, **changes: Any
) -> Domain:
    """Change any of EDITABLE; what is not named stays.

    With `expected_version`, refuses to overwrite an edit that the caller has not seen. Raises
    InvalidDomain(field, message), NotFound, EditConflict.
    """
    _check_names(changes)
    with workspace_scope(workspace_id):
        domain = _locked_domain(domain_id)
        if expected_version is not None and domain.version != expected_version:
            raise EditConflict(
                "This domain has changed since you loaded it. Load it again, then make your change."
            )
        if domain_values.apply(domain, changes):
            _save_next_version(domain)
    return domain


def verify_domain(*, workspace_id: int, domain_id: int) -> Domain:
    """Verified where the domain's DNS leads here; again is harmless. Of several workspaces that claim a host,
    the first to verify it has it. Raises InvalidDomain, DomainTaken, NotFound."""
    host = get_domain(workspace_id=workspace_id, domain_id=domain_id).host
    if settings.CONFIG.domain_check != "off":
        dns.check_leads_here(host, settings.CONFIG.short_url.hostname or "")
    with workspace_scope(workspace_id):
        _lock_links(domain_id)
        domain = _locked_domain(domain_id)
        if domain.verified_at is None:
            domain.version += 1
            domain.updated_at = timezone.now()
            _take_host(domain)
            _publish_on_commit(domain)
    return domain


def delete_domain(*, workspace_id: int, domain_id: int) -> None:
    """Scans of it get a plain 404, and its host may be connected again. Raises DomainInUse, NotFound."""
    with workspace_scope(workspace_id):
        # Edits that are about to publish “gone” on this host finish first.
        _lock_links(domain_id)
        domain = _locked_domain(domain_id)
        links = Link.objects.filter(domain=domain)
        used = links.exclude(state=LinkState.DELETED).count()
        if used:
            blocked = links.filter(state=LinkState.BLOCKED).count()
            raise DomainInUse(_in_use(domain.host, used, blocked))
        former = FormerName.objects.filter(domain=domain)
        highest = [
            links.aggregate(most=Max("version"))["most"] or 0,
            former.aggregate(most=Max("link__version"))["most"] or 0,
            domain.version + 1,
        ]
        domain.deleted_at = timezone.now()
        # Also the domain's own version, which takes the links' names out of Valkey with it.
        domain.last_version = max(highest)
        domain.version = domain.last_version - 1
        _save_next_version(domain)


def get_domain(*, workspace_id: int, domain_id: int) -> Domain:
    """Raises NotFound."""
    with workspace_scope(workspace_id):
        domain = Domain.objects.filter(id=domain_id, deleted_at=None).first()
    if domain is None:
        raise NotFound
    return domain  # type: ignore[no-any-return]


def list_domains(*, workspace_id: int) -> list[Domain]:
    """All, by host, each with `link_count`: how many links use it, without deleted ones."""
    used = Count("links", filter=~Q(links__state=LinkState.DELETED))
    with workspace_scope(workspace_id):
        return list(Domain.objects.filter(deleted_at=None).annotate(link_count=used).order_by("host"))


def _in_use(host: str, used: int, blocked: int) -> str:
    uses, them = ("link uses", "it") if used == 1 else ("links use", "them")
    sentence = f"{used:,} {uses} {host}."
    if blocked < used:
        sentence += f" Move {them} to another domain, or delete {them}; then try again."
    if blocked:
        some = "It was" if used == 1 else "All were"
        if blocked < used:
            some = "But 1 was" if blocked == 1 else f"But {blocked:,} were"
        sentence += (
            f" {some} blocked by the abuse desk, and can be neither moved nor deleted. Ask whoever runs this "
            "server."
        )
    return sentence


def _check_names(values: dict[str, Any]) -> None:
    if unknown := values.keys() - EDITABLE:
        raise InvalidDomain(min(unknown), "This cannot be changed.")


def _locked_domain(domain_id: int) -> Domain:
    domain = Domain.objects.select_for_update().filter(id=domain_id, deleted_at=None).first()
    if domain is None:
        raise NotFound
    return domain  # type: ignore[no-any-return]


def _named_on(domain_id: int) -> Q:
    """Links that have a name on this domain, or had one."""
    return Q(domain_id=domain_id) | Q(id__in=FormerName.objects.filter(domain_id=domain_id).values("link_id"))


def _lock_links(domain_id: int) -> None:
    """To be called before the domain is locked: edits lock links first, too."""
    links = Link.objects.filter(_named_on(domain_id)).order_by("id")
    list(links.select_for_update().values_list("id", flat=True))


def _take_host(domain: Domain) -> None:
    """Verified and saved, with all versions above what Valkey may hold. Raises DomainTaken."""
    domain.verified_at = timezone.now()
    try:
        with transaction.atomic():
            domain.save()
    except IntegrityError as error:
        if "domain_host_once" not in str(error):
            raise
        raise DomainTaken from None
    # Asked only now: whoever gives the host up has been waited for.
    domain.first_version = _last_version(domain.host) + 1
    domain.version = max(domain.version, domain.first_version)
    domain.save()
    # Nothing of a claim is in Valkey. The sweep sends its links within a second, however many there are.
    Link.objects.filter(_named_on(domain.pk)).update(
        version=Greatest(F("version") + 1, Value(domain.first_version))
    )


def _save_next_version(domain: Domain) -> None:
    domain.version += 1
    domain.updated_at = timezone.now()
    domain.save()
    _publish_on_commit(domain)


def _publish_on_commit(domain: Domain) -> None:
    transaction.on_commit(partial(publish_domain, publication(domain)), robust=True)


def _last_version(host: str) -> int:
    """The highest that Valkey may hold for anything on this host, from when somebody had it before."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT scanway_last_version_of_host(%s)", [host])
        return int(cursor.fetchone()[0])
