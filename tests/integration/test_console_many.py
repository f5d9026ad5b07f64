"""Many passes at once in the console: first what will become of each, then the same, done."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from console_pages import Address, member, signed_in, text_of
from console_stack import Tenant
from gate_world import GateWorld
from smtp_server import Mailbox
from test_passes_delivery import ADA, box, send, world
from test_passes_many import states, told

pytestmark = pytest.mark.usefixtures("console")
__all__ = ["box", "world"]


@pytest.fixture
def of(tenant: Tenant, world: GateWorld) -> Callable[[str], str]:
    at = Address(tenant)
    return lambda path: at(f"passes/{world.program.pk}/{path}")


def words(answer: Any) -> str:
    return text_of(answer.content.decode())


def test_in_the_console(tenant: Tenant, world: GateWorld, of: Callable[[str], str]) -> None:
    client = signed_in(tenant.user)
    rows = world.issue_rows(5)
    assert world.scan(rows[1][1], way="in").admitted
    start = client.get(of("passes/many/") + "?n=2&n=3&n=4")
    assert 'value="2-4"' in start.content.decode()
    assert 'id="plan"' not in start.content.decode()
    assert "Send by e-mail" not in words(start), "there is no mail server"

    plan = client.get(of("passes/many/"), {"numbers": "2-4, 99", "action": "cancel"})
    for said in (
        "3 passes will be cancelled",
        "No. 2-4",
        "1 of them is inside now",
        "No such pass (1) No. 99",
    ):
        assert said in words(plan)
    assert states(world) == ["active"] * 5
    form = {name: value for name, value in re.findall(
        r'<input type="hidden" name="(\w+)" value="([^"]*)">', plan.content.decode()
    ) if name != "csrfmiddlewaretoken"}  # fmt: skip
    done = client.post(of("passes/many/"), form | {"note": "Lost"}, follow=True)
    assert "3 passes were cancelled." in words(done)
    assert states(world) == ["active", "revoked", "revoked", "revoked", "active"]
    assert told(world, rows[2][0])[-1] == ("revoked", "Lost")
    nothing = client.get(of("passes/many/"), {"numbers": "2-4", "action": "cancel"})
    assert "Nothing to do" in words(nothing)
    assert "Cancelled already (3) No. 2-4" in words(nothing)
    assert "button-danger-solid" not in nothing.content.decode()


def test_sending_in_the_console(box: Mailbox, tenant: Tenant, world: GateWorld, of: Any) -> None:
    client = signed_in(tenant.user)
    world.issue_rows(holder=ADA)
    world.issue_rows()
    plan = client.get(of("passes/many/"), {"numbers": "1-2", "action": "send"})
    assert "1 pass will be sent by e-mail" in words(plan)
    assert "No e-mail address (1) No. 2" in words(plan)
    done = client.post(of("passes/many/"), {"numbers": "1-2", "action": "send"}, follow=True)
    assert "1 pass is on the way. 1 was left out." in words(done)
    assert send(world) == 1
    assert "Sent to this holder before (1) No. 1" in words(
        client.get(of("passes/many/"), {"numbers": "1", "action": "send"})
    )
    again = client.get(of("passes/many/"), {"numbers": "1", "action": "send", "again": "on"})
    assert 'name="again" value="on"' in again.content.decode()
    client.post(of("passes/many/"), {"numbers": "1", "action": "send", "again": "on"})
    assert send(world) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"numbers": ""}, "Say which passes, such as 1-100."),
        ({"numbers": "first"}, "“first” is no number."),
        ({"numbers": "1-5000"}, "Name at most 1,000 passes at once, such as 1-1000."),
        ({"numbers": "1,234"}, "“1,234” may be one number or several. Write 1234, or 1, 234."),
        ({"numbers": "70"}, "There is no pass with any of these numbers in this program."),
        ({"action": None}, "Choose what to do."),
        ({"action": "send"}, "Choose one of these."),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    tenant: Tenant, world: GateWorld, of: Any, given: dict[str, str], said: str
) -> None:
    client = signed_in(tenant.user)
    world.issue_rows()
    for method in (client.get, client.post):
        # A browser sends nothing for cards of which none is chosen.
        form = {"numbers": "1", "action": "cancel"} | given
        answer = method(of("passes/many/"), {name: text for name, text in form.items() if text is not None})
        assert answer.status_code == 422
        assert said in words(answer)
    assert states(world) == ["active"]


def test_a_note_that_cannot_be_kept_leaves_the_plan_as_it_is(
    tenant: Tenant, world: GateWorld, of: Any
) -> None:
    client = signed_in(tenant.user)
    world.issue_rows(2)
    for note, said in (("a" * 201, "Use at most 200 characters"), ("Lost\u200b", "Leave out the control")):
        answer = client.post(of("passes/many/"), {"numbers": "1-2", "action": "cancel", "note": note})
        assert answer.status_code == 422
        assert said in words(answer)
        assert "2 passes will be cancelled" in words(answer)
    assert states(world) == ["active"] * 2


def test_what_comes_after_the_plan_is_not_in_it(tenant: Tenant, world: GateWorld, of: Any) -> None:
    client = signed_in(tenant.user)
    world.issue_rows(3)
    plan = client.get(of("passes/many/"), {"numbers": "1-10", "action": "cancel"}).content.decode()
    assert 'name="numbers" value="1-3"' in plan


def test_a_viewer_may_not(tenant: Tenant, world: GateWorld, of: Any) -> None:
    world.issue_rows()
    client = signed_in(member(tenant, "viewer"))
    assert client.get(of("passes/many/")).status_code == 403
    answer = client.post(of("passes/many/"), {"numbers": "1", "action": "cancel"})
    assert answer.status_code == 403
    assert "Many at once" not in words(client.get(of("passes/")))
    assert states(world) == ["active"]
