"""Records that an edge could not read, sent again. The edge puts their names into a set in Valkey and answers
503 for them until then; one whose report is lost is reported by the next scan."""

import logging

from django.db import connection

from control_plane.campaigns import publish, publish_domains, sending, valkey
from edge import record

log = logging.getLogger("publish")

AT_ONCE = 100


def republish() -> int:
    """Up to 100 of the names reported. Returns how many records were sent. Raises redis.RedisError."""
    names = valkey.client().spop(record.DAMAGED_KEY, AT_ONCE) or []
    mended = {name: _republish(name) for name in (raw.decode("utf-8", "replace") for raw in names)}
    sent = [name for name, count in mended.items() if count]
    if sent:
        log.warning(
            "Edges could not read %d records, which were sent again: %s%s",
            len(sent), ", ".join(sent[:3]), ", …" if len(sent) > 3 else ".",
        )  # fmt: skip
    return sum(mended.values())


def _republish(name: str) -> int:
    if name.startswith("@"):
        key = record.domain_key(name[1:])
        door, arguments = "scanway_domain_of_host(%s)", [name[1:]]
    else:
        key = record.key(name)
        door, arguments = "scanway_link_of_name(%s, %s)", _host_and_name(name)
    value = valkey.client().get(key)
    owners = _ask(door, arguments)
    if not owners:
        # Of no link: what cannot be read is taken away, so that the code is unknown and not “try again”.
        if value is not None:
            sending.remove_if_same(name, value)
        return 0
    if name.startswith("@"):
        return sum(publish_domains.republish(workspace_id, row_id) for workspace_id, row_id in owners)
    return sum(publish.republish(workspace_id, [row_id]) for workspace_id, row_id in owners)


def _host_and_name(name: str) -> list[str]:
    """A host has a dot before its first slash; “01/…” of the default domain has none."""
    host, slash, rest = name.partition("/")
    return [host, rest] if slash and "." in host else ["", name]


def _ask(door: str, arguments: list[str]) -> list[tuple[int, int]]:
    if any("\0" in argument for argument in arguments):
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {door}", arguments)  # noqa: S608  one of the two above
        return list(cursor.fetchall())
