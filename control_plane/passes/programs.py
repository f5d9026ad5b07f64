"""What can be done with programs, their zones and their gates. Each function owns its transaction."""

from typing import Any, Final

from django.db import IntegrityError, models, transaction
from django.db.models import Count, Q, Sum
from django.utils import timezone

from control_plane.accounts.models import Workspace
from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import values
from control_plane.passes.errors import EditConflict, InUse, Invalid, NameTaken, NotFound
from control_plane.passes.models import Gate, Program, ProgramKind, Zone

MOST_ZONES: Final = 500
DEEPEST: Final = 6


def create_program(
    *, workspace_id: int, name: str, kind: str = ProgramKind.EVENT, **settings: Any
) -> Program:
    """A new program; any of values.PROGRAM may come with it. It has no zone and no gate yet.

    Raises Invalid(field, message), NameTaken.
    """
    with workspace_scope(workspace_id):
        program = Program(time_zone=Workspace.objects.get().time_zone)
        values.apply_program(program, {"name": name, "kind": kind} | settings)
        _save(program, new=True)
    return program


def update_program(
    *, workspace_id: int, program_id: int, expected_version: int | None = None, **changes: Any
) -> Program:
    """Change any of values.PROGRAM; what is not named stays. Passes that are out keep their own window.

    Raises Invalid(field, message), NameTaken, NotFound, EditConflict.
    """
    with workspace_scope(workspace_id):
        program = Program.objects.select_for_update(no_key=True).filter(id=program_id).first()
        if program is None:
            raise NotFound("There is no such program in this workspace.")
        if expected_version is not None and program.version != expected_version:
            raise EditConflict
        if values.apply_program(program, changes):
            program.version += 1
            program.updated_at = timezone.now()
            _save(program)
    return program  # type: ignore[no-any-return]


def get_program(*, workspace_id: int, program_id: int) -> Program:
    """Raises NotFound."""
    with workspace_scope(workspace_id):
        return _row(Program, program_id, "program")  # type: ignore[return-value]


def list_programs(*, workspace_id: int) -> list[Program]:
    """Newest first, each with `pass_count`, `inside` and `capacity` of its outermost zones.

    Passes are numbered without a gap and never deleted, so that nobody has to count them.
    """
    with workspace_scope(workspace_id):
        programs = list(Program.objects.order_by("-id"))
        outermost = Zone.objects.filter(parent=None).values("program_id")
        counted = outermost.annotate(
            endless=Count("id", filter=Q(capacity=None)), inside=Sum("inside"), capacity=Sum("capacity")
        )
        inside = {row["program_id"]: row for row in counted}
        for program in programs:
            row = inside.get(program.pk, {"inside": 0, "capacity": None, "endless": 1})
            program.pass_count = program.next_number - 1
            program.inside = row["inside"]
            program.capacity = None if row["endless"] else row["capacity"]
    return programs


def delete_program(*, workspace_id: int, program_id: int) -> None:
    """Only while it has no passes: what is printed must stay explainable. Raises NotFound, InUse."""
    with workspace_scope(workspace_id):
        program = _row(Program, program_id, "program", lock=True)
        if count := program.passes.count():
            raise InUse(f"{count:,} passes were issued for {program.name}. End it instead of deleting it.")
        Gate.objects.filter(program=program).delete()
        for zone in Zone.objects.filter(program=program).order_by("-id"):
            zone.delete()
        program.delete()


def create_zone(
    *,
    workspace_id: int,
    program_id: int,
    name: str,
    capacity: int | None = None,
    parent_id: int | None = None,
) -> Zone:
    """A new zone, inside of another one or outermost. Raises Invalid, NameTaken, NotFound."""
    with workspace_scope(workspace_id):
        program = _row(Program, program_id, "program", lock=True)
        parent = _zone_of(program.pk, parent_id, "parent_id") if parent_id is not None else None
        if Zone.objects.filter(program=program).count() >= MOST_ZONES:
            raise Invalid("name", f"A program has at most {MOST_ZONES} zones.")
        if parent is not None and len(parent.path) >= DEEPEST:
            raise Invalid("parent_id", f"Zones nest at most {DEEPEST} deep.")
        zone = Zone(
            program=program,
            parent=parent,
            name=values.text("name", name, required=True),
            capacity=values.number("capacity", capacity),
        )
        _save(zone, new=True)
        zone.path = [*(parent.path if parent else []), zone.pk]
        zone.save(update_fields=["path"])
    return zone


def update_zone(*, workspace_id: int, zone_id: int, **changes: Any) -> Zone:
    """Change `name` or `capacity`. Raises Invalid, NameTaken, NotFound."""
    if unknown := changes.keys() - {"name", "capacity"}:
        raise Invalid(min(unknown), "This cannot be changed.")
    with workspace_scope(workspace_id):
        zone = _row(Zone, zone_id, "zone", lock=True)
        if "name" in changes:
            zone.name = values.text("name", changes["name"], required=True)
        if "capacity" in changes:
            zone.capacity = values.number("capacity", changes["capacity"])
            taken = zone.inside + zone.leased
            if zone.capacity is not None and zone.capacity < taken:
                raise Invalid("capacity", _too_small(zone))
        _save(zone, only=["name", "capacity"])
    return zone  # type: ignore[no-any-return]


def delete_zone(*, workspace_id: int, zone_id: int) -> None:
    """Raises NotFound, InUse where people are in, or gates or other zones belong to it."""
    with workspace_scope(workspace_id):
        zone = _row(Zone, zone_id, "zone", lock=True)
        if zone.inside:
            raise InUse(
                f"{zone.inside:,} are inside {zone.name}. Wait until they have left, or correct the count."
            )
        if zone.leased:
            raise InUse(
                f"{zone.leased:,} places of {zone.name} are lent to devices that are offline. "
                "Wait until they are back."
            )
        if zone.children.exists():
            raise InUse(f"Other zones are inside of {zone.name}. Delete those first.")
        if zone.gates.exists():
            raise InUse(f"Gates lead into {zone.name}. Delete or move those first.")
        if zone.passes_inside.exists():
            raise InUse(f"Passes are still counted as inside {zone.name}. Let them leave first.")
        zone.delete()


def create_gate(
    *, workspace_id: int, program_id: int, zone_id: int, name: str, way: str = Gate.Way.ENTRANCE
) -> Gate:
    """Raises Invalid, NameTaken, NotFound."""
    with workspace_scope(workspace_id):
        program = _row(Program, program_id, "program")
        gate = Gate(
            program=program,
            zone=_zone_of(program.pk, zone_id, "zone_id"),
            name=values.text("name", name, required=True),
            way=values.gate_way(way),
        )
        _save(gate, new=True)
    return gate


def update_gate(*, workspace_id: int, gate_id: int, **changes: Any) -> Gate:
    """Change `name`, `zone_id`, `way` or `is_open`. Raises Invalid, NameTaken, NotFound."""
    if unknown := changes.keys() - {"name", "zone_id", "way", "is_open"}:
        raise Invalid(min(unknown), "This cannot be changed.")
    with workspace_scope(workspace_id):
        gate = _row(Gate, gate_id, "gate", lock=True)
        if "name" in changes:
            gate.name = values.text("name", changes["name"], required=True)
        if "zone_id" in changes:
            gate.zone = _zone_of(gate.program_id, changes["zone_id"], "zone_id")
        if "way" in changes:
            gate.way = values.gate_way(changes["way"])
        if "is_open" in changes:
            gate.is_open = values.flag("is_open", changes["is_open"])
        _save(gate)
    return gate  # type: ignore[no-any-return]


def delete_gate(*, workspace_id: int, gate_id: int) -> None:
    """What happened there stays on record. Raises NotFound."""
    with workspace_scope(workspace_id):
        _row(Gate, gate_id, "gate", lock=True).delete()


def list_zones(*, workspace_id: int, program_id: int) -> list[Zone]:
    """Outermost first, each followed by what is inside of it; by name beside each other."""
    with workspace_scope(workspace_id):
        _row(Program, program_id, "program")
        zones = list(Zone.objects.filter(program_id=program_id))
    names = {zone.pk: zone.name for zone in zones}
    return sorted(zones, key=lambda zone: [(names[one].casefold(), one) for one in zone.path])


def list_gates(*, workspace_id: int, program_id: int) -> list[Gate]:
    """By name."""
    with workspace_scope(workspace_id):
        _row(Program, program_id, "program")
        return list(Gate.objects.filter(program_id=program_id).select_related("zone").order_by("name"))


def check_belongs(*, workspace_id: int, model: type[models.Model], program_id: int, row_id: int) -> None:
    """Raises NotFound where a zone, gate, device or issuer is of another program, or of nobody."""
    with workspace_scope(workspace_id):
        if not model.objects.filter(id=row_id, program_id=program_id).exists():  # type: ignore[attr-defined]
            what = model._meta.verbose_name
            raise NotFound(f"There is no such {what} in this program.")


def _too_small(zone: Zone) -> str:
    lent = f", and {zone.leased:,} places are lent to devices that are offline" if zone.leased else ""
    return (
        f"{zone.inside:,} are inside {zone.name} now{lent}, so its capacity cannot be {zone.capacity:,}. "
        "Wait until some have left, or correct the count."
    )


def _zone_of(program_id: int, zone_id: Any, field: str) -> Zone:
    found = Zone.objects.filter(id=zone_id, program_id=program_id).first() if type(zone_id) is int else None
    if found is None:
        raise Invalid(field, "Choose a zone of this program.")
    return found  # type: ignore[no-any-return]


def _row(model: type[models.Model], row_id: int, what: str, *, lock: bool = False) -> Any:
    rows = model.objects.select_for_update(no_key=True) if lock else model.objects.all()  # type: ignore[attr-defined]
    found = rows.filter(id=row_id).first()
    if found is None:
        raise NotFound(f"There is no such {what} in this workspace.")
    return found


def _save(row: Program | Zone | Gate, *, new: bool = False, only: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=new, update_fields=only)
    except IntegrityError as error:
        if "name_unique" not in str(error):
            raise
        raise NameTaken(f"“{row.name}” is already in use here. Choose another name.") from None
