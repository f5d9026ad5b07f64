"""What gates and organisers get wrong, each with the sentence that says so."""

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from console_stack import Tenant, new_tenant
from django.test import Client
from django.utils import timezone
from gate_world import GateWorld, gate_world

pytestmark = pytest.mark.usefixtures("console")


@pytest.fixture
def world(tenant: Tenant) -> GateWorld:
    return gate_world(tenant, way="entrance", capacity=10)


def scan(world: GateWorld, text: str, nonce: str = "", device: str = "Phone", **more: Any) -> Any:
    body = {"gate_id": world.gate.pk, "text": text, "nonce": nonce or str(uuid.uuid4())} | more
    return Client(raise_request_exception=False).post(
        "/api/v1/gate/redemptions",
        json.dumps(body),
        content_type="application/json",
        headers=world.headers(device),
    )


def link_of(world: GateWorld, tenant: Tenant) -> str:
    from control_plane.campaigns.addresses import link_url
    from control_plane.campaigns.services import create_link

    return link_url(create_link(workspace_id=tenant.workspace_id, destination="https://example.com/menu"))


def of_another_workspace(world: GateWorld, tenant: Tenant) -> str:
    return gate_world(new_tenant()).issue()[0]


def of_another_program(world: GateWorld, tenant: Tenant) -> str:
    return gate_world(tenant).issue()[0]


def of_yesterday(world: GateWorld, tenant: Tenant) -> str:
    now = timezone.now()
    return world.issue(valid_from=now - timedelta(days=2), valid_until=now - timedelta(days=1))[0]


def of_tomorrow(world: GateWorld, tenant: Tenant) -> str:
    now = timezone.now()
    return world.issue(valid_from=now + timedelta(days=1), valid_until=now + timedelta(days=2))[0]


def of_a_pass_that_is_gone(world: GateWorld, tenant: Tenant) -> str:
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Change, Pass

    (row, text), *_ = world.issue_rows()
    with workspace_scope(world.workspace_id):
        Change.objects.filter(of=row).delete()
        Pass.objects.filter(id=row.pk).delete()
    return text


@pytest.mark.parametrize(
    ("make", "reason", "said"),
    [
        (link_of, "unknown", "This code is no pass of ours."),
        (lambda *_: "https://example.com/menu", "unknown", "This code is no pass of ours."),
        (lambda *_: "WIFI:T:WPA;S:Cafe;P:secret;;", "unknown", "This code is no pass of ours."),
        (lambda *_: "4006381333931", "unknown", "This code is no pass of ours."),
        (of_a_pass_that_is_gone, "unknown", "This code is no pass of ours."),
        (
            of_another_workspace,
            "bad_signature",
            "This code was not made by us, or was altered. Do not admit.",
        ),
        (of_another_program, "wrong_gate", "This pass is for another event or area."),
        (of_yesterday, "expired", "This pass is no longer valid."),
        (of_tomorrow, "not_yet_valid", "This pass is not valid yet."),
    ],
)
def test_what_is_shown_at_a_gate(world: GateWorld, tenant: Tenant, make: Any, reason: str, said: str) -> None:
    answer = scan(world, make(world, tenant)).json()
    assert (answer["admitted"], answer["reason"], answer["sentence"]) == (False, reason, said)
    assert world.inside() == 0


def test_a_retry_of_a_scan_that_was_taken_back_admits_nobody(world: GateWorld) -> None:
    from control_plane.passes import occupancy

    (text,), nonce = world.issue(), str(uuid.uuid4())
    first = scan(world, text, nonce).json()
    assert (first["admitted"], first["undone"], first["replayed"]) == (True, False, False)
    occupancy.undo(device=world.supervisor, attempt_id=first["attempt_id"])
    again = scan(world, text, nonce).json()
    assert (again["admitted"], again["undone"], again["replayed"]) == (False, True, True)
    assert again["sentence"] == "A supervisor has taken this scan back. Scan the pass again."
    assert again["may_override"] is False
    assert world.inside() == 0
    anew = scan(world, text).json()
    assert (anew["admitted"], anew["undone"], anew["sentence"]) == (True, False, "Admitted.")
    world.check_ledger()


def zone(world: GateWorld, **changes: Any) -> None:
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Zone

    with workspace_scope(world.workspace_id):
        Zone.objects.filter(id=world.zone.pk).update(**changes)


def test_a_capacity_below_who_is_inside_and_what_is_lent(world: GateWorld) -> None:
    from control_plane.passes import programs
    from control_plane.passes.errors import Invalid

    own = {"workspace_id": world.workspace_id, "zone_id": world.zone.pk}
    for text in world.issue(3):
        assert world.scan(text).admitted
    for capacity, lent, said in (
        (2, 0, "3 are inside Venue now, so its capacity cannot be 2. Wait until some have left, or correct "),
        (
            6,
            4,
            "3 are inside Venue now, and 4 places are lent to devices that are offline, so its capacity "
            "cannot be 6. Wait ",
        ),
    ):
        zone(world, leased=lent)
        with pytest.raises(Invalid) as refused:
            programs.update_zone(**own, capacity=capacity)
        assert (refused.value.field, refused.value.message[: len(said)]) == ("capacity", said)
    assert programs.update_zone(**own, capacity=7).capacity == 7
    assert programs.update_zone(**own, capacity=None).capacity is None


def test_a_zone_with_people_or_lent_places_in_it_is_not_deleted(world: GateWorld) -> None:
    from control_plane.passes import programs
    from control_plane.passes.errors import InUse

    own = {"workspace_id": world.workspace_id, "zone_id": world.zone.pk}
    assert world.scan(*world.issue()).admitted
    with pytest.raises(InUse, match=r"1 are inside Venue[.] Wait until they have left, or correct the count"):
        programs.delete_zone(**own)
    other = world.add_zone("Yard", capacity=5)
    world.zone = other
    zone(world, leased=2)
    yard = {"workspace_id": world.workspace_id, "zone_id": other.pk}
    with pytest.raises(InUse, match=r"2 places of Yard are lent to devices that are offline[.] Wait until"):
        programs.delete_zone(**yard)
    zone(world, leased=0)
    programs.delete_zone(**yard)


def test_a_list_of_programs_knows_how_many_passes_there_are(world: GateWorld, tenant: Tenant) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from control_plane.passes import issuing, programs

    (row, _), *_ = world.issue_rows(3)
    issuing.replace(workspace_id=world.workspace_id, pass_id=row.pk, note="lost")
    gate_world(tenant)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        counts = [one.pass_count for one in programs.list_programs(workspace_id=world.workspace_id)]
    assert counts == [0, 4]
    # However many there are: none of them is looked at.
    assert not any("passes_pass" in query["sql"] for query in asked.captured_queries)
