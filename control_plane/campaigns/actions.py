"""Actions of a draft rule: each address and text checked, and written in its one stored form."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Final

from control_plane.campaigns.app_names import MAX_PACKAGE, REFUSED_SCHEMES, is_package
from control_plane.campaigns.destinations import MAX_LENGTH
from control_plane.campaigns.draft import Draft, shown
from control_plane.campaigns.errors import InvalidLink
from control_plane.campaigns.placeholders import (
    check_fixed,
    check_placeholders,
    check_template,
    refuse_placeholders,
)
from edge import rules as r
from edge.decide import REDIRECTS

REDIRECT_STATUSES: Final = tuple(sorted(REDIRECTS))
UTM: Final = ("source", "medium", "campaign", "term", "content")
MAX_UTM: Final = 200
MAX_NAME: Final = 80
MAX_TITLE: Final = 120
MAX_NOTICE: Final = 2000
MAX_BUTTON: Final = 60
MAX_WEIGHT: Final = 1000

_scheme = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{1,40}):")


def check_action(
    raw: object, number: int, path: str, own_hosts: Collection[str], app_schemes: Collection[str]
) -> r.AnyAction:
    """One action. app_schemes: those that an app may be opened by, besides https. Raises InvalidLink."""
    draft = Draft(number, path, "action", raw)
    draft.label = draft.type(_ACTIONS)
    return _ACTIONS[draft.label](draft, own_hosts, app_schemes)


def _redirect(draft: Draft, own_hosts: Collection[str], app_schemes: Collection[str]) -> r.Redirect:
    draft.only(("type", "to", "status", "pass_query", "utm"))
    return r.Redirect(
        to=_address(draft, "to", own_hosts, placeholders=True),
        status=_status(draft),
        pass_query=draft.flag("pass_query"),
        utm=_utm(draft),
    )


def _split(draft: Draft, own_hosts: Collection[str], app_schemes: Collection[str]) -> r.Split:
    draft.only(("type", "variants", "status", "pass_query", "utm"))
    raw = draft.items("variants", needed=False)
    if not 2 <= len(raw) <= r.MAX_VARIANTS:
        raise draft.refuse(f"A split has 2 to {r.MAX_VARIANTS} variants; this has {len(raw):,}.", "variants")
    variants = []
    for at, one in enumerate(raw):
        part = Draft(draft.number, f"{draft.path}.variants[{at}]", f"{draft.label}, variant {at + 1}", one)
        part.only(("to", "weight", "name"))
        variants.append(
            r.Variant(
                to=_address(part, "to", own_hosts, placeholders=True),
                weight=part.whole("weight", 1, MAX_WEIGHT, 1),
                name=part.text("name", MAX_NAME),
            )
        )
    return r.Split(
        variants=tuple(variants),
        status=_status(draft),
        pass_query=draft.flag("pass_query"),
        utm=_utm(draft),
    )


def _app(draft: Draft, own_hosts: Collection[str], app_schemes: Collection[str]) -> r.App:
    fields = ("ios_link", "ios_store", "android_link", "android_package", "android_store")
    draft.only(("type", "to", *fields))
    package = draft.text("android_package", MAX_PACKAGE)
    if package and not is_package(package):
        raise draft.refuse(
            f"{shown(package)} is not the name of an Android package, such as com.example.app.",
            "android_package",
        )
    app = r.App(
        to=_address(draft, "to", own_hosts),
        ios_link=_app_link(draft, "ios_link", own_hosts, app_schemes),
        ios_store=_store(draft, "ios_store", own_hosts),
        android_link=_app_link(draft, "android_link", own_hosts, app_schemes),
        android_package=package,
        android_store=_store(draft, "android_store", own_hosts),
    )
    if not any(getattr(app, field) for field in fields):
        raise draft.refuse(f"Say which app: give at least one of {', '.join(fields)}.")
    return app


def _password(draft: Draft, own_hosts: Collection[str], app_schemes: Collection[str]) -> r.Password:
    draft.only(("type", "to"))
    if not draft.text("to", MAX_LENGTH):
        return r.Password()
    return r.Password(to=_address(draft, "to", own_hosts, placeholders=True))


def _notice(draft: Draft, own_hosts: Collection[str], app_schemes: Collection[str]) -> r.Notice:
    draft.only(("type", "title", "text", "button", "url"))
    title, text = draft.text("title", MAX_TITLE), draft.text("text", MAX_NOTICE, lines=True)
    for field, value in (("title", title), ("text", text)):
        if not value:
            raise draft.refuse(f"A notice needs a {field}.", field)
    button, url = draft.text("button", MAX_BUTTON), draft.text("url", MAX_LENGTH)
    if bool(button) != bool(url):
        raise draft.refuse(
            "A button needs both: what it says (“button”) and where it leads (“url”). Give both, or neither.",
            "url" if button else "button",
        )
    return r.Notice(
        title=title, text=text, button=button, url=_address(draft, "url", own_hosts) if url else ""
    )


def _gone(draft: Draft, own_hosts: Collection[str], app_schemes: Collection[str]) -> r.Gone:
    draft.only(("type",))
    return r.Gone()


def _status(draft: Draft) -> int:
    status = draft.raw.get("status", 0)
    if (
        isinstance(status, bool)
        or not isinstance(status, int)
        or (status and status not in REDIRECT_STATUSES)
    ):
        choice = ", ".join(map(str, REDIRECT_STATUSES))
        raise draft.refuse(f"{shown(status)} is not a redirect status. Use one of {choice}.", "status")
    return status


def _utm(draft: Draft) -> dict[str, str]:
    raw = draft.raw.get("utm", {})
    part = Draft(draft.number, f"{draft.path}.utm", f"{draft.label}, UTM", raw)
    part.only(UTM)
    values = {name: part.text(name, MAX_UTM) for name in UTM}
    for name, value in values.items():
        try:
            check_placeholders(value)
        except InvalidLink as error:
            raise _here(part, name, error) from None
    return {name: value for name, value in values.items() if value}


def _address(draft: Draft, field: str, own_hosts: Collection[str], *, placeholders: bool = False) -> str:
    """Where to lead, in its stored form."""
    url = draft.raw.get(field, "")
    if not isinstance(url, str):
        raise draft.refuse(f"“{field}” has to be an address; this is {shown(url)}.", field)
    try:
        if placeholders:
            return check_template(url, own_hosts)
        return check_fixed(url, own_hosts)
    except InvalidLink as error:
        raise _here(draft, field, error) from None


def _here(draft: Draft, field: str, error: InvalidLink) -> InvalidLink:
    return draft.refuse(error.message, field) if error.field == "destination" else error


def _refuse_placeholders(draft: Draft, field: str, url: str) -> None:
    try:
        refuse_placeholders(url)
    except InvalidLink as error:
        raise _here(draft, field, error) from None


def _store(draft: Draft, field: str, own_hosts: Collection[str]) -> str:
    if not draft.text(field, MAX_LENGTH):
        return ""
    url = _address(draft, field, own_hosts)
    if not url.startswith("https://"):
        raise draft.refuse("A store's address begins with https://.", field)
    return url


def _app_link(draft: Draft, field: str, own_hosts: Collection[str], app_schemes: Collection[str]) -> str:
    """A universal link (https), or an address of a scheme in `app_schemes`. '' where left out."""
    url = draft.text(field, MAX_LENGTH)
    if not url:
        return ""
    found = _scheme.match(url)
    scheme = found[1].lower() if found else ""
    if scheme == "https":
        return _address(draft, field, own_hosts)
    if not scheme:
        raise draft.refuse(
            f"{shown(url)} does not open an app. Give an https address, or the app's own such as "
            "myapp://path.",
            field,
        )
    if scheme in REFUSED_SCHEMES:
        raise draft.refuse(
            f"“{scheme}:” addresses cannot be used. Give an https address, or the app's own such as "
            "myapp://path.",
            field,
        )
    if scheme not in app_schemes:
        raise draft.refuse(
            f"“{scheme}:” is not one of this workspace's apps. Whoever administers the workspace can add it "
            "under Settings, Apps.",
            field,
        )
    rest = url[len(scheme) :]
    if not rest.startswith("://"):
        raise draft.refuse(f"Write the app's address as {scheme}://path.", field)
    _refuse_placeholders(draft, field, url)
    for char in rest:
        if not "!" <= char <= "~" or char in '\\"<>^`{|}':
            raise draft.refuse(
                f"An app's address may not hold {shown(char)}. Write it percent-encoded, as "
                f"{''.join(f'%{byte:02X}' for byte in char.encode('utf-8', 'replace'))}.",
                field,
            )
    return scheme + rest


_ACTIONS: Final[Mapping[str, Callable[[Draft, Collection[str], Collection[str]], r.AnyAction]]] = {
    "redirect": _redirect,
    "split": _split,
    "app": _app,
    "password": _password,
    "notice": _notice,
    "gone": _gone,
}
