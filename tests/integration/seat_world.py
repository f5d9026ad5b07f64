"""An issuer with a person whose phone is signed in, for tests of issuers' own pages."""

import re
from dataclasses import dataclass
from typing import Any

from console_stack import Tenant
from django.test import Client
from gate_world import GateWorld, gate_world


@dataclass
class SeatWorld:
    """Make it with `seat_world(tenant, …)`; `client` is the phone."""

    gates: GateWorld
    issuer: Any
    seat: Any
    code: str
    client: Client

    @property
    def workspace_id(self) -> int:
        return self.gates.workspace_id

    def page(self, path: str = "", **more: Any) -> Any:
        return self.client.get(f"/issue/{path}", **more)

    def make(self, *, client: Client | None = None, **wishes: Any) -> Any:
        """Taps New pass, then Make it: the answer of the second one."""
        client = client or self.client
        form = client.get("/issue/new/")
        nonce = re.search(r'name="nonce" value="(\w+)"', form.content.decode())
        given = {"count": "1"} | wishes
        return client.post("/issue/new/", ({"nonce": nonce[1]} if nonce else {}) | given)

    def passes(self) -> list[Any]:
        from control_plane.accounts.tenancy import workspace_scope
        from control_plane.passes.models import Pass

        with workspace_scope(self.workspace_id):
            return list(Pass.objects.filter(issuer=self.issuer).order_by("number"))

    def text(self, row: Any) -> str:
        """What a gate reads."""
        from control_plane.passes import issuing
        from edge import token

        program = self.gates.program
        return token.compact(issuing.signed(row, program, issuing.signing_key(program)))


def seat_world(
    tenant: Tenant, *, name: str = "Kiosk 7", person: str = "Maria", of: Any = None, **more: Any
) -> Any:
    """`of`: another SeatWorld, whose program this issuer is of, too."""
    from control_plane.passes import issuers, seats

    quotas = {field: more.pop(field, None) for field in ("quota_total", "quota_daily")}
    gates = of.gates if of else gate_world(tenant, **more)
    issuer = issuers.create_issuer(
        workspace_id=tenant.workspace_id, program_id=gates.program.pk, name=name, **quotas
    )
    made = seats.create_seat(workspace_id=tenant.workspace_id, issuer_id=issuer.pk, name=person)
    return SeatWorld(gates, issuer, made.seat, made.code, signed_in(made.code))


def signed_in(code: str) -> Client:
    client = Client()
    assert client.post(f"/issue/in/{code}/").status_code == 302
    return client
