"""What the control room keeps: places lent to gates that are offline, alerts, and plates that were read."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from control_plane.accounts.models import TenantModel
from control_plane.passes.models.gates import Device, Direction
from control_plane.passes.models.programs import Gate, Program, Zone


class Lease(TenantModel):
    """Places of a zone that a device may fill while it is offline. A zone's `leased` is their sum."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="leases")
    zone = models.ForeignKey(Zone, on_delete=models.CASCADE, related_name="leases")
    places = models.PositiveIntegerField()
    renewed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["device", "zone"], name="lease_once")]

    def __str__(self) -> str:
        return f"{self.places} places"


class AlertContact(TenantModel):
    """Who is told when a zone fills: a phone number, an address or a chat, as an Apprise address."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="alert_contacts")
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=8)
    """mail, sms or chat."""
    address = models.BinaryField()
    """Encrypted by `vault`."""
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="alert_contact_name_not_empty"),
            models.CheckConstraint(condition=Q(kind__in=["mail", "sms", "chat"]), name="alert_contact_kind"),
        ]

    def __str__(self) -> str:
        return self.name


class Alert(TenantModel):
    """A zone reached 90 or 100 %. One stands for each zone and level until the zone has emptied again."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="alerts")
    zone = models.ForeignKey(Zone, on_delete=models.CASCADE, related_name="alerts")
    percent = models.PositiveSmallIntegerField()
    inside = models.PositiveIntegerField()
    capacity = models.PositiveIntegerField()
    raised_at = models.DateTimeField(default=timezone.now)
    cleared_at = models.DateTimeField(null=True, blank=True)
    sent = models.JSONField(blank=True, default=list)
    """[{"contact": "Night shift", "problem": ""}, …]: who was told, and why not."""
    settled_at = models.DateTimeField(null=True, blank=True)
    """When all were told, or it was given up."""

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(percent__in=[90, 100]), name="alert_percent"),
            models.UniqueConstraint(
                fields=["zone", "percent"], name="alert_stands_once", condition=Q(cleared_at=None)
            ),
        ]
        indexes = [models.Index(fields=["program", "-id"], name="alert_newest")]

    def __str__(self) -> str:
        return f"{self.percent} %"


class PlateReading(TenantModel):
    """A plate that was typed or read by a camera. Gone after its day unless the program keeps it."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="plate_readings")
    gate = models.ForeignKey(Gate, on_delete=models.SET_NULL, null=True, related_name="+")
    device = models.ForeignKey(Device, on_delete=models.CASCADE, null=True, related_name="+")
    direction = models.CharField(max_length=3, choices=Direction)
    plate = models.BinaryField()
    """Encrypted by `vault`."""
    word = models.CharField(max_length=16)
    """Its keyed hash: see `vault.words`."""
    nonce = models.UUIDField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "nonce"], name="plate_nonce_once"),
            models.CheckConstraint(condition=Q(direction__in=Direction.values), name="plate_direction"),
        ]
        indexes = [
            models.Index(fields=["program", "-at"], name="plate_newest"),
            models.Index(fields=["program", "word"], name="plate_word"),
        ]

    def __str__(self) -> str:
        return f"plate {self.direction}"
