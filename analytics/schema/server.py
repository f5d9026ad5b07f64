"""Where ClickHouse is, from one URL."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import clickhouse_connect


@dataclass(frozen=True, slots=True)
class Server:
    secure: bool
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str

    @classmethod
    def from_url(cls, url: str) -> "Server":
        """From `http(s)://user:password@host:port/database`. Raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("SCANWAY_CLICKHOUSE_URL must look like http://user:password@host:8123/database.")
        database = unquote(parts.path.strip("/"))
        if not database or "/" in database:
            raise ValueError(
                "SCANWAY_CLICKHOUSE_URL must name one database in its path, like …:8123/scanway."
            )
        secure = parts.scheme == "https"
        return cls(
            secure=secure,
            host=parts.hostname,
            port=parts.port or (8443 if secure else 8123),
            user=unquote(parts.username or "default"),
            password=unquote(parts.password or ""),
            database=database,
        )


def connect(server: Server, database: str | None = None, **settings: Any) -> Any:
    """A client without a session, so that threads may share it. Raises clickhouse_connect's errors."""
    return clickhouse_connect.get_client(
        host=server.host,
        port=server.port,
        username=server.user,
        password=server.password,
        database=server.database if database is None else database,
        secure=server.secure,
        autogenerate_session_id=False,
        settings=settings or None,
    )


def quote_name(name: str) -> str:
    """An identifier in backquotes."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
