"""What the ingest process reads from its environment, once, at start."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from analytics.schema.server import Server
from analytics.valkey.url import parse
from analytics.visitors.referrer import bare_host


class SettingsError(ValueError):
    """The environment cannot work; the message says what to set."""


@dataclass(frozen=True, slots=True)
class Settings:
    spool: Path
    """SCANWAY_SPOOL: the folder that the edge on this host writes to."""
    clickhouse_url: str = field(repr=False)
    """SCANWAY_CLICKHOUSE_URL, or SCANWAY_CLICKHOUSE_URL_FILE naming a file that holds it."""
    redis_url: str = field(repr=False)
    """SCANWAY_REDIS_URL, or SCANWAY_REDIS_URL_FILE: Valkey, for visitor salts and ticks."""
    geoip_path: str = ""
    """SCANWAY_GEOIP_PATH: a City file in MaxMind's format; empty for the built-in one."""
    own_hosts: frozenset[str] = frozenset()
    """Host of SCANWAY_SHORT_URL: a visitor who comes from there came directly."""
    failpoint: str = ""
    """SCANWAY_FAILPOINT: tests only."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Self:
        """Raises SettingsError with a sentence that says what to set."""
        env = os.environ if env is None else env
        short = _host(env.get("SCANWAY_SHORT_URL", ""))
        geoip = env.get("SCANWAY_GEOIP_PATH", "")
        if geoip and not Path(geoip).is_file():
            raise SettingsError(f"SCANWAY_GEOIP_PATH names {geoip}, and there is no such file.")
        clickhouse_url = _secret(env, "SCANWAY_CLICKHOUSE_URL")
        redis_url = _secret(env, "SCANWAY_REDIS_URL")
        try:
            Server.from_url(clickhouse_url)
            parse(redis_url)
        except ValueError as error:
            raise SettingsError(str(error)) from None
        return cls(
            spool=Path(env.get("SCANWAY_SPOOL") or ".scanway/spool"),
            clickhouse_url=clickhouse_url,
            redis_url=redis_url,
            geoip_path=geoip,
            own_hosts=frozenset({short} if short else ()),
            failpoint=env.get("SCANWAY_FAILPOINT", ""),
        )


def _host(url: str) -> str:
    try:
        return bare_host(urlsplit(url).netloc)
    except ValueError:
        raise SettingsError(
            f"SCANWAY_SHORT_URL is “{url}”. Set an address with its scheme, such as https://go.example.com."
        ) from None


def _secret(env: Mapping[str, str], name: str) -> str:
    if value := env.get(name, ""):
        return value
    if path := env.get(f"{name}_FILE", ""):
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise SettingsError(
                f"{name}_FILE names {path}, which cannot be read: {error.strerror}."
            ) from None
    raise SettingsError(f"Set {name} (or {name}_FILE); `scanway up` sets it by itself.")
