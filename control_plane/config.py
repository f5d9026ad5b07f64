"""What the console and the worker are told from outside: environment variables, read once."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from analytics.valkey.url import ValkeyUrlError, parse
from control_plane import wallet_settings
from control_plane.wallet_settings import GoogleWallet, PkPass, WalletSettingError

MIN_SECRET = 32


class ConfigError(ValueError):
    """A setting is missing or cannot be used; the message says what to set."""


@dataclass(frozen=True)
class Smtp:
    """Where mail leaves: `smtp://user:password@host:587` (STARTTLS), `smtps://…:465`, `smtp+plain://…:25`."""

    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    starttls: bool = True
    tls: bool = False


@dataclass(frozen=True)
class Config:
    """One process's settings. Secrets are kept out of its repr, so that a log of it shows none."""

    secret_key: str = field(repr=False)
    database_url: str = field(repr=False)
    database_owner_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    clickhouse_url: str = field(repr=False)
    console_url: SplitResult
    short_url: SplitResult
    console_host: str
    console_port: int
    allowed_hosts: tuple[str, ...]
    trusted_proxies: tuple[str, ...]
    smtp: Smtp | None
    email_from: str
    signup_open: bool
    domain_check: str
    """dns, or off: whether a workspace's domain has to lead here before it counts."""
    alert_private: bool
    """Alerts may be sent to addresses in private networks, and by plain http."""
    debug: bool
    pkpass: PkPass | None = None
    google_wallet: GoogleWallet | None = None

    @property
    def https(self) -> bool:
        """Cookies are Secure and HSTS is sent exactly where people reach the console by https."""
        return self.console_url.scheme == "https"

    @property
    def console_origin(self) -> str:
        return f"{self.console_url.scheme}://{self.console_url.netloc}"

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Config":
        """Raises ConfigError with a sentence that says what to set."""
        secret_key = secret(env, "SCANWAY_SECRET_KEY")
        if len(secret_key) < MIN_SECRET:
            raise ConfigError(
                f"SCANWAY_SECRET_KEY needs at least {MIN_SECRET} random characters; it has {len(secret_key)}."
                " Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
            )
        if len(set(secret_key)) < 8:
            raise ConfigError(
                "SCANWAY_SECRET_KEY is not random: it repeats a few characters. Make a new one."
            )
        console_url = _base_url(env, "SCANWAY_CONSOLE_URL", "http://127.0.0.1:8000")
        short_url = _base_url(env, "SCANWAY_SHORT_URL", "http://127.0.0.1:8080")
        host, port = _bind(env.get("SCANWAY_CONSOLE_BIND", "0.0.0.0:8000"), "SCANWAY_CONSOLE_BIND")
        database_url = secret(env, "SCANWAY_DATABASE_URL")
        owner_url = secret(env, "SCANWAY_DATABASE_OWNER_URL")
        if not database_url:
            raise ConfigError(
                "SCANWAY_DATABASE_URL is not set. Set it to "
                "postgresql://scanway_app:password@host:5432/scanway, or start everything with: scanway up"
            )
        signup = env.get("SCANWAY_SIGNUP", "closed")
        if signup not in {"closed", "open"}:
            raise ConfigError(f"SCANWAY_SIGNUP is “{signup}”. Set it to closed or open.")
        domain_check = env.get("SCANWAY_DOMAIN_CHECK", "dns")
        if domain_check not in {"dns", "off"}:
            raise ConfigError(f"SCANWAY_DOMAIN_CHECK is “{domain_check}”. Set it to dns or off.")
        alert_private = env.get("SCANWAY_ALERT_PRIVATE", "false")
        if alert_private not in {"true", "false"}:
            raise ConfigError(f"SCANWAY_ALERT_PRIVATE is “{alert_private}”. Set it to true or false.")
        smtp = _smtp(secret(env, "SCANWAY_EMAIL_URL"))
        try:
            pkpass = wallet_settings.pkpass(partial(secret, env))
            google = wallet_settings.google_wallet(partial(secret, env))
        except WalletSettingError as error:
            raise ConfigError(str(error)) from None
        return cls(
            secret_key=secret_key,
            database_url=database_url,
            database_owner_url=owner_url,
            redis_url=_redis_url(secret(env, "SCANWAY_REDIS_URL") or "redis://127.0.0.1:16379/0"),
            clickhouse_url=secret(env, "SCANWAY_CLICKHOUSE_URL") or "http://127.0.0.1:18123/scanway",
            console_url=console_url,
            short_url=short_url,
            console_host=host,
            console_port=port,
            allowed_hosts=_allowed_hosts(console_url, short_url, _list(env, "SCANWAY_ALLOWED_HOSTS")),
            trusted_proxies=_networks(_list(env, "SCANWAY_TRUSTED_PROXIES")),
            smtp=smtp,
            email_from=env.get("SCANWAY_EMAIL_FROM", f"scanway@{console_url.hostname}"),
            signup_open=signup == "open",
            domain_check=domain_check,
            alert_private=alert_private == "true",
            debug=env.get("SCANWAY_DEBUG", "") in {"1", "true", "yes"},
            pkpass=pkpass,
            google_wallet=google,
        )


def secret(env: Mapping[str, str], name: str) -> str:
    """The value of NAME, or the content of the file that NAME_FILE names; "" where neither is set."""
    if value := env.get(name, ""):
        return value
    if not (path := env.get(f"{name}_FILE", "")):
        return ""
    try:
        return Path(path).read_text("utf-8").strip()
    except OSError as error:
        raise ConfigError(f"{name}_FILE names {path}, which cannot be read: {error.strerror}.") from error


def _redis_url(text: str) -> str:
    try:
        return parse(text).text
    except ValkeyUrlError as error:
        raise ConfigError(str(error)) from None


def _list(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in env.get(name, "").split(",") if part.strip())


def _base_url(env: Mapping[str, str], name: str, default: str) -> SplitResult:
    text = env.get(name, default)
    url = urlsplit(text.rstrip("/"))
    if url.scheme not in {"http", "https"} or not url.hostname or url.path or url.query or url.fragment:
        raise ConfigError(
            f"{name} is “{text}”. Set it to a base such as https://go.example.com, without a path."
        )
    return url


def _bind(text: str, name: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ConfigError(f"{name} is “{text}”. Set it to an address and a port, such as 0.0.0.0:8000.")
    return host.strip("[]"), int(port)


def _allowed_hosts(console: SplitResult, short: SplitResult, more: tuple[str, ...]) -> tuple[str, ...]:
    """Exact names only. The short URL's host counts where it is this machine's address on the local network,
    because there the console answers on the same address as the edge."""
    hosts = [_bracketed(console.hostname or ""), "localhost", "127.0.0.1", "[::1]"]
    if _is_address(short.hostname or ""):
        hosts.append(_bracketed(short.hostname or ""))
    for host in more:
        if "*" in host or host.startswith("."):
            raise ConfigError(
                f"SCANWAY_ALLOWED_HOSTS holds “{host}”. Name each host exactly, without wildcards."
            )
        hosts.append(host)
    return tuple(dict.fromkeys(hosts))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _networks(parts: tuple[str, ...]) -> tuple[str, ...]:
    for part in parts:
        try:
            ipaddress.ip_network(part)
        except ValueError as error:
            raise ConfigError(
                f"SCANWAY_TRUSTED_PROXIES holds “{part}”. Give networks such as 10.0.0.0/8, separated by "
                "commas."
            ) from error
    return parts


def _smtp(text: str) -> Smtp | None:
    if not text:
        return None
    url = urlsplit(text)
    ports = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
    if url.scheme not in ports or not url.hostname:
        raise ConfigError("SCANWAY_EMAIL_URL has to look like smtp://user:password@mail.example.com:587.")
    return Smtp(
        host=url.hostname,
        port=url.port or ports[url.scheme],
        user=unquote(url.username or ""),
        password=unquote(url.password or ""),
        starttls=url.scheme == "smtp",
        tls=url.scheme == "smtps",
    )
