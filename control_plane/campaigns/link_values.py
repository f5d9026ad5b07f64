"""A link's values as somebody sent them, checked one by one and then together. In the workspace's scope."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import msgspec
from django.db import connection
from django.utils import timezone

from control_plane.campaigns.actions import REDIRECT_STATUSES
from control_plane.campaigns.app_schemes import workspace_app_schemes
from control_plane.campaigns.errors import InvalidLink, NewerRules
from control_plane.campaigns.models import Campaign, Domain, Link
from control_plane.campaigns.own_hosts import workspace_hosts
from control_plane.campaigns.placeholders import check_fixed, check_template
from control_plane.campaigns.rules import check_rules, rules_json
from edge.compile import needs_count
from edge.gs1 import Gs1Error, normalise, parse
from edge.password import hash_password
from edge.record import Record, RecordError
from edge.rules import Rule

MIN_PASSWORD: Final = 4
MAX_PASSWORD: Final = 256
MAX_LIMIT: Final = 10**9


def apply(link: Link, changes: dict[str, Any]) -> bool:
    """Sets what `changes` names; True where something differs. Raises InvalidLink(field, message).

    `password` is the one that is not kept as it is sent: "" leaves the stored one, None removes it.
    """
    clean: dict[str, Any] = {}
    for name, value in changes.items():
        attribute, check = _CHECKS[name]
        if name == "password" and value == "":
            continue
        clean[attribute] = check(value)
    differs = any(getattr(link, name) != value for name, value in clean.items())
    for name, value in clean.items():
        setattr(link, name, value)
    _check_together(link, changes)
    return differs


def stored_rules(link: Link) -> tuple[Rule, ...]:
    """The link's rules as the edge's types. Raises msgspec.ValidationError for those of a newer version."""
    return msgspec.convert(link.rules, tuple[Rule, ...]) if link.rules else ()


def _check_together(link: Link, changes: dict[str, Any]) -> None:
    if link.starts_at and link.expires_at and link.expires_at <= link.starts_at:
        raise InvalidLink("expires_at", "The end has to come after the start.")
    if not changes.keys() & {"rules", "max_scans", "password"}:
        return
    try:
        rules = stored_rules(link)
    except msgspec.ValidationError:
        raise NewerRules from None
    probe = Record(
        1, 1, "https://example.com/",
        rules=rules, max_scans=link.max_scans or 0, password=link.password_hash,
    )  # fmt: skip
    try:
        link.counts = needs_count(probe)
    except RecordError as error:
        raise InvalidLink("rules" if "rules" in changes else "password", str(error)) from None


def _title(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidLink("title", "A title is text.")
    title = " ".join(value.split())
    if len(title) > 200:
        raise InvalidLink("title", f"A title has at most 200 characters; this one has {len(title)}.")
    if not title.isprintable():
        raise InvalidLink("title", "The title holds characters that cannot be shown. Type it again.")
    return title


def _destination(value: Any) -> str:
    """May hold placeholders: the edge fills them in, as in a rule's."""
    return _address("destination", value, check_template)


def _address(field: str, value: Any, check: Callable[..., str] = check_fixed) -> str:
    if not isinstance(value, str):
        raise InvalidLink(field, "Give an address, such as https://example.com/menu.")
    try:
        return check(value, workspace_hosts())
    except InvalidLink as error:
        raise InvalidLink(field, error.message) from None


def _fallback(value: Any) -> str:
    return "" if value is None or value == "" else _address("fallback", value)


def _campaign(value: Any) -> int | None:
    if value is None:
        return None
    if not _is_number(value) or not Campaign.objects.filter(id=value).exists():
        raise InvalidLink("campaign_id", "There is no such campaign in this workspace.")
    return int(value)


def _domain(value: Any) -> Domain | None:
    if value is None:
        return None
    with connection.cursor() as cursor:
        # The lock keeps the domain from being deleted until this link is saved.
        cursor.execute(
            "SELECT id FROM campaigns_domain WHERE id = %s AND deleted_at IS NULL FOR SHARE",
            [value if _is_number(value) else 0],
        )
        if cursor.fetchone() is None:
            raise InvalidLink("domain_id", "There is no such domain in this workspace.")
    return Domain.objects.get(id=value)  # type: ignore[no-any-return]


def _time(field: str, value: Any) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime) or timezone.is_naive(value):
        raise InvalidLink(
            field, "Give a date and time with its time zone, such as 2030-01-31T18:00:00+01:00."
        )
    if not 1970 <= value.year <= 9998:
        raise InvalidLink(field, "Give a year from 1970 to 9998.")
    return value


def _status(value: Any) -> int:
    if value not in REDIRECT_STATUSES:
        raise InvalidLink("redirect_status", f"Choose one of {', '.join(map(str, REDIRECT_STATUSES))}.")
    return int(value)


def _rules(value: Any) -> list[dict[str, Any]]:
    return rules_json(check_rules(value, workspace_hosts(), workspace_app_schemes()))


def _limit(value: Any) -> int | None:
    if value is None:
        return None
    if not _is_number(value) or not 1 <= value <= MAX_LIMIT:
        raise InvalidLink(
            "max_scans", f"Give a whole number of scans from 1 to {MAX_LIMIT:,}, or nothing for no limit."
        )
    return int(value)


def _password(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidLink("password", "A password is text.")
    if not MIN_PASSWORD <= len(value) <= MAX_PASSWORD:
        raise InvalidLink(
            "password",
            f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters; this one has {len(value)}.",
        )
    if not value.isprintable():
        raise InvalidLink("password", "The password holds characters that nobody can type. Choose another.")
    return hash_password(value)


def _flag(field: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidLink(field, "Say true or false.")
    return value


def _gs1(value: Any) -> str:
    """A GTIN, or a GS1 Digital Link: its path, or the whole address."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidLink("gs1", "Give a GTIN, or a GS1 Digital Link such as /01/09506000134352/10/LOT7.")
    text = value.strip()
    if not text:
        return ""
    if "://" in text:
        try:
            text = urlsplit(text).path
        except ValueError:
            raise InvalidLink("gs1", "This address cannot be read. Give its path, from /01/ on.") from None
    try:
        if "/" not in text:
            return normalise(text.replace(" ", "").replace("-", ""))
        key = parse(unquote("/" + text.lstrip("/")))
    except Gs1Error as error:
        raise InvalidLink("gs1", str(error)) from None
    if key is None:
        raise InvalidLink("gs1", "A GS1 Digital Link begins with /01/ and the product's GTIN.")
    return key.name


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63


# What is sent → the model's attribute, and its check.
_CHECKS: Final[dict[str, tuple[str, Callable[[Any], Any]]]] = {
    "title": ("title", _title),
    "destination": ("destination", _destination),
    "campaign_id": ("campaign_id", _campaign),
    "domain_id": ("domain", _domain),
    "starts_at": ("starts_at", partial(_time, "starts_at")),
    "expires_at": ("expires_at", partial(_time, "expires_at")),
    "redirect_status": ("redirect_status", _status),
    "rules": ("rules", _rules),
    "max_scans": ("max_scans", _limit),
    "password": ("password_hash", _password),
    "fallback": ("fallback", _fallback),
    "pass_query": ("pass_query", partial(_flag, "pass_query")),
    "gs1": ("gs1", _gs1),
}
EDITABLE: Final = frozenset(_CHECKS)
