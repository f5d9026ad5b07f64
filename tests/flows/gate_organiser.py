"""What an organiser does, by the services themselves: reads a JSON request, prints a JSON answer.

Run it with the environment of a running stack: `organise(stack, "festival", capacity=5)`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from gate_decisions import decisions  # noqa: F401 (called by name)
from stack import Stack


def organise(stack: Stack, what: str, **settings: Any) -> Any:
    """One of the functions below, in a process of its own. Returns what it returns."""
    done = subprocess.run(
        [sys.executable, "-P", str(Path(__file__)), what],
        env=stack.environment | {"PYTHONPATH": f"{Path.cwd()}:{Path(__file__).parent}"},
        cwd=stack.home.parent,
        input=json.dumps(settings),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def festival(
    workspace_id: int, *, passes: int = 3, capacity: int | None = None, gates: Any = (("North", "entrance"),),
    devices: Any = (("Phone", "steward"),), holder: Any = None, **settings: Any,
) -> dict[str, Any]:  # fmt: skip
    """A program with a venue, gates, devices that wait to be paired, and passes."""
    import uuid

    from control_plane.passes import devices as paired
    from control_plane.passes import issuing, programs
    from edge import token

    program = programs.create_program(
        workspace_id=workspace_id, name=f"Festival {uuid.uuid4().hex[:6]}", **{"reentry": "none"} | settings
    )
    own = {"workspace_id": workspace_id, "program_id": program.pk}
    venue = programs.create_zone(name="Venue", capacity=capacity, **own)
    rows = [programs.create_gate(zone_id=venue.pk, name=name, way=way, **own) for name, way in gates]
    issued = issuing.issue(holders_of=[holder or {}] * passes, **own)
    key = issuing.signing_key(program)
    made = [
        paired.create_device(name=name, role=role, gate_ids=[gate.pk for gate in rows], **own)
        for name, role in devices
    ]
    return {
        "program": program.pk,
        "codes": [one.code for one in made],
        "devices": [one.device.pk for one in made],
        "passes": [token.compact(issuing.signed(row, program, key)) for row in issued],
        "numbers": [row.number for row in issued],
    }


def web_links(workspace_id: int, *, program: int) -> list[str]:
    """What the holders of its passes open on their phones, by number."""
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes import access
    from control_plane.passes.models import Pass

    with workspace_scope(workspace_id):
        return [access.web_link(row) for row in Pass.objects.filter(program_id=program).order_by("number")]


def transfer(workspace_id: int, *, program: int, holder: Any) -> bool:
    """All its passes, to somebody else."""
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes import issuing
    from control_plane.passes.models import Pass

    with workspace_scope(workspace_id):
        for row in Pass.objects.filter(program_id=program):
            issuing.transfer(workspace_id=workspace_id, pass_id=row.pk, holder=holder)
    return True


def remove(workspace_id: int, *, device: int) -> bool:
    from control_plane.passes import devices

    devices.revoke_device(workspace_id=workspace_id, device_id=device)
    return True


def keys(workspace_id: int) -> dict[str, Any]:
    from control_plane.passes import snapshot

    return {"workspace": workspace_id, "keys": snapshot.public_keys(workspace_id)}


def change(workspace_id: int, *, number: int, program: int, to: str) -> bool:
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes import issuing
    from control_plane.passes.models import Pass

    with workspace_scope(workspace_id):
        row = Pass.objects.get(program_id=program, number=number)
    issuing.change_state(workspace_id=workspace_id, pass_id=row.pk, to=to)
    return True


def inside(workspace_id: int, *, program: int) -> int:
    """By the ledger, which is the truth that the count must agree with."""
    from django.db.models import Sum

    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Movement, Zone

    with workspace_scope(workspace_id):
        moved = Movement.objects.filter(program_id=program).aggregate(sum=Sum("delta"))["sum"] or 0
        assert [zone.inside for zone in Zone.objects.filter(program_id=program)] == [moved]
    return moved


def main() -> None:
    from deploy.config import adopt_running

    adopt_running(os.environ)
    os.environ["DJANGO_SETTINGS_MODULE"] = "control_plane.settings"
    import django

    django.setup()
    from control_plane.accounts.models import User
    from control_plane.accounts.services import memberships_of

    person = User.objects.order_by("id").first()
    workspace_id = memberships_of(user=person)[0].workspace_id
    answer = globals()[sys.argv[1]](workspace_id, **json.load(sys.stdin))
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
