"""The pass itself, on its holder's phone: opened by a secret link, kept by the phone, and shown at the gate.

The link's page is all that the phone needs besides files that are the same for everybody. A service worker of
its own keeps both, so that the pass opens without a network. No cookie is set and nothing is counted.
"""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from control_plane.passes import access, wallet_apple, wallet_google
from control_plane.passes.access import LinkOutOfDate
from control_plane.passes.card import Card, card
from control_plane.passes.errors import NotFound, PassesError

WORDS: Final = {
    "valid": ("Valid", "Show this code at the entrance."),
    "used": ("Used", "This pass has been used. It admits nobody else."),
    "not_yet_valid": ("Not yet valid", "It will be from the time below."),
    "expired": ("Expired", "Its time is over."),
    "held": ("On hold", "Please ask the organiser, or a supervisor at the entrance."),
    "cancelled": ("Cancelled", "The organiser has cancelled this pass. It admits nobody."),
    "replaced": ("Replaced", "A new pass was made instead of this one. Use the new one."),
}
INSIDE: Final = ("Inside", "Keep it: you may need this code on your way out.")

_static: Final = Path(__file__).resolve().parent.parent / "static"
_app: Final = _static / "console" / "holder"
_worker: Final = "sw.js"
_also: Final = (
    "console/tokens.css",
    "console/base.css",
    "console/logo.svg",
    "vendor/inter/inter-latin-wght-normal.woff2",
)


@require_safe
def page(request: HttpRequest, access_code: str) -> HttpResponse:
    """The pass, or why there is none: 410 for a link that was good once."""
    try:
        row = access.opened_by(access_code)
        shown = card(row)
    except LinkOutOfDate as error:
        return _private(render(request, "console/web_pass_gone.html", {"said": error.message}, status=410))
    except NotFound:
        return _private(render(request, "console/web_pass_gone.html", {"said": ""}, status=404))
    except PassesError as error:
        return _private(render(request, "console/web_pass_gone.html", {"said": error.message}, status=422))
    inside = row.inside_zone_id is not None
    word, sentence = INSIDE if inside and shown.state in ("valid", "used", "expired") else WORDS[shown.state]
    has_code = inside or shown.state in ("valid", "not_yet_valid", "held")
    # Wallets keep a picture of the code: none of a pass that is over, nor of one whose code changes.
    lasting = has_code and not shown.secret
    context = {
        "card": shown,
        "word": word,
        "sentence": sentence,
        "tone": "valid" if inside else shown.state,
        "has_code": has_code,
        "zone": row.program.time_zone.replace("_", " "),
        "access_code": access_code,
        "apple": lasting and wallet_apple.is_on(),
        "google": lasting and wallet_google.is_on(),
    }
    data = _data(shown, has_code=has_code, inside=inside) | {"word": word, "sentence": sentence}
    seen = repr((context, data, shown.name, shown.plate))
    data["version"] = hashlib.sha256(seen.encode()).hexdigest()[:16]
    data["now"] = int(timezone.now().timestamp() * 1000)
    with timezone.override(row.program.time_zone):
        return _private(render(request, "console/web_pass.html", context | {"data": data}))


@require_safe
def manifest(request: HttpRequest, access_code: str) -> HttpResponse:
    """So that this pass can stand on the home screen by its program's name."""
    try:
        row = access.opened_by(access_code)
    except PassesError:
        return _private(HttpResponse(status=404))
    here = reverse("web_pass", args=[access_code])
    icons = [("icon-192.png", "192x192", "any"), ("icon-512.png", "512x512", "any"),
             ("maskable-512.png", "512x512", "maskable")]  # fmt: skip
    return _private(
        JsonResponse(
            {
                "id": here,
                "name": row.program.name,
                "short_name": row.program.name[:24],
                "start_url": here,
                "scope": "/p/",
                "display": "standalone",
                "background_color": "#fafaf8",
                "theme_color": "#0a7352",
                "icons": [
                    {
                        "src": static(f"console/gate/icons/{name}"),
                        "sizes": size,
                        "type": "image/png",
                        "purpose": of,
                    }
                    for name, size, of in icons
                ],
            },
            content_type="application/manifest+json",
        )
    )


@require_safe
def pkpass(request: HttpRequest, access_code: str) -> HttpResponseBase:
    """For Apple's Wallet."""
    try:
        content = wallet_apple.pkpass(card(access.opened_by(access_code)))
    except PassesError as error:
        return _refused(error)
    answer = HttpResponse(content, content_type=wallet_apple.CONTENT_TYPE)
    answer["Content-Disposition"] = 'attachment; filename="pass.pkpass"'
    return _private(answer)


@require_safe
def google(request: HttpRequest, access_code: str) -> HttpResponseBase:
    """On to Google, with the pass in the address: signed when it is asked for, and not before."""
    try:
        link = wallet_google.save_link(card(access.opened_by(access_code)))
    except PassesError as error:
        return _refused(error)
    return _private(HttpResponseRedirect(link))


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """With the files to keep, and a version that is a hash of their contents."""
    head = f"const VERSION = {json.dumps(version())};\nconst SHELL = {json.dumps(shell_files())};\n"
    text = head + (_app / _worker).read_text("utf-8")
    return HttpResponse(
        text, content_type="text/javascript; charset=utf-8", headers={"Cache-Control": "no-cache"}
    )


@cache
def shell_files() -> list[str]:
    """What every pass's page needs besides itself."""
    return [static(name) for name in sorted({*(f"console/holder/{path.name}" for path in _files()), *_also})]


@cache
def version() -> str:
    """Changes with every byte of them."""
    seen = hashlib.sha256()
    for path in sorted([*_files(), _app / _worker, *(_static / name for name in _also)]):
        seen.update(path.name.encode() + b"\0" + path.read_bytes())
    return seen.hexdigest()[:16]


def _files() -> list[Path]:
    return [path for path in _app.iterdir() if path.is_file() and path.name != _worker]


def _data(shown: Card, *, has_code: bool, inside: bool) -> dict[str, Any]:
    """What the scripts work with. Times are milliseconds since 1970."""
    times = {"from": shown.starts, "until": shown.ends}
    return {
        "text": shown.text if has_code else "",
        "secret": shown.secret.hex() if has_code else "",
        "state": shown.state,
        "inside": inside,
        "words": {state: WORDS[state] for state in ("valid", "expired")},
        **{name: int(at.timestamp() * 1000) if at else None for name, at in times.items()},
    }


def _refused(error: PassesError) -> HttpResponse:
    gone = isinstance(error, NotFound | LinkOutOfDate)
    answer = HttpResponse(
        error.message, status=404 if gone else 422, content_type="text/plain; charset=utf-8"
    )
    return _private(answer)


def _private(answer: HttpResponse) -> HttpResponse:
    """The address is the pass: it goes to no other site, into no shared cache and no search engine."""
    answer["Referrer-Policy"] = "no-referrer"
    answer["Cache-Control"] = "private, no-store"
    answer["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return answer
