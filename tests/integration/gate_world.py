"""A program with a gate and a paired device, and passes for it, for tests of what happens at gates."""

import uuid
from dataclasses import dataclass
from typing import Any

from console_stack import Tenant

from edge import token


@dataclass
class GateWorld:
    """Make it with `gate_world(tenant, …)`; `scan` is what a steward does."""

    workspace_id: int
    program: Any
    zone: Any
    gate: Any
    device: Any
    supervisor: Any
    keys: dict[str, str]
    """Of the two devices, by name: Phone and Boss."""

    def headers(self, name: str = "Phone") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[name]}"}

    def issue(self, count: int = 1, **settings: Any) -> list[str]:
        """The texts of so many passes, as a gate reads them."""
        return [text for _, text in self.issue_rows(count, **settings)]

    def issue_rows(self, count: int = 1, holder: Any = None, **settings: Any) -> list[tuple[Any, str]]:
        from control_plane.passes import issuing

        rows = issuing.issue(
            workspace_id=self.workspace_id,
            program_id=self.program.pk,
            holders_of=[holder or {}] * count,
            **settings,
        )
        key = issuing.signing_key(self.program)
        return [(row, token.compact(issuing.signed(row, self.program, key))) for row in rows]

    def scan(self, text: str, *, gate: Any = None, device: Any = None, nonce: Any = None, **more: Any) -> Any:
        from control_plane.passes.redeem import redeem

        return redeem(
            device=device or (self.supervisor if more.get("override") else self.device),
            gate_id=(gate or self.gate).pk,
            text=text,
            nonce=nonce or uuid.uuid4(),
            **more,
        )

    def inside(self, zone: Any = None) -> int:
        from control_plane.accounts.tenancy import workspace_scope
        from control_plane.passes.models import Zone

        with workspace_scope(self.workspace_id):
            return Zone.objects.get(id=(zone or self.zone).pk).inside

    def add_zone(self, name: str, parent: Any = None, capacity: int | None = None) -> Any:
        from control_plane.passes import programs

        return programs.create_zone(
            workspace_id=self.workspace_id,
            program_id=self.program.pk,
            name=name,
            capacity=capacity,
            parent_id=parent.pk if parent else None,
        )

    def add_gate(self, name: str, zone: Any = None, way: str = "entrance") -> Any:
        """Where both devices may be used too."""
        from control_plane.accounts.tenancy import workspace_scope
        from control_plane.passes import programs
        from control_plane.passes.models.gates import DeviceGate

        gate = programs.create_gate(
            workspace_id=self.workspace_id,
            program_id=self.program.pk,
            zone_id=(zone or self.zone).pk,
            name=name,
            way=way,
        )
        with workspace_scope(self.workspace_id):
            for device in (self.device, self.supervisor):
                DeviceGate(device_id=device.device_id, gate=gate).save()
        self.device, self.supervisor = (
            type(one)(**vars(one) | {"gate_ids": one.gate_ids | {gate.pk}})
            for one in (self.device, self.supervisor)
        )
        return gate

    def check_ledger(self) -> None:
        """The count of every zone is the sum of its ledger."""
        from django.db.models import Sum

        from control_plane.accounts.tenancy import workspace_scope
        from control_plane.passes.models import Movement, Zone

        with workspace_scope(self.workspace_id):
            for zone in Zone.objects.filter(program=self.program):
                moved = Movement.objects.filter(zone=zone).aggregate(sum=Sum("delta"))["sum"] or 0
                assert zone.inside == moved, zone.name


def gate_world(
    tenant: Tenant, *, capacity: int | None = None, way: str = "both", **settings: Any
) -> GateWorld:
    from control_plane.passes import devices, programs

    own = tenant.workspace_id
    program = programs.create_program(
        workspace_id=own, name=f"Festival {uuid.uuid4().hex[:8]}", **{"reentry": "none"} | settings
    )
    zone = programs.create_zone(workspace_id=own, program_id=program.pk, name="Venue", capacity=capacity)
    gate = programs.create_gate(
        workspace_id=own, program_id=program.pk, zone_id=zone.pk, name="North", way=way
    )

    keys: dict[str, str] = {}

    def device(name: str, role: str) -> Any:
        made = devices.create_device(
            workspace_id=own, program_id=program.pk, name=name, role=role, gate_ids=[gate.pk]
        )
        keys[name] = devices.pair(code=made.code).key
        return devices.authenticate(text=keys[name])

    return GateWorld(own, program, zone, gate, device("Phone", "steward"), device("Boss", "supervisor"), keys)
