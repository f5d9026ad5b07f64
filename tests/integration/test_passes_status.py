"""What anybody's camera sees of a pass: a state, a time and a place; never a name."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import segno
from console_stack import Tenant
from django.test import Client
from gate_world import gate_world

from edge import token

pytestmark = pytest.mark.usefixtures("console")


def page(text: str) -> tuple[int, str, Any]:
    answer = Client().get(f"/t/{text}")
    return answer.status_code, answer.content.decode(), answer


def written(text: str) -> str:
    """As the printed address has it."""
    read = token.parse(text)
    return token.link(read.payload + read.signature, "http://go.example.com").rsplit("/", 1)[1]


def test_every_state_in_words(tenant: Tenant) -> None:
    from control_plane.passes import issuing

    now = datetime.now(UTC)
    world = gate_world(tenant, place="Town hall", time_zone="Europe/Berlin")
    own = {"workspace_id": world.workspace_id}
    row, text = world.issue_rows(holder={"name": "Ada Lovelace", "plate": "B AL 1815"})[0]
    status, body, answer = page(written(text))
    assert (status, "<strong>Valid</strong>" in body) == (200, True)
    assert "Town hall" in body
    assert "data:image/svg+xml" in body
    for secret in ("Ada", "Lovelace", "1815"):
        assert secret not in body
    assert answer["Cache-Control"] == "no-store"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert page(written(text).lower())[0] == 200

    assert world.scan(text).admitted
    assert "<strong>Used</strong>" in page(written(text))[1]
    issuing.change_state(**own, pass_id=row.pk, to="revoked")
    assert "<strong>Cancelled</strong>" in page(written(text))[1]
    for window, word in (
        ((now + timedelta(days=1), now + timedelta(days=2)), "Not yet valid"),
        ((now - timedelta(days=2), now - timedelta(days=1)), "Expired"),
    ):
        (later,) = world.issue(valid_from=window[0], valid_until=window[1])
        assert f"<strong>{word}</strong>" in page(written(later))[1]
    (held,) = world.issue(held=True)
    assert "<strong>On hold</strong>" in page(written(held))[1]


def test_what_we_did_not_sign_is_no_pass(tenant: Tenant) -> None:
    world = gate_world(tenant)
    (text,) = world.issue()
    good = written(text)
    for bad in (good[:-5] + "AAAAA", good[:-1], "AEAAC", "x" * 500, "%00"):
        status, body, _ = page(bad)
        assert (status, "no pass of ours" in body) == (404, True)


def test_the_printed_code_stays_small(tenant: Tenant) -> None:
    from control_plane.passes import issuing

    versions = {}
    for offline in (True, False):
        world = gate_world(tenant, offline=offline)
        row, _ = world.issue_rows()[0]
        text = issuing.printed_text(issuing.signed(row, world.program, issuing.signing_key(world.program)))
        symbol = segno.make_qr(text, error="m", boost_error=False)
        assert symbol.mode == "alphanumeric"
        versions[offline] = symbol.version
    assert versions == {True: 7, False: 5}
