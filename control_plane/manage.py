"""Django's management commands: from the `scanway` command, or by python -m control_plane.manage <name>."""

import os
import sys


def call(name: str, *args: str) -> None:
    """Run one command as if it had been typed: `call("create_key", "--workspace", "cafe")`.

    Leaves by SystemExit(1), with the sentence on stderr, where the command refuses.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "control_plane.settings")
    from django.core.management import execute_from_command_line

    from control_plane.config import ConfigError

    try:
        execute_from_command_line(["scanway", name, *args])
    except ConfigError as error:
        print(f"ERROR settings: {error}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    call(*(sys.argv[1:] or ["help"]))
