"""Campaigns and links. What must never be is refused by the database itself."""

from django.db import models
from django.db.models import F, Q, Value
from django.utils import timezone

from control_plane.accounts.models import TenantModel, User


class Campaign(TenantModel):
    """A named group of links."""

    name = models.CharField(max_length=80)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="campaign_name_unique"),
            models.CheckConstraint(condition=~Q(name=""), name="campaign_name_not_empty"),
        ]

    def __str__(self) -> str:
        return self.name


class Domain(TenantModel):
    """A short domain of a workspace. Until it is verified it is a claim, and others may claim the same host;
    once it is, the host is nobody else's while it is here.

    A deleted one stays as a row: `last_version` is the highest that Valkey may hold for any name on this
    host, and whoever brings the host again starts above it.
    """

    host = models.CharField(max_length=253)
    root_redirect = models.CharField(max_length=2048, blank=True, default="")
    not_found_redirect = models.CharField(max_length=2048, blank=True, default="")
    robots_txt = models.TextField(blank=True, default="")
    favicon = models.BinaryField(blank=True, default=b"")
    apple_apps = models.JSONField(blank=True, default=list)
    """["<team>.<bundle>", …]"""
    android_apps = models.JSONField(blank=True, default=list)
    """[{"package": "com.example.app", "sha256": "AB:CD:…"}, …]"""
    verified_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    version = models.BigIntegerField(default=1)
    published_version = models.BigIntegerField(default=0)
    first_version = models.BigIntegerField(default=1)
    """Versions of links on this host start here."""
    last_version = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["host"],
                name="domain_host_once",
                condition=Q(deleted_at=None) & ~Q(verified_at=None),
            ),
            models.UniqueConstraint(
                fields=["workspace", "host"], name="domain_claimed_once", condition=Q(deleted_at=None)
            ),
            models.CheckConstraint(
                condition=Q(host__regex=r"^[a-z0-9_-]+(\.[a-z0-9_-]+)+$"), name="domain_host_form"
            ),
            models.CheckConstraint(
                condition=Q(root_redirect="") | Q(root_redirect__regex=r"^https?://[!-~]+$"),
                name="domain_root_form",
            ),
            models.CheckConstraint(
                condition=Q(not_found_redirect="") | Q(not_found_redirect__regex=r"^https?://[!-~]+$"),
                name="domain_not_found_form",
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="domain_version"),
            models.CheckConstraint(
                condition=Q(published_version__gte=0) & Q(published_version__lte=F("version")),
                name="domain_published_version",
            ),
        ]
        indexes = [
            models.Index(
                fields=["workspace"], name="domain_outbox", condition=Q(published_version__lt=F("version"))
            ),
            models.Index(fields=["host"], name="domain_deleted_host", condition=~Q(deleted_at=None)),
        ]

    def __str__(self) -> str:
        return self.host

    @property
    def is_verified(self) -> bool:
        return self.verified_at is not None


class LinkState(models.TextChoices):
    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"
    BLOCKED = "blocked", "Blocked"
    DELETED = "deleted", "Deleted"


class Link(TenantModel):
    """One code and where it leads. Printed paper lives long: a deleted link keeps its code for ever."""

    campaign = models.ForeignKey(
        Campaign, on_delete=models.SET_NULL, null=True, blank=True, related_name="links"
    )
    domain = models.ForeignKey(Domain, on_delete=models.RESTRICT, null=True, blank=True, related_name="links")
    """None: the default domain."""
    code = models.CharField(max_length=64)
    gs1 = models.CharField(max_length=255, blank=True, default="", db_default="")
    """A second name on the same domain, as `edge.gs1` writes it: "01/<14 digits>…"."""
    title = models.CharField(max_length=200, blank=True, default="")
    destination = models.CharField(max_length=2048)
    state = models.CharField(max_length=8, choices=LinkState, default=LinkState.ACTIVE)
    starts_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    redirect_status = models.PositiveSmallIntegerField(default=302)
    rules = models.JSONField(blank=True, default=list, db_default=Value([], models.JSONField()))
    """The form of `edge.rules`, checked by campaigns.rules."""
    max_scans = models.BigIntegerField(null=True, blank=True)
    scans_used = models.BigIntegerField(default=0, db_default=0)
    """As last copied from Valkey, for links that count."""
    password_hash = models.CharField(max_length=255, blank=True, default="", db_default="")
    fallback = models.CharField(max_length=2048, blank=True, default="", db_default="")
    pass_query = models.BooleanField(default=False, db_default=False)
    reset_version = models.BigIntegerField(default=0, db_default=0)
    """The version that set the count back; 0 is never."""
    counts = models.BooleanField(default=False, db_default=False)
    """Has a limit, or a rule by number: the edge counts its scans."""
    version = models.BigIntegerField(default=1)
    published_version = models.BigIntegerField(default=0)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code"], name="campaigns_link_code_default", condition=Q(domain=None)
            ),
            models.UniqueConstraint(
                fields=["domain", "code"], name="campaigns_link_code_domain", condition=~Q(domain=None)
            ),
            models.UniqueConstraint(
                fields=["gs1"], name="campaigns_link_gs1_default", condition=Q(domain=None) & ~Q(gs1="")
            ),
            models.UniqueConstraint(
                fields=["domain", "gs1"],
                name="campaigns_link_gs1_domain",
                condition=~Q(domain=None) & ~Q(gs1=""),
            ),
            models.CheckConstraint(condition=Q(state__in=LinkState.values), name="link_state"),
            models.CheckConstraint(
                condition=Q(code__regex=r"^[a-z0-9][a-z0-9-]{1,62}[a-z0-9]$"), name="link_code_form"
            ),
            models.CheckConstraint(
                condition=Q(destination__regex=r"^https?://[!-~]+$"), name="link_destination_form"
            ),
            models.CheckConstraint(
                condition=Q(starts_at=None) | Q(expires_at=None) | Q(expires_at__gt=F("starts_at")),
                name="link_expires_after_start",
            ),
            models.CheckConstraint(
                condition=Q(redirect_status__in=[301, 302, 303, 307, 308]), name="link_redirect_status"
            ),
            models.CheckConstraint(
                condition=Q(gs1="") | Q(gs1__regex=r"^01/[0-9]{14}(/[!-~]+)?$"), name="link_gs1_form"
            ),
            models.CheckConstraint(condition=Q(max_scans=None) | Q(max_scans__gte=1), name="link_max_scans"),
            models.CheckConstraint(condition=Q(scans_used__gte=0), name="link_scans_used"),
            models.CheckConstraint(
                condition=Q(fallback="") | Q(fallback__regex=r"^https?://[!-~]+$"), name="link_fallback_form"
            ),
            models.CheckConstraint(
                condition=Q(reset_version__gte=0) & Q(reset_version__lte=F("version")),
                name="link_reset_version",
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="link_version"),
            models.CheckConstraint(
                condition=Q(published_version__gte=0) & Q(published_version__lte=F("version")),
                name="link_published_version",
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "-created_at", "-id"], name="link_newest"),
            models.Index(fields=["workspace", "campaign"], name="link_campaign"),
            # The outbox: what a crash left unpublished. Nearly always empty.
            models.Index(
                fields=["workspace"], name="link_outbox", condition=Q(published_version__lt=F("version"))
            ),
            # Those whose counters come back from Valkey: few.
            models.Index(fields=["workspace", "id"], name="link_counted", condition=Q(counts=True)),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def is_unpublished(self) -> bool:
        return self.published_version < self.version

    @property
    def has_password(self) -> bool:
        return bool(self.password_hash)

    @property
    def host(self) -> str:
        """ "" on the default domain."""
        return self.domain.host if self.domain else ""


class FormerName(TenantModel):
    """A code or GS1 name that a link had before. It stays gone: paper that says it must not lead to somebody
    else's page. A trigger keeps other links from taking it."""

    domain = models.ForeignKey(Domain, on_delete=models.RESTRICT, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=255)
    link = models.ForeignKey(Link, on_delete=models.CASCADE, related_name="former_names")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["domain", "name"], name="former_name_once", nulls_distinct=False),
        ]

    def __str__(self) -> str:
        return self.name


class IdempotencyKey(TenantModel):
    """A POST that was already answered: the same key and the same request get the same answer for a day."""

    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    response = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "key"], name="idempotency_key_once")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_age")]

    def __str__(self) -> str:
        return self.key
