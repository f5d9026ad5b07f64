"""Campaigns and links. What must never be is refused by the database itself."""

from django.db import models
from django.db.models import F, Q
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
    code = models.CharField(max_length=64, unique=True)
    title = models.CharField(max_length=200, blank=True, default="")
    destination = models.CharField(max_length=2048)
    state = models.CharField(max_length=8, choices=LinkState, default=LinkState.ACTIVE)
    starts_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    redirect_status = models.PositiveSmallIntegerField(default=302)
    version = models.BigIntegerField(default=1)
    published_version = models.BigIntegerField(default=0)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
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
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def is_unpublished(self) -> bool:
        return self.published_version < self.version


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
