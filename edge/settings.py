"""The edge's settings: read once from the environment, checked, then frozen."""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from analytics.valkey.url import Kind, ValkeyUrlError, parse

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingError(ValueError):
    """A setting cannot be used; the message names it and says what to set."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One field per environment variable; the table with their meaning is in the package's README."""

    redis_url: str = "redis://127.0.0.1:16379/0"
    host: str = "0.0.0.0"  # noqa: S104  phones on the network must reach it
    port: int = 8080
    workers: int = 1
    spool: Path = Path(".scanway/spool")
    spool_quota: int = 1_073_741_824
    """Bytes of open and sealed segments above which scans are dropped (and counted)."""
    trusted_proxies: tuple[Network, ...] = ()
    l1_entries: int = 100_000
    primary_url: str = ""
    """Where counters are written, if `redis_url` names a replica."""
    short_host: str = ""
    """Host of the default short domain; '' takes every host that is no workspace's own for it."""
    console_url: str = ""
    """Where the console says what a pass is worth; '' answers a pass like an unknown code."""
    geoip_path: str = ""
    """An operator's City file; '' for the built-in one."""
    unknown_limit: int = 60
    """Unknown codes a minute and worker that one network prefix may ask for; 0 lifts the limit."""
    native: bool = True
    """Whether the compiled hot path is used where there is one."""


def from_env(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process. Raises SettingError with a sentence a person can act on."""
    env = os.environ if environ is None else environ
    default = Settings()
    host, port = _bind(env.get("SCANWAY_EDGE_BIND") or f"{default.host}:{default.port}")
    home = env.get("SCANWAY_HOME") or ".scanway"
    return Settings(
        redis_url=_redis_url(_secret(env, "SCANWAY_REDIS_URL") or default.redis_url),
        host=host,
        port=port,
        workers=_whole(env, "SCANWAY_EDGE_WORKERS", default.workers, 1, 256),
        spool=Path(env.get("SCANWAY_SPOOL") or f"{home}/spool").absolute(),
        spool_quota=_whole(env, "SCANWAY_SPOOL_QUOTA", default.spool_quota, 1_048_576, 1 << 50),
        trusted_proxies=_networks(env.get("SCANWAY_TRUSTED_PROXIES") or ""),
        l1_entries=_whole(env, "SCANWAY_L1_ENTRIES", default.l1_entries, 1, 50_000_000),
        primary_url=_primary_url(_secret(env, "SCANWAY_REDIS_PRIMARY_URL")),
        short_host=_short_host((env.get("SCANWAY_SHORT_URL") or "").strip()),
        console_url=_console_url((env.get("SCANWAY_CONSOLE_URL") or "").strip()),
        geoip_path=env.get("SCANWAY_GEOIP_PATH") or "",
        unknown_limit=_whole(env, "SCANWAY_UNKNOWN_LIMIT", default.unknown_limit, 0, 1_000_000),
        native=_whole(env, "SCANWAY_EDGE_NATIVE", int(default.native), 0, 1) == 1,
    )


def _secret(env: Mapping[str, str], name: str) -> str:
    """The value, or the content of the file that NAME_FILE points to: a URL may hold a password."""
    path = env.get(f"{name}_FILE")
    if not path:
        return env.get(name) or ""
    if env.get(name):
        raise SettingError(f"Both {name} and {name}_FILE are set. Keep one of them.")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{name}_FILE points to {path}, which cannot be read: {error}.") from error


def _whole(env: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = (env.get(name) or "").strip()
    if not text:
        return default
    # Not int() alone: it takes "1_000" and digits of other scripts, which nobody means in a setting.
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise SettingError(f"{name} is “{text}”. Set a whole number from {least} to {most}.")
    return int(text)


def _bind(text: str) -> tuple[str, int]:
    host, _, port = text.strip().rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        raise SettingError(
            f"SCANWAY_EDGE_BIND is “{text}”. Set an address and a port, such as 0.0.0.0:8080 or [::]:8080."
        )
    return host, int(port)


def _redis_url(text: str, name: str = "SCANWAY_REDIS_URL") -> str:
    try:
        return parse(text, name).text
    except ValkeyUrlError as error:
        raise SettingError(str(error)) from None


def _primary_url(text: str) -> str:
    if text and parse(_redis_url(text, "SCANWAY_REDIS_PRIMARY_URL")).kind is not Kind.SERVER:
        raise SettingError(
            "SCANWAY_REDIS_PRIMARY_URL names several hosts. It is for a SCANWAY_REDIS_URL that is a replica; "
            "a cluster and sentinels know their primaries, so leave it out."
        )
    return text


def _short_host(text: str) -> str:
    try:
        parts = urlsplit(text)
        host = parts.hostname if parts.scheme in ("http", "https") else None
    except ValueError:
        host = None
    # '' would take every host for ours.
    if text and not host:
        raise SettingError(
            f"SCANWAY_SHORT_URL is “{text}”. Set an address with its scheme, such as https://go.example.com."
        )
    return host or ""


def _console_url(text: str) -> str:
    """Without a slash at its end."""
    if text and not re.fullmatch(r"https?://[!-~]+", text):
        raise SettingError(
            f"SCANWAY_CONSOLE_URL is “{text}”. Set an address with its scheme, such as https://app.example.com."
        )
    return text.rstrip("/")


def _networks(text: str) -> tuple[Network, ...]:
    found: list[Network] = []
    for part in text.split(","):
        if not part.strip():
            continue
        try:
            found.append(ipaddress.ip_network(part.strip()))
        except ValueError as error:
            raise SettingError(
                f"SCANWAY_TRUSTED_PROXIES holds “{part.strip()}”. "
                "Set addresses or networks with commas between them, such as 10.0.0.0/8,fd00::/8."
            ) from error
    return tuple(found)
