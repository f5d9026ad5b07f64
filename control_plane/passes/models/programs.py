"""What passes are for: programs, their zones and their gates."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q, Value
from django.utils import timezone

from control_plane.accounts.models import TenantModel


class ProgramKind(models.TextChoices):
    EVENT = "event", "Event"
    PARKING = "parking", "Car park"
    SEASON = "season", "Season"


class ProgramState(models.TextChoices):
    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"
    ENDED = "ended", "Ended"


class Reentry(models.TextChoices):
    NONE = "none", "Once only"
    AFTER_EXIT = "after_exit", "Again after leaving"
    COUNT = "count", "A number of times"
    DAILY = "daily", "Once a day"


class Program(TenantModel):
    """An event, a car park or a season: the rules that its passes share."""

    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=8, choices=ProgramKind)
    state = models.CharField(max_length=8, choices=ProgramState, default=ProgramState.ACTIVE)
    place = models.CharField(max_length=120, blank=True, default="")
    time_zone = models.CharField(max_length=64, default="UTC")
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    """The window of passes that are issued without one of their own."""
    opening_hours = models.JSONField(blank=True, default=list)
    """[{"days": [0, 1], "from": "08:00", "to": "18:00"}, …], Monday is 0; [] is always. By `hours`."""
    reentry = models.CharField(max_length=10, choices=Reentry, default=Reentry.NONE)
    max_uses = models.PositiveIntegerField(null=True, blank=True)
    use_hours = models.PositiveIntegerField(null=True, blank=True)
    """A pass ends so many hours after its first use."""
    auto_exit_minutes = models.PositiveIntegerField(null=True, blank=True)
    offline = models.BooleanField(default=True)
    """Passes are signed so that a gate can verify them without the network: a larger symbol."""
    rotating = models.BooleanField(default=False)
    """The code on the phone changes every 15 seconds: a picture of it is soon stale. Nothing is printed."""
    show_holder = models.BooleanField(default=False)
    """Gates show name and plate, to be compared with the person or the car."""
    keep_plates = models.BooleanField(default=False)
    """Plates that a camera read are kept after their day."""
    next_number = models.BigIntegerField(default=1)
    version = models.BigIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="program_name_unique"),
            models.CheckConstraint(condition=~Q(name=""), name="program_name_not_empty"),
            models.CheckConstraint(condition=Q(kind__in=ProgramKind.values), name="program_kind"),
            models.CheckConstraint(condition=Q(state__in=ProgramState.values), name="program_state"),
            models.CheckConstraint(condition=Q(reentry__in=Reentry.values), name="program_reentry"),
            models.CheckConstraint(
                condition=Q(starts_at=None) | Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
                name="program_ends_after_start",
            ),
            models.CheckConstraint(
                condition=~Q(reentry="count") | Q(max_uses__gte=1), name="program_count_has_max"
            ),
            models.CheckConstraint(condition=Q(max_uses=None) | Q(max_uses__gte=1), name="program_max_uses"),
            models.CheckConstraint(
                condition=Q(use_hours=None) | Q(use_hours__gte=1), name="program_use_hours"
            ),
            models.CheckConstraint(
                condition=Q(auto_exit_minutes=None) | Q(auto_exit_minutes__gte=1), name="program_auto_exit"
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="program_version"),
        ]

    def __str__(self) -> str:
        return self.name


class Zone(TenantModel):
    """An area that is counted. Zones nest: who is in a hall is in its venue too."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="zones")
    parent = models.ForeignKey(
        "self", on_delete=models.RESTRICT, null=True, blank=True, related_name="children"
    )
    path = ArrayField(models.BigIntegerField(), default=list)
    """Ids from the outermost zone to this one."""
    name = models.CharField(max_length=80)
    capacity = models.PositiveIntegerField(null=True, blank=True)
    """None: counted, and never full."""
    inside = models.IntegerField(default=0, db_default=Value(0))
    leased = models.IntegerField(default=0, db_default=Value(0))
    """Places lent to devices that are offline."""
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "name"], name="zone_name_unique"),
            models.CheckConstraint(condition=~Q(name=""), name="zone_name_not_empty"),
            models.CheckConstraint(
                condition=Q(inside__gte=0) & Q(leased__gte=0), name="zone_inside_positive"
            ),
            models.CheckConstraint(
                condition=Q(capacity=None) | Q(capacity__gte=F("inside") + F("leased")),
                name="zone_inside_capacity",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Gate(TenantModel):
    """A place where passes are scanned, into or out of one zone."""

    class Way(models.TextChoices):
        ENTRANCE = "entrance", "Entrance"
        EXIT = "exit", "Exit"
        BOTH = "both", "Both ways"

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="gates")
    zone = models.ForeignKey(Zone, on_delete=models.RESTRICT, related_name="gates")
    name = models.CharField(max_length=80)
    way = models.CharField(max_length=8, choices=Way, default=Way.ENTRANCE)
    is_open = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "name"], name="gate_name_unique"),
            models.CheckConstraint(condition=~Q(name=""), name="gate_name_not_empty"),
            models.CheckConstraint(condition=Q(way__in=["entrance", "exit", "both"]), name="gate_way"),
        ]

    def __str__(self) -> str:
        return self.name
