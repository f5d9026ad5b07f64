"""The mail that brings a pass: what it is, when and where, the link that opens it, and its code."""

import io
from email.mime.image import MIMEImage
from email.utils import formataddr
from typing import Final

import segno
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from control_plane.passes import wallet_apple, wallet_google
from control_plane.passes.card import Card, card
from control_plane.passes.models import Delivery

_PIXELS: Final = 8
"""A module's side: some 400 pixels a code, sharp where it is shown at half of that."""
_CODE: Final = "code"


def letter(delivery: Delivery, address: str) -> EmailMultiAlternatives:
    """To one person, from the workspace by our address. The same Message-ID at each try.

    Raises Invalid where the pass cannot be signed.
    """
    shown = card(delivery.of)
    host = settings.CONFIG.console_url.hostname
    context = {
        "card": shown,
        "sender": delivery.workspace.name,
        "code": "" if shown.secret else f"cid:{_CODE}@{host}",
        "apple": not shown.secret and wallet_apple.is_on(),
        "google": not shown.secret and wallet_google.is_on(),
    }
    mail = EmailMultiAlternatives(
        subject=_one_line(f"{shown.kind}: {shown.program}, No. {shown.row.number}"),
        body=render_to_string("passes/mail.txt", context),
        from_email=formataddr((_one_line(delivery.workspace.name), settings.CONFIG.email_from)),
        to=[address],
        headers={
            "Message-ID": f"<pass-{delivery.pk}.{bytes(shown.row.uid).hex()}@{host}>",
            "Auto-Submitted": "auto-generated",
        },
    )
    mail.attach_alternative(render_to_string("passes/mail.html", context), "text/html")
    if not shown.secret:
        mail.attach(_picture(shown, f"{_CODE}@{host}"))
        if wallet_apple.is_on():
            mail.attach(
                f"pass-{shown.row.number}.pkpass", wallet_apple.pkpass(shown), wallet_apple.CONTENT_TYPE
            )
    return mail


def _picture(shown: Card, cid: str) -> MIMEImage:
    out = io.BytesIO()
    segno.make(shown.text, error="m", micro=False).save(
        out, kind="png", border=4, light="#fff", scale=_PIXELS
    )
    part = MIMEImage(out.getvalue(), "png")
    part["Content-ID"] = f"<{cid}>"
    part.add_header("Content-Disposition", "inline", filename=f"pass-{shown.row.number}.png")
    return part


def _one_line(text: str) -> str:
    return " ".join(text.split())
