"""What the embedded ClickHouse is told by its environment, read once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MAX_QUERIES: Final = 32


@dataclass(frozen=True, slots=True)
class Config:
    path: Path
    """The data folder."""
    host: str
    port: int
    user: str
    password: str
    database: str
    """Where a request lands that names no database. Created on start."""
    max_queries: int
    """How many queries may run at once; one more is refused with code 202."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Config":
        """Raises ValueError with a sentence that says what to set."""
        host, _, port = env.get("SCANWAY_CLICKHOUSE_BIND", "127.0.0.1:18123").rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:
            raise ValueError("SCANWAY_CLICKHOUSE_BIND must be an address and a port, like 127.0.0.1:18123.")
        password = _secret(env, "SCANWAY_CLICKHOUSE_PASSWORD")
        if not password and host not in ("127.0.0.1", "::1", "[::1]", "localhost"):
            raise ValueError(
                f"SCANWAY_CLICKHOUSE_BIND is {host}, which others can reach: "
                "set SCANWAY_CLICKHOUSE_PASSWORD, or bind to 127.0.0.1."
            )
        queries = env.get("SCANWAY_CLICKHOUSE_MAX_QUERIES", str(MAX_QUERIES))
        if not queries.isdigit() or int(queries) < 1:
            raise ValueError("SCANWAY_CLICKHOUSE_MAX_QUERIES must be a whole number of at least 1.")
        return cls(
            path=Path(env.get("SCANWAY_CLICKHOUSE_PATH", ".scanway/clickhouse")).absolute(),
            host=host.strip("[]"),
            port=int(port),
            user=env.get("SCANWAY_CLICKHOUSE_USER", "scanway"),
            password=password,
            database=env.get("SCANWAY_CLICKHOUSE_DATABASE", "scanway"),
            max_queries=int(queries),
        )


def _secret(env: Mapping[str, str], name: str) -> str:
    file = env.get(f"{name}_FILE")
    if not file:
        return env.get(name, "")
    if env.get(name):
        raise ValueError(f"Set either {name} or {name}_FILE, not both.")
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ValueError(f"{name}_FILE names {file}, which cannot be read: {error.strerror}.") from error
