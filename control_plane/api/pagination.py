"""Pages by cursor: what is inserted or deleted meanwhile neither repeats nor hides a row."""

import base64
import binascii
import re
from typing import Any, Final

from django.db.models import QuerySet

from control_plane.api.problem import FieldError, invalid

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 100

_cursor = re.compile(rb"before:([1-9][0-9]{0,17})")


def page(rows: QuerySet[Any], cursor: str, limit: int) -> tuple[list[Any], str | None]:
    """Up to `limit` rows, newest first, and the cursor of the next page or None. Raises Problem.

    The cursor names the last row seen, not a count of rows: pages stay put while rows come and go. Callers
    treat it as opaque; it gives no access, as the query is confined to the key's workspace all the same.
    """
    if cursor:
        rows = rows.filter(pk__lt=_decode(cursor))
    found = list(rows.order_by("-pk")[: limit + 1])
    more = len(found) > limit
    found = found[:limit]
    return found, _encode(found[-1].pk) if more else None


def _encode(last: int) -> str:
    return base64.urlsafe_b64encode(b"before:%d" % last).decode().rstrip("=")


def _decode(cursor: str) -> int:
    try:
        raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except (binascii.Error, UnicodeEncodeError):
        raw = b""
    found = _cursor.fullmatch(raw)
    if found is None:
        raise invalid(FieldError("cursor", "This cursor is not from `next` of an earlier page."))
    return int(found[1])
