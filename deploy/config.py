"""What `scanway up` works with: read once from the environment, completed with what it generates."""

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from deploy.errors import SetupError
from deploy.home import Home, locate, read_assignments
from deploy.ports import Bind, lan_address, parse_bind, parse_port

DATABASE = "scanway"
OWNER = "scanway_owner"
APP = "scanway_app"

# What holds a secret is given only to the processes that need it.
_NEEDS = {
    "edge": {"SCANWAY_REDIS_URL", "SCANWAY_REDIS_PRIMARY_URL"},
    "ingest": {"SCANWAY_REDIS_URL", "SCANWAY_CLICKHOUSE_URL"},
    "console": {"SCANWAY_REDIS_URL", "SCANWAY_CLICKHOUSE_URL", "SCANWAY_DATABASE_URL", "SCANWAY_SECRET_KEY"},
    "worker": {"SCANWAY_REDIS_URL", "SCANWAY_CLICKHOUSE_URL", "SCANWAY_DATABASE_URL", "SCANWAY_SECRET_KEY"},
    "clickhouse": set(),
}
_GUARDED = {
    "SCANWAY_REDIS_URL", "SCANWAY_REDIS_PRIMARY_URL", "SCANWAY_CLICKHOUSE_URL", "SCANWAY_DATABASE_URL",
    "SCANWAY_DATABASE_OWNER_URL", "SCANWAY_SECRET_KEY",
}  # fmt: skip

# What a process cannot start without when it is started by hand.
REQUIRED = {
    "edge": ("SCANWAY_REDIS_URL", "SCANWAY_SPOOL"),
    "ingest": ("SCANWAY_REDIS_URL", "SCANWAY_CLICKHOUSE_URL", "SCANWAY_SPOOL"),
    "console": ("SCANWAY_DATABASE_URL", "SCANWAY_REDIS_URL", "SCANWAY_CLICKHOUSE_URL", "SCANWAY_SECRET_KEY",
                "SCANWAY_SHORT_URL", "SCANWAY_CONSOLE_URL"),
    "worker": ("SCANWAY_DATABASE_URL", "SCANWAY_REDIS_URL", "SCANWAY_CLICKHOUSE_URL", "SCANWAY_SECRET_KEY",
               "SCANWAY_SHORT_URL"),
    "migrate": ("SCANWAY_DATABASE_OWNER_URL", "SCANWAY_DATABASE_URL", "SCANWAY_CLICKHOUSE_URL"),
    "verify": ("SCANWAY_CLICKHOUSE_URL",),
    "publish": ("SCANWAY_DATABASE_URL", "SCANWAY_REDIS_URL", "SCANWAY_SECRET_KEY"),
    "key": ("SCANWAY_DATABASE_URL", "SCANWAY_SECRET_KEY"),
    "user": ("SCANWAY_DATABASE_URL", "SCANWAY_SECRET_KEY"),
}  # fmt: skip

EXAMPLES = {
    "SCANWAY_REDIS_URL": "redis://127.0.0.1:6379/0",
    "SCANWAY_DATABASE_URL": "postgresql://scanway_app:password@127.0.0.1:5432/scanway",
    "SCANWAY_DATABASE_OWNER_URL": "postgresql://scanway_owner:password@127.0.0.1:5432/scanway",
    "SCANWAY_CLICKHOUSE_URL": "http://scanway:password@127.0.0.1:8123/scanway",
    "SCANWAY_SPOOL": "/var/lib/scanway/spool",
    "SCANWAY_SHORT_URL": "https://go.example.com",
    "SCANWAY_CONSOLE_URL": "https://console.example.com",
    "SCANWAY_SECRET_KEY": "at least 32 random characters",
}


def value(environment: Mapping[str, str], name: str) -> str:
    """A variable, or the content of the file that NAME_FILE names, or ''. Raises SetupError on a bad file."""
    if plain := environment.get(name, "").strip():
        return plain
    if file := environment.get(f"{name}_FILE", "").strip():
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SetupError(f"{name}_FILE names {file}, which cannot be read: {error}.") from error
    return ""


def require(process: str, environment: Mapping[str, str]) -> None:
    """Raises SetupError naming every variable that this process lacks."""
    missing = [name for name in REQUIRED.get(process, ()) if not value(environment, name)]
    if missing:
        examples = ", ".join(f"{name} (for example {EXAMPLES[name]})" for name in missing)
        raise SetupError(
            f"`scanway {process}` needs {'this variable' if len(missing) == 1 else 'these variables'}: "
            f"{examples}. `scanway up` starts everything and sets them itself."
        )
    if "SCANWAY_SECRET_KEY" in REQUIRED.get(process, ()):
        check_secret_key(value(environment, "SCANWAY_SECRET_KEY"))


def check_secret_key(key: str) -> None:
    if len(key) < 32 or len(set(key)) < 8:
        raise SetupError(
            "SCANWAY_SECRET_KEY is too short or too simple: use at least 32 random characters, for example "
            "from `python3 -c 'import secrets; print(secrets.token_urlsafe(40))'`."
        )


def adopt_running(environment: MutableMapping[str, str]) -> None:
    """Let an operator's command find what `scanway up` runs from the same folder.

    Only what is unset is taken over, and nothing where a database is named: mixing two installations is worse
    than a missing variable.
    """
    if value(environment, "SCANWAY_DATABASE_URL"):
        return
    for name, text in read_assignments(Home(locate(environment)).environment_file).items():
        environment.setdefault(name, text)


@dataclass(frozen=True)
class Setup:
    """Everything `scanway up` decided before it starts the first process."""

    home: Home
    secrets: Mapping[str, str] = field(repr=False)
    embedded: tuple[str, ...]
    """Of valkey, postgres and clickhouse: those that no URL replaces."""
    valkey: Bind
    postgres: Bind
    clickhouse: Bind
    edge: Bind
    console: Bind
    settings: Mapping[str, str] = field(repr=False)
    """SCANWAY_… variables for the processes, complete."""
    replica: str = field(default="", repr=False)
    """The Valkey that the edge reads, where it is not the one that everybody writes to."""

    @classmethod
    def from_env(cls, environment: Mapping[str, str], home: Home) -> "Setup":
        """Raises SetupError. The folder must exist; its secrets are generated where they are missing."""
        secrets = home.secrets()
        local = {
            name: Bind("127.0.0.1", parse_port(environment.get(variable) or default, variable))
            for name, variable, default in (
                ("valkey", "SCANWAY_VALKEY_PORT", "16379"),
                ("postgres", "SCANWAY_POSTGRES_PORT", "15432"),
                ("clickhouse", "SCANWAY_CLICKHOUSE_PORT", "18123"),
            )
        }
        edge = parse_bind(environment.get("SCANWAY_EDGE_BIND") or "0.0.0.0:8080", "SCANWAY_EDGE_BIND")
        console = parse_bind(
            environment.get("SCANWAY_CONSOLE_BIND") or "0.0.0.0:8000", "SCANWAY_CONSOLE_BIND"
        )
        binds = {
            "SCANWAY_EDGE_BIND": edge, "SCANWAY_CONSOLE_BIND": console, "SCANWAY_VALKEY_PORT":
            local["valkey"], "SCANWAY_POSTGRES_PORT": local["postgres"], "SCANWAY_CLICKHOUSE_PORT":
            local["clickhouse"],
        }  # fmt: skip
        names: dict[int, str] = {}
        for variable, bind in binds.items():
            if bind.port in names:
                raise SetupError(
                    f"{names[bind.port]} and {variable} name the same port, {bind.port}. Change one."
                )
            names[bind.port] = variable

        given = {
            name: value(environment, name)
            for name in ("SCANWAY_REDIS_URL", "SCANWAY_DATABASE_URL", "SCANWAY_DATABASE_OWNER_URL",
                         "SCANWAY_CLICKHOUSE_URL", "SCANWAY_SECRET_KEY")
        }  # fmt: skip
        if bool(given["SCANWAY_DATABASE_URL"]) != bool(given["SCANWAY_DATABASE_OWNER_URL"]):
            one, other = "SCANWAY_DATABASE_URL", "SCANWAY_DATABASE_OWNER_URL"
            if not given[one]:
                one, other = other, one
            raise SetupError(
                f"{one} is set and {other} is not. Your own PostgreSQL needs both: the owner's role creates "
                "the tables, and the application's role, which is neither owner nor superuser, works with "
                "them."
            )
        if given["SCANWAY_SECRET_KEY"]:
            check_secret_key(given["SCANWAY_SECRET_KEY"])

        def database(role: str, password: str) -> str:
            return f"postgresql://{role}:{secrets[password]}@{local['postgres']}/{DATABASE}"

        generated = {
            "SCANWAY_REDIS_URL": f"redis://:{secrets['VALKEY_PASSWORD']}@{local['valkey']}/0",
            "SCANWAY_DATABASE_URL": database(APP, "POSTGRES_APP_PASSWORD"),
            "SCANWAY_DATABASE_OWNER_URL": database(OWNER, "POSTGRES_OWNER_PASSWORD"),
            "SCANWAY_CLICKHOUSE_URL": (
                f"http://scanway:{secrets['CLICKHOUSE_PASSWORD']}@{local['clickhouse']}/{DATABASE}"
            ),
            "SCANWAY_SECRET_KEY": secrets["SECRET_KEY"],
        }
        settings = {name: given[name] or generated[name] for name in generated}
        replica = ""
        if primary := value(environment, "SCANWAY_REDIS_PRIMARY_URL"):
            replica = given["SCANWAY_REDIS_URL"]
            if not replica:
                raise SetupError(
                    "SCANWAY_REDIS_PRIMARY_URL is set and SCANWAY_REDIS_URL is not. The second names the "
                    "replica that the edge reads; a Valkey without replicas needs SCANWAY_REDIS_URL alone."
                )
            settings["SCANWAY_REDIS_URL"] = primary
        settings |= {
            "SCANWAY_HOME": str(home.path),
            "SCANWAY_EDGE_BIND": str(edge),
            "SCANWAY_CONSOLE_BIND": str(console),
            "SCANWAY_SHORT_URL": environment.get("SCANWAY_SHORT_URL") or f"http://{_reachable(edge)}",
            "SCANWAY_CONSOLE_URL": environment.get("SCANWAY_CONSOLE_URL") or f"http://{_local(console)}",
            "SCANWAY_SPOOL": str(Path(environment.get("SCANWAY_SPOOL") or home.path / "spool").absolute()),
            "SCANWAY_VALKEY_PORT": str(local["valkey"].port),
            "SCANWAY_POSTGRES_PORT": str(local["postgres"].port),
            "SCANWAY_CLICKHOUSE_PORT": str(local["clickhouse"].port),
        }
        for variable in ("SCANWAY_SHORT_URL", "SCANWAY_CONSOLE_URL"):
            settings[variable] = settings[variable].rstrip("/")
            if urlsplit(settings[variable]).scheme not in ("http", "https"):
                raise SetupError(
                    f"{variable} must start with http:// or https://; it is {settings[variable]!r}."
                )
        embedded = tuple(
            name
            for name, variable in (
                ("valkey", "SCANWAY_REDIS_URL"),
                ("postgres", "SCANWAY_DATABASE_URL"),
                ("clickhouse", "SCANWAY_CLICKHOUSE_URL"),
            )
            if not given[variable]
        )
        return cls(home, secrets, embedded, local["valkey"], local["postgres"], local["clickhouse"], edge,
        console,
                   settings, replica)  # fmt: skip

    def environment(self, process: str) -> dict[str, str]:
        """The whole environment of one process: this one's, with our settings, without others' secrets.

        `setup`, the step that migrates, is given everything.
        """
        hidden = _GUARDED - _NEEDS[process] if process in _NEEDS else set()
        hidden |= {f"{name}_FILE" for name in _GUARDED}
        merged = {**os.environ, **self.settings, "PYTHONUNBUFFERED": "1"}
        if process == "edge" and self.replica:
            merged["SCANWAY_REDIS_PRIMARY_URL"] = merged["SCANWAY_REDIS_URL"]
            merged["SCANWAY_REDIS_URL"] = self.replica
        return {name: text for name, text in merged.items() if name not in hidden}


def _local(bind: Bind) -> Bind:
    return Bind("127.0.0.1", bind.port) if bind.host in ("0.0.0.0", "::") else bind  # noqa: S104


def _reachable(bind: Bind) -> Bind:
    """Where a phone on the same network finds what listens on every address."""
    return Bind(lan_address(), bind.port) if bind.host in ("0.0.0.0", "::") else bind  # noqa: S104
