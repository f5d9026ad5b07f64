"""Whether a start has to set the databases up, or nothing changed since the last one that did.

Setting up costs two seconds of Django, most of a second start. It is skipped where all three hold: every
database is the embedded one, none of their folders was made anew, and no file that says what to set up has
changed.
"""

import hashlib
from importlib import metadata
from pathlib import Path

import analytics.schema
import control_plane

# Packages that bring migrations of their own.
PACKAGES = ("django", "django-allauth", "django-axes", "procrastinate")


def content() -> str:
    """A digest of every migration, ours and those that packages bring, and of what applies them."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        digest.update(f"{package}=={metadata.version(package)}\n".encode())
    ours = [
        path
        for path in Path(next(iter(control_plane.__path__))).rglob("*.py")
        if path.parent.name in ("migrations", "commands")
        or path.name in ("grants.py", "settings.py", "wall.py")
    ]
    ours += [
        path
        for path in Path(next(iter(analytics.schema.__path__))).iterdir()
        if path.suffix in (".py", ".sql")
    ]
    for path in sorted(ours):
        digest.update(path.read_bytes())
    return digest.hexdigest()


class Stamp:
    def __init__(self, home: Path) -> None:
        self._path = home / "provisioned"

    def is_current(self) -> bool:
        try:
            return self._path.read_text("utf-8").strip() == content()
        except FileNotFoundError:
            return False

    def write(self) -> None:
        self._path.write_text(content() + "\n", "utf-8")

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)
