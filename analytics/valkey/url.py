"""The forms of SCANWAY_REDIS_URL.

    redis://[user:password@]host[:port][/db]       one server; rediss:// with TLS, unix:///path for a socket
    redis+cluster://[user:password@]host[:port],…  a cluster; any of its nodes will do, more are safer
    redis+sentinel://[user:password@]host[:port],…/service[/db]
                                                   the primary and replicas that these sentinels watch;
                                                   ?sentinel_password=… where they ask for one

rediss+cluster and rediss+sentinel speak TLS. What follows a `?` goes to the client, as in a plain URL.
"""

import enum
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

Address = tuple[str, int]
"""Host and port."""

_MANY: Final = re.compile(
    r"(?P<scheme>rediss?)\+(?P<kind>cluster|sentinel)://(?:(?P<user>[^@/?#]*)@)?(?P<hosts>[^/?#]*)"
    r"(?:/(?P<path>[^?#]*))?(?:\?(?P<query>[^#]*))?"
)
_HOST: Final = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.%]+\])(?::(?P<port>[0-9]{1,5}))?")
_SCHEMES: Final = ("redis", "rediss", "unix")
_EXAMPLES: Final = (
    "redis://127.0.0.1:6379/0, redis+cluster://10.0.0.1:6379,10.0.0.2:6379 or "
    "redis+sentinel://10.0.0.1:26379,10.0.0.2:26379/scanway"
)


class ValkeyUrlError(ValueError):
    """This is not such a URL. The message names the setting, and quotes nothing: it may hold a password."""


class Kind(enum.Enum):
    SERVER = "one server"
    CLUSTER = "a cluster"
    SENTINEL = "what sentinels watch"


@dataclass(frozen=True, slots=True)
class ValkeyUrl:
    """A checked URL."""

    kind: Kind
    text: str = field(repr=False)
    hosts: tuple[Address, ...] = ()
    """Nodes of the cluster, or sentinels; empty for one server."""
    service: str = ""
    """What the sentinels call it."""
    sentinel_user: str = ""
    sentinel_password: str = field(default="", repr=False)
    _scheme: str = "redis"
    _user: str = field(default="", repr=False)
    _db: str = "0"
    _query: str = field(default="", repr=False)

    def node(self, address: Address) -> str:
        """The plain URL of one node, with the credentials and options of the whole."""
        return self._plain(address, f"{self._user}@" if self._user else "", self._db, self._query)

    def sentinel(self, address: Address) -> str:
        """The plain URL of a sentinel, which has credentials of its own."""
        return self._plain(address, "", "0", self._query)

    def _plain(self, address: Address, user: str, db: str, query: str) -> str:
        host, port = address
        host = f"[{host}]" if ":" in host else host
        return f"{self._scheme}://{user}{host}:{port}/{db}{'?' if query else ''}{query}"


def parse(text: str, name: str = "SCANWAY_REDIS_URL") -> ValkeyUrl:
    """The URL in the setting `name`. Raises ValkeyUrlError."""
    text = text.strip()
    if "+" not in text.partition("://")[0]:
        return _one(text, name)
    found = _MANY.fullmatch(text)
    if found is None:
        raise _unknown(name)
    sentinels = found["kind"] == "sentinel"
    hosts = tuple(
        _address(part.strip(), position, 26379 if sentinels else 6379, name)
        for position, part in enumerate(found["hosts"].split(","), start=1)
    )
    service, _, db = unquote(found["path"] or "").partition("/")
    options = dict(parse_qsl(found["query"] or "", keep_blank_values=True))
    if sentinels and not service:
        raise ValkeyUrlError(
            f"{name} names sentinels, but not what they watch. End it with that name, such as /scanway."
        )
    if not sentinels:
        service, db = "", service
        if db not in ("", "0"):
            raise ValkeyUrlError(
                f"{name} names a database of a cluster, which has only one. Leave out what follows the hosts."
            )
    if db and not (db.isascii() and db.isdigit() and len(db) <= 5):
        raise ValkeyUrlError(f"{name} does not end with the number of a database, such as /{service}/0.")
    return ValkeyUrl(
        kind=Kind.SENTINEL if sentinels else Kind.CLUSTER,
        text=text,
        hosts=hosts,
        service=service,
        sentinel_user=options.pop("sentinel_username", ""),
        sentinel_password=options.pop("sentinel_password", ""),
        _scheme=found["scheme"],
        _user=found["user"] or "",
        _db=db or "0",
        _query=urlencode(options),
    )


def _one(text: str, name: str) -> ValkeyUrl:
    try:
        parts = urlsplit(text)
        good = parts.scheme in _SCHEMES and (parts.scheme == "unix" or bool(parts.hostname))
        _ = parts.port
    except ValueError:
        good = False
    if not good:
        raise _unknown(name)
    if "," in parts.netloc.rpartition("@")[2]:
        raise ValkeyUrlError(
            f"{name} names several hosts. Begin it with redis+cluster:// or redis+sentinel://, as they are."
        )
    return ValkeyUrl(Kind.SERVER, text)


def _address(text: str, position: int, default: int, name: str) -> Address:
    found = _HOST.fullmatch(text)
    port = int(found["port"] or default) if found else 0
    if found is None or not 1 <= port <= 65535:
        raise ValkeyUrlError(
            f"{name} is wrong at host {position}: write a host and a port, such as 10.0.0.1:{default}, with "
            "commas between them. In a name or password write @ as %40, / as %2F, ? as %3F and # as %23."
        )
    return found["host"].strip("[]"), port


def _unknown(name: str) -> ValkeyUrlError:
    return ValkeyUrlError(f"{name} is not a URL of Valkey. Set one such as {_EXAMPLES}.")
