"""The `scanway` command. Each subcommand imports what it needs when it runs, so that help is instant."""

import os
import sys
from collections.abc import Callable

import click

from deploy import __version__
from deploy.errors import DeployError, SetupError

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


class Commands(click.Group):
    """Lists commands in the order they are written, and turns our errors into one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except DeployError as error:
            click.echo(f"scanway: {error}", err=True)
            ctx.exit(error.exit_code)


@click.group(cls=Commands, context_settings=CONTEXT)
@click.version_option(__version__, message="scanway %(version)s")
def main() -> None:
    """Smart links and printed codes, on your own machine.

    \b
    Start here:
      scanway up            everything on this machine, with embedded databases
      scanway doctor        is everything as it should be? what to do if not

    Every setting is an environment variable; a secret may also be in a file that NAME_FILE names.
    Commands for operators (migrate, publish, key, user, doctor) find what `scanway up` runs from the same
    folder.
    """


@main.command()
def up() -> None:
    """Start everything: databases, edge, ingest, console and worker.

    Data goes to .scanway in the current folder, or to SCANWAY_HOME. The first start makes an account and
    prints its password. Ctrl-C stops everything; what you made is there at the next start.

    \b
    Examples:
      scanway up
      SCANWAY_HOME=/srv/scanway scanway up
      SCANWAY_EDGE_BIND=0.0.0.0:8081 SCANWAY_CONSOLE_BIND=0.0.0.0:8001 scanway up
      SCANWAY_SHORT_URL=https://go.example.com SCANWAY_CONSOLE_URL=https://links.example.com scanway up
      SCANWAY_REDIS_URL=redis://10.0.0.5:6379/0 scanway up        (your Valkey instead of the embedded one)
    """
    from deploy.up import run

    sys.exit(run())


def _serve(process: str, settings: Callable[[], object], start: Callable[[], object]) -> None:
    """Check the settings in full before anything starts, so that what is missing is a sentence."""
    from deploy.config import require

    require(process, os.environ)
    try:
        settings()
    except ValueError as error:
        raise SetupError(str(error)) from error
    start()


@main.command()
def edge() -> None:
    """Answer short links. Needs SCANWAY_REDIS_URL and SCANWAY_SPOOL.

    \b
    Example:
      SCANWAY_REDIS_URL=redis://127.0.0.1:6379/0 SCANWAY_SPOOL=/var/lib/scanway/spool \\
      SCANWAY_EDGE_BIND=0.0.0.0:8080 SCANWAY_EDGE_WORKERS=2 scanway edge
    """

    def settings() -> object:
        from edge.settings import from_env

        return from_env()

    def start() -> None:
        from edge.server import serve

        serve()

    _serve("edge", settings, start)


@main.command()
def ingest() -> None:
    """Carry scans from this host's spool to ClickHouse. One per edge host.

    \b
    Example:
      SCANWAY_SPOOL=/var/lib/scanway/spool SCANWAY_REDIS_URL=redis://127.0.0.1:6379/0 \\
      SCANWAY_CLICKHOUSE_URL=http://scanway:password@10.0.0.7:8123/scanway scanway ingest
    """

    def settings() -> object:
        from analytics.ingest.settings import Settings

        return Settings.from_env()

    def start() -> None:
        from analytics.ingest.main import run

        run()

    _serve("ingest", settings, start)


def _console_settings() -> object:
    from control_plane.config import Config

    return Config.from_env()


@main.command()
def console() -> None:
    """Serve the console and the API. Needs PostgreSQL, Valkey and ClickHouse.

    \b
    Example:
      SCANWAY_DATABASE_URL=postgresql://scanway_app:password@10.0.0.6/scanway \\
      SCANWAY_REDIS_URL=redis://10.0.0.5:6379/0 \\
      SCANWAY_CLICKHOUSE_URL=http://scanway:password@10.0.0.7:8123/scanway \\
      SCANWAY_SECRET_KEY_FILE=/run/secrets/key SCANWAY_SHORT_URL=https://go.example.com \\
      SCANWAY_CONSOLE_URL=https://links.example.com scanway console
    """

    def start() -> None:
        from control_plane.server import serve

        serve()

    _serve("console", _console_settings, start)


@main.command()
def worker() -> None:
    """Run background jobs: republishing links, and what is scheduled. Same settings as the console."""

    def start() -> None:
        from control_plane.worker import run

        run()

    _serve("worker", _console_settings, start)


@main.command()
def clickhouse() -> None:
    """Serve embedded ClickHouse (chDB) over ClickHouse's HTTP interface.

    \b
    Example:
      SCANWAY_CLICKHOUSE_PATH=/var/lib/scanway/clickhouse SCANWAY_CLICKHOUSE_BIND=127.0.0.1:18123 \\
      SCANWAY_CLICKHOUSE_PASSWORD=… scanway clickhouse
    """

    def settings() -> object:
        from deploy.clickhouse.config import Config

        return Config.from_env()

    def start() -> None:
        from deploy.clickhouse.server import serve

        serve()

    _serve("clickhouse", settings, start)


def _operator(name: str) -> None:
    """An operator's command: take over what runs from this folder, then check that nothing lacks."""
    from deploy.config import adopt_running, require

    adopt_running(os.environ)
    require(name, os.environ)


def _manage(name: str, *arguments: str) -> None:
    from control_plane.manage import call

    call(name, *arguments)


@main.command()
def migrate() -> None:
    """Bring PostgreSQL's tables and ClickHouse's schema up to date. `scanway up` does this itself.

    PostgreSQL's tables are made by their owner: SCANWAY_DATABASE_OWNER_URL. The role in SCANWAY_DATABASE_URL
    gets its rights on them; it must be another one, so that row-level security holds for it.
    """
    _operator("migrate")
    from deploy.provision import migrate as run

    run()


@main.command()
@click.option("--all", "everything", is_flag=True, required=True, help="Every link of every workspace.")
def publish(everything: bool) -> None:
    """Write links from PostgreSQL to Valkey again.

    Not needed in daily life: a worker does it by itself when Valkey was emptied.

    \b
    Example:
      scanway publish --all
    """
    _operator("publish")
    _manage("publish", *(["--all"] if everything else []))


@main.group(cls=Commands)
def key() -> None:
    """API keys."""


@key.command("create")
@click.option("--workspace", required=True, help="The workspace's slug, as in its address.")
@click.option("--name", required=True, help="What the key is for.")
@click.option("--scopes", help="With commas; all of them by default.")
@click.option("--days", type=int, help="Days until it expires; never by default.")
def key_create(workspace: str, name: str, scopes: str | None, days: int | None) -> None:
    """Create an API key and print it, this once.

    \b
    Example:
      scanway key create --workspace my-workspace --name "Till in Lisbon" --days 365
    """
    _operator("key")
    more = [] if scopes is None else ["--scopes", scopes]
    more += [] if days is None else ["--days", str(days)]
    _manage("create_key", "--workspace", workspace, "--name", name, *more)


@main.group(cls=Commands)
def user() -> None:
    """Accounts."""


@user.command("create")
@click.option("--email", required=True)
@click.option("--workspace", help="Name of a new workspace that this account owns.")
@click.option("--name", help="The person's name.")
def user_create(email: str, workspace: str | None, name: str | None) -> None:
    """Create an account. The password is asked for.

    \b
    Example:
      scanway user create --email ana@example.com --workspace "Ana's café"
    """
    _operator("user")
    more = [] if workspace is None else ["--workspace", workspace]
    more += [] if name is None else ["--name", name]
    _manage("create_user", "--email", email, *more)


@user.command("password")
@click.argument("email")
def user_password(email: str) -> None:
    """Give an account a new password, which is asked for.

    \b
    Example:
      scanway user password admin@example.com
    """
    _operator("user")
    _manage("changepassword", email)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def doctor(as_json: bool) -> None:
    """Check every server, version, folder, clock and port, and say what to do about what is wrong.

    Leaves with 1 where something is wrong.
    """
    from deploy.config import adopt_running
    from deploy.doctor import run

    adopt_running(os.environ)
    sys.exit(run(as_json=as_json))


@main.command()
@click.option("--repair", "mend", is_flag=True, help="Rebuild the rollups of past days that differ.")
def verify(mend: bool) -> None:
    """Compare ClickHouse's rows with their unique ids and with each rollup, day by day.

    And scans of passes at gates with those in PostgreSQL.

    Leaves with 1 where they differ.

    \b
    Examples:
      scanway verify
      scanway verify --repair       (stop ingest first where scans of past days may still arrive)
    """
    from deploy.config import adopt_running
    from deploy.verify import run

    adopt_running(os.environ)
    sys.exit(run(mend=mend))


if __name__ == "__main__":
    main()
