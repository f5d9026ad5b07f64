"""Passes made many at a time, handed to their holders, and who may make them besides members."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from control_plane.accounts.models import TenantModel, User
from control_plane.passes.models.passes import Issuer, Pass
from control_plane.passes.models.programs import Program


class JobState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Failed"


class Job(TenantModel):
    """Many passes to be made by the worker, some hundreds at a time: `done` is always how many there are."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="jobs")
    issuer = models.ForeignKey(Issuer, on_delete=models.RESTRICT, null=True, blank=True, related_name="jobs")
    state = models.CharField(max_length=9, choices=JobState, default=JobState.WAITING)
    name = models.CharField(max_length=120, blank=True, default="")
    """The file's name, or what it was called."""
    settings = models.JSONField(blank=True, default=dict)
    """What all its passes share: valid_from, valid_until, max_uses."""
    rows = models.BinaryField(blank=True, default=b"")
    """Holders and their own settings, row by row, encrypted by `vault`; b"" where nobody is named. Emptied
    when the job ends."""
    total = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True, default="")
    """Why it failed, in a sentence."""
    email = models.BooleanField(default=False)
    """Each pass is sent to its holder's address."""
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    touched_at = models.DateTimeField(default=timezone.now)
    """When it last went on: one that stands still is taken up again."""
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="job_state"),
            models.CheckConstraint(
                condition=Q(total__gte=1) & Q(done__lte=F("total")), name="job_done_of_total"
            ),
        ]
        indexes = [models.Index(fields=["program", "-id"], name="job_newest")]

    def __str__(self) -> str:
        return f"{self.done} of {self.total} ({self.state})"


class DeliveryState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"


class Delivery(TenantModel):
    """A pass on its way to its holder by mail. The address is the holder's, and is not kept here."""

    of = models.ForeignKey(Pass, on_delete=models.CASCADE, related_name="deliveries", db_column="pass_id")
    state = models.CharField(max_length=8, choices=DeliveryState, default=DeliveryState.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True, default="")
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    next_at = models.DateTimeField(default=timezone.now)
    """Not tried before."""
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=DeliveryState.values), name="delivery_state"),
        ]
        indexes = [
            models.Index(fields=["of", "id"], name="delivery_of_pass"),
            models.Index(fields=["next_at"], name="delivery_waiting", condition=Q(state="waiting")),
        ]

    def __str__(self) -> str:
        return self.state


class Seat(TenantModel):
    """A person who issues passes for an issuer, on a phone: a link signs that phone in, once."""

    issuer = models.ForeignKey(Issuer, on_delete=models.CASCADE, related_name="seats")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12, unique=True)
    link_hash = models.CharField(max_length=64, blank=True, default="")
    """SHA-256 of the link's secret; "" once that was used."""
    link_until = models.DateTimeField(null=True, blank=True)
    key_hash = models.CharField(max_length=64, blank=True, default="")
    """SHA-256 of the phone's key; "" until it is signed in."""
    signed_in_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="seat_name_not_empty")]

    def __str__(self) -> str:
        return self.name
