"""The box “Give it to its holder” on a pass's page: its link, mail, wallets, and what was sent."""

from typing import Any, Final

from control_plane.passes import access, delivery, wallet_apple, wallet_google
from control_plane.passes.models import Delivery, Pass, Program

_STATES: Final = {
    "waiting": ("warn", "On its way"),
    "sent": ("active", "Sent"),
    "failed": ("danger", "Not sent"),
}


def load(row: Pass, program: Program, holder: dict[str, Any]) -> dict[str, Any]:
    """For the template, in the workspace's scope."""
    sent = delivery.deliveries(workspace_id=row.workspace_id, pass_id=row.pk)
    return {
        "link": access.web_link(row),
        "email": holder.get("email", ""),
        "mail_on": delivery.is_on(),
        "apple": not program.rotating and wallet_apple.is_on(),
        "google": not program.rotating and wallet_google.is_on(),
        "trouble": "" if program.rotating else wallet_apple.trouble(),
        "sent": [_shown(one) for one in sent[:5]],
        "is_waiting": bool(sent) and sent[0].state == "waiting",
    }


def _shown(one: Delivery) -> dict[str, Any]:
    key, label = _STATES[one.state]
    waits = one.state == "waiting" and one.tries > 0
    return {
        "key": key,
        "label": "Tried again soon" if waits and one.problem else label,
        "at": one.sent_at or one.created_at,
        "problem": one.problem,
    }
