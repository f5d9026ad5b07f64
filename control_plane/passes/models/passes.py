"""Passes, and who issues them."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from control_plane.accounts.models import TenantModel, User, Workspace
from control_plane.passes.models.programs import Program, Zone


class Issuer(TenantModel):
    """A vendor, an organiser, a partner: whose passes these are, and how many there may be."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="issuers")
    name = models.CharField(max_length=80)
    is_active = models.BooleanField(default=True)
    quota_total = models.PositiveIntegerField(null=True, blank=True)
    quota_daily = models.PositiveIntegerField(null=True, blank=True)
    logo = models.BinaryField(blank=True, default=b"")
    """A PNG of ours, made of what was uploaded; b"" is none."""
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "name"], name="issuer_name_unique"),
            models.CheckConstraint(condition=~Q(name=""), name="issuer_name_not_empty"),
        ]

    def __str__(self) -> str:
        return self.name


class IssuerDay(TenantModel):
    """An issuer is on or off on this day of its program's time zone, whatever it is otherwise."""

    issuer = models.ForeignKey(Issuer, on_delete=models.CASCADE, related_name="days")
    day = models.DateField()
    is_active = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuer", "day"], name="issuer_day_once")]

    def __str__(self) -> str:
        return f"{self.day}: {'on' if self.is_active else 'off'}"


class PassState(models.TextChoices):
    ACTIVE = "active", "Active"
    HELD = "held", "On hold"
    REVOKED = "revoked", "Cancelled"
    REPLACED = "replaced", "Replaced"


class Pass(TenantModel):
    """One ticket or parking pass. What is printed is made from this row and a key, and is kept nowhere."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    program = models.ForeignKey(
        Program, on_delete=models.CASCADE, related_name="passes", db_constraint=False, db_index=False
    )
    issuer = models.ForeignKey(
        Issuer,
        on_delete=models.RESTRICT,
        null=True,
        blank=True,
        related_name="passes",
        db_constraint=False,
        db_index=False,
    )
    uid = models.BinaryField(max_length=10)
    """80 random bits, in the token."""
    number = models.BigIntegerField()
    """Counts up in its program: what people call it by."""
    state = models.CharField(max_length=8, choices=PassState, default=PassState.ACTIVE)
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_until = models.DateTimeField(null=True, blank=True)
    max_uses = models.PositiveIntegerField(null=True, blank=True)
    """Instead of the program's."""
    uses = models.PositiveIntegerField(default=0)
    first_used_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    job = models.ForeignKey(
        "Job",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="passes",
        db_constraint=False,
        db_index=False,
    )
    """What made it, where it was one of many."""
    inside_zone = models.ForeignKey(
        Zone,
        on_delete=models.RESTRICT,
        null=True,
        blank=True,
        related_name="passes_inside",
        db_constraint=False,
        db_index=False,
    )
    inside_since = models.DateTimeField(null=True, blank=True)
    holder = models.BinaryField(blank=True, default=b"")
    """{"name", "email", "phone", "plate", "fields": {…}}, encrypted by `vault`; b"" is nobody."""
    words = ArrayField(models.CharField(max_length=16), default=list, blank=True)
    """Keyed hashes of the holder's words, to search by: see `holder`."""
    replaced_by = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="replaces",
        db_constraint=False,
        db_index=False,
    )
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["uid"], name="pass_uid_unique"),
            models.UniqueConstraint(fields=["program", "number"], name="pass_number_unique"),
            models.CheckConstraint(condition=Q(state__in=PassState.values), name="pass_state"),
            models.CheckConstraint(
                condition=Q(valid_from=None) | Q(valid_until=None) | Q(valid_until__gt=F("valid_from")),
                name="pass_ends_after_start",
            ),
            models.CheckConstraint(condition=Q(max_uses=None) | Q(max_uses__gte=1), name="pass_max_uses"),
            models.CheckConstraint(
                condition=Q(inside_zone=None, inside_since=None)
                | Q(inside_zone__isnull=False, inside_since__isnull=False),
                name="pass_inside_since",
            ),
        ]
        indexes = [
            models.Index(fields=["program", "-number"], name="pass_newest"),
            models.Index(fields=["program", "issuer", "created_at"], name="pass_issuer"),
            models.Index(fields=["job"], name="pass_job", condition=~Q(job=None)),
            models.Index(fields=["replaced_by"], name="pass_replaced_by", condition=~Q(replaced_by=None)),
            models.Index(
                fields=["program", "inside_since"], name="pass_inside", condition=~Q(inside_zone=None)
            ),
            GinIndex(fields=["words"], name="pass_words"),
        ]

    def __str__(self) -> str:
        return f"No. {self.number}"


class Change(TenantModel):
    """Something that was done to a pass, other than at a gate. Never changed, never removed."""

    of = models.ForeignKey(Pass, on_delete=models.CASCADE, related_name="changes", db_column="pass_id")
    at = models.DateTimeField(default=timezone.now)
    what = models.CharField(max_length=16)
    """issued, held, released, revoked, restored, extended, transferred, replaced, sent; timed_out:
    left by time."""
    note = models.CharField(max_length=200, blank=True, default="")
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["of", "at"], name="change_of_pass")]

    def __str__(self) -> str:
        return self.what
