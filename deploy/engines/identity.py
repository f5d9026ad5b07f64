"""Who a program runs as, and what that user can reach."""

import os
import pwd
import subprocess
from collections.abc import Iterable
from pathlib import Path


def nobody() -> tuple[int, int]:
    """User and group id of `nobody`. Containers without /etc/passwd use the number that is common to all."""
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return 65534, 65534
    return entry.pw_uid, entry.pw_gid


def can_reach(identity: tuple[int, int] | None, paths: Iterable[Path]) -> bool:
    """May that user run these files and pass through these folders? Asked of the kernel, by a process that is
    that user: it knows of access lists, mounts and name spaces. None is the present user."""
    if identity is None:
        return all(os.access(path, os.X_OK) for path in paths)
    script = 'for path; do test -x "$path" || exit 1; done'
    command = ["/bin/sh", "-c", script, "sh", *map(str, paths)]
    return not subprocess.run(  # noqa: S603
        command, user=identity[0], group=identity[1], extra_groups=[], cwd="/", check=False
    ).returncode
