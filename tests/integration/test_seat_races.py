"""Many phones of one issuer at once: never more passes than the quota, and one phone for each link.

Each race has its negative control: the same, with what guards against it taken out.
"""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from console_stack import Tenant
from seat_world import seat_world

pytestmark = pytest.mark.usefixtures("console")
PHONES, QUOTA = 8, 5


def race(count: int, work: Callable[[int], str]) -> Counter[str]:
    """What each of so many threads came to, all of them started at once."""
    from django.db import connection

    said: list[str] = []
    start = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            start.wait()
            said.append(work(number))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(said)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes between the count of what there is and what is added to it."""
    from control_plane.passes import holder

    check = holder.check_holder

    def slowly(given: Any) -> Any:
        time.sleep(0.05)
        return check(given)

    monkeypatch.setattr(holder, "check_holder", slowly)


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db.models.query import QuerySet

    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **_: self.all())


def make_all(tenant: Tenant) -> tuple[Counter[str], int]:
    from django.db import IntegrityError

    from control_plane.passes import desk, seats
    from control_plane.passes.errors import QuotaUsedUp

    world = seat_world(tenant, quota_total=QUOTA)
    seat = seats.authenticate(key=world.client.cookies["scanway-issuer"].value)

    def make(_: int) -> str:
        try:
            desk.make(seat=seat, count=1, holder={}, day=None, nonce=uuid.uuid4().hex)
        except QuotaUsedUp:
            return "used up"
        except IntegrityError:
            return "stopped by the database"
        return "made"

    return race(PHONES, make), len(world.passes())


def test_never_more_than_the_quota(tenant: Tenant, slow: None) -> None:
    said, there = make_all(tenant)
    assert said == {"made": QUOTA, "used up": PHONES - QUOTA}
    assert there == QUOTA


def test_negative_control_without_the_locks_nobody_is_told(
    tenant: Tenant, slow: None, unlocked: None
) -> None:
    """All see a quota that is not used up; only the unique numbers stop some of them."""
    said, there = make_all(tenant)
    assert said["used up"] < PHONES - QUOTA
    assert there > QUOTA or said["stopped by the database"] > 0


def open_all(tenant: Tenant) -> Counter[str]:
    from control_plane.passes import seats
    from control_plane.passes.errors import SeatRefused

    world = seat_world(tenant)
    link = seats.new_link(workspace_id=world.workspace_id, seat_id=world.seat.pk)
    keys: list[str] = []

    def open_link(_: int) -> str:
        try:
            keys.append(seats.sign_in(code=link.code).key)
        except SeatRefused:
            return "refused"
        return "signed in"

    return race(PHONES, open_link)


def test_a_link_signs_one_phone_in(tenant: Tenant) -> None:
    assert open_all(tenant) == {"signed in": 1, "refused": PHONES - 1}


def test_negative_control_without_the_lock_a_link_signs_several_in(
    tenant: Tenant, unlocked: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from control_plane.passes import seats

    good = seats._good

    def slowly(*given: Any) -> bool:
        found = good(*given)
        time.sleep(0.05)
        return found

    monkeypatch.setattr(seats, "_good", slowly)
    assert open_all(tenant)["signed in"] > 1


def test_the_same_form_at_the_same_moment_is_one_pass(tenant: Tenant, slow: None) -> None:
    from control_plane.passes import desk, seats

    world = seat_world(tenant)
    seat = seats.authenticate(key=world.client.cookies["scanway-issuer"].value)
    nonce = uuid.uuid4().hex

    def make(_: int) -> str:
        made = desk.make(seat=seat, count=2, holder={}, day=None, nonce=nonce)
        return f"{made.first} to {made.last}, {'again' if made.replayed else 'new'}"

    assert race(4, make) == {"1 to 2, new": 1, "1 to 2, again": 3}
    assert len(world.passes()) == 2


def test_a_pass_is_used_or_cancelled_and_never_both(tenant: Tenant) -> None:
    from control_plane.passes import desk, seats
    from control_plane.passes.errors import Invalid

    world = seat_world(tenant)
    seat = seats.authenticate(key=world.client.cookies["scanway-issuer"].value)
    world.make(count="12")
    rows = world.passes()
    texts = [world.text(row) for row in rows]

    def work(number: int) -> str:
        row, text = rows[number // 2], texts[number // 2]
        if number % 2:
            return f"gate {world.gates.scan(text).reason.value}"
        try:
            desk.cancel(seat=seat, pass_id=row.pk)
        except Invalid:
            return "too late"
        return "cancelled"

    said = race(24, work)
    assert said["gate ok"] == said["too late"]
    assert said["gate revoked"] == said["cancelled"]
    assert sum(said.values()) == 24
    assert world.gates.inside() == said["gate ok"]
