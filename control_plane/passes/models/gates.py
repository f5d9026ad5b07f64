"""What happens at gates: devices, every scan with its outcome, and the ledger of who went in and out.

Foreign keys are checked once, with the workspace in them: see the second migration.
"""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from control_plane.accounts.models import TenantModel, User, Workspace
from control_plane.passes.models.passes import Pass
from control_plane.passes.models.programs import Gate, Program, Zone
from control_plane.passes.reason import Reason


class Device(TenantModel):
    """A phone or scanner at a gate, with a key of its own that can only redeem there."""

    class Role(models.TextChoices):
        STEWARD = "steward", "Steward"
        SUPERVISOR = "supervisor", "Supervisor"

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="devices")
    name = models.CharField(max_length=80)
    role = models.CharField(max_length=10, choices=Role, default=Role.STEWARD)
    prefix = models.CharField(max_length=12, unique=True)
    pairing_hash = models.CharField(max_length=64, blank=True, default="")
    """SHA-256 of the code that pairs it; "" once that was used."""
    pairing_until = models.DateTimeField(null=True, blank=True)
    key_hash = models.CharField(max_length=64, blank=True, default="")
    """SHA-256 of its key; "" until it is paired."""
    paired_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    battery = models.PositiveSmallIntegerField(null=True, blank=True)
    """Percent, where the device tells."""
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="device_name_not_empty"),
            models.CheckConstraint(condition=Q(role__in=["steward", "supervisor"]), name="device_role"),
            models.CheckConstraint(
                condition=Q(battery=None) | Q(battery__lte=100), name="device_battery_percent"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_paired(self) -> bool:
        return self.paired_at is not None and self.revoked_at is None


class DeviceGate(TenantModel):
    """A gate where a device may be used."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="+")
    gate = models.ForeignKey(Gate, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["device", "gate"], name="device_gate_once")]

    def __str__(self) -> str:
        return f"device {self.device_id} at gate {self.gate_id}"


class Direction(models.TextChoices):
    IN = "in", "In"
    OUT = "out", "Out"


class Attempt(TenantModel):
    """One scan at a gate and how it ended, refusals included. The same nonce again is the same attempt."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    program = models.ForeignKey(
        Program, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    gate = models.ForeignKey(
        Gate, on_delete=models.SET_NULL, null=True, related_name="+", db_constraint=False, db_index=False
    )
    device = models.ForeignKey(
        Device, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    nonce = models.UUIDField()
    of = models.ForeignKey(
        Pass,
        on_delete=models.CASCADE,
        null=True,
        related_name="attempts",
        db_column="pass_id",
        db_constraint=False,
        db_index=False,
    )
    direction = models.CharField(max_length=3, choices=Direction)
    reason = models.CharField(max_length=16)
    refused_as = models.CharField(max_length=16, blank=True, default="")
    """What a supervisor admitted nevertheless."""
    note = models.CharField(max_length=200, blank=True, default="")
    """The supervisor's reason."""
    use_no = models.PositiveIntegerField(null=True)
    at = models.DateTimeField()
    """When it was scanned, by the server's clock, or by the device's where it was offline."""
    received_at = models.DateTimeField(default=timezone.now)
    offline = models.BooleanField(default=False)
    undone_at = models.DateTimeField(null=True)
    conflict = models.BooleanField(default=False, db_default=False)
    """A device that was offline admitted what it would have refused had it known all: `refused_as`."""
    until_before = models.DateTimeField(null=True)
    """The pass's `valid_until` before this use, which may have shortened it; for undo."""
    exported_at = models.DateTimeField(null=True)
    """When it was last written to ClickHouse; None is to be written."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["device", "nonce"], name="attempt_nonce_once"),
            models.CheckConstraint(
                condition=Q(reason__in=[one.value for one in Reason]), name="attempt_reason"
            ),
            models.CheckConstraint(condition=Q(direction__in=Direction.values), name="attempt_direction"),
        ]
        indexes = [
            models.Index(fields=["program", "-at"], name="attempt_newest"),
            models.Index(fields=["of", "at"], name="attempt_of_pass"),
            models.Index(fields=["device", "-at"], name="attempt_of_device"),
            models.Index(fields=["program", "-at"], name="attempt_conflicts", condition=Q(conflict=True)),
            models.Index(
                fields=["workspace", "id"], name="attempt_unexported", condition=Q(exported_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.direction}: {self.reason}"


class Redemption(TenantModel):
    """A use of a pass. Its primary key is the guarantee: a use can be made once."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    pk = models.CompositePrimaryKey("of_id", "use_no")
    of = models.ForeignKey(
        Pass,
        on_delete=models.CASCADE,
        related_name="redemptions",
        db_column="pass_id",
        db_constraint=False,
        db_index=False,
    )
    use_no = models.PositiveIntegerField()
    attempt = models.OneToOneField(
        Attempt, on_delete=models.CASCADE, related_name="redemption", db_constraint=False
    )
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"use {self.use_no} of pass {self.of_id}"


class MovementKind(models.TextChoices):
    ENTRY = "entry", "Entry"
    EXIT = "exit", "Exit"
    MOVE = "move", "Move"
    COUNT = "count", "Counted by hand"
    CORRECTION = "correction", "Correction"
    AUTO_EXIT = "auto_exit", "Left by time"
    UNDO = "undo", "Undone"


class Movement(TenantModel):
    """A line of the ledger: `inside` of a zone changed by `delta`. Their sum is the zone's `inside`."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    program = models.ForeignKey(
        Program, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    zone = models.ForeignKey(
        Zone, on_delete=models.CASCADE, related_name="movements", db_constraint=False, db_index=False
    )
    kind = models.CharField(max_length=10, choices=MovementKind)
    delta = models.IntegerField()
    inside = models.IntegerField()
    """Of the zone, after it."""
    at = models.DateTimeField(default=timezone.now)
    attempt = models.ForeignKey(
        Attempt, on_delete=models.CASCADE, null=True, blank=True, related_name="+", db_constraint=False
    )
    gate = models.ForeignKey(
        Gate,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    device = models.ForeignKey(
        Device,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    note = models.CharField(max_length=200, blank=True, default="")
    nonce = models.UUIDField(null=True, blank=True)
    """Of a count by hand, so that a retry counts once."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["device", "nonce"], name="movement_nonce_once"),
            models.CheckConstraint(condition=~Q(delta=0), name="movement_moves"),
            models.CheckConstraint(condition=Q(inside__gte=0), name="movement_inside_positive"),
            models.CheckConstraint(condition=Q(kind__in=MovementKind.values), name="movement_kind"),
            models.CheckConstraint(
                condition=~Q(kind="correction") | ~Q(note=""), name="movement_correction_says_why"
            ),
        ]
        indexes = [
            models.Index(fields=["zone", "at"], name="movement_of_zone"),
            models.Index(fields=["program", "-at"], name="movement_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.delta:+d}"
