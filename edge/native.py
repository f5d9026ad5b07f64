"""Compiles the modules that a scan goes through to C, by mypyc, and has the edge use what was compiled.

The sources stay what is read and edited. mypyc takes them as they are; the unit tests, and an edge where
nothing was compiled, run them as Python. `python -m edge.native` compiles them into the Python environment,
into a folder named after their contents, so that an edited source is never overruled by what was compiled
before.
"""

import hashlib
import importlib.machinery
import logging
import os
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Final

log = logging.getLogger("edge.native")

MODULES: Final = (
    "analytics.events.segment",
    "analytics.visitors.glance",
    "analytics.visitors.language",
    "analytics.visitors.referrer",
    "edge.app",
    "edge.client_address",
    "edge.compile",
    "edge.conditions",
    "edge.decide",
    "edge.destination",
    "edge.dispatch",
    "edge.domains",
    "edge.entry",
    "edge.event_id",
    "edge.facts",
    "edge.long_way",
    "edge.metrics",
    "edge.places",
    "edge.recorder",
    "edge.request",
    "edge.resolver",
    "edge.spool",
    "edge.valkey_line",
    "edge.visit",
)
"""Compiled together: they call each other in C, so either all of them are used or none."""

_ROOT: Final = Path(__file__).parent.parent


def sources() -> list[Path]:
    return [_ROOT / f"{name.replace('.', '/')}.py" for name in MODULES]


def folder() -> Path:
    """Where the compilation of exactly these sources for exactly this Python is, or would be.

    Their whole packages are looked at: mypyc copies constants of the modules beside them.
    """
    digest = hashlib.sha256(sys.version.encode())
    for package in sorted({name.partition(".")[0] for name in MODULES}):
        for path in sorted((_ROOT / package).rglob("*.py")):
            digest.update(path.read_bytes())
    return Path(sys.prefix) / "native" / digest.hexdigest()[:16]


class _Finder:
    """Finds the compiled modules before the import system finds their sources."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in MODULES:
            return None
        parent = self._place.joinpath(*name.split(".")[:-1])
        found = importlib.machinery.PathFinder.find_spec(name, [str(parent)], target)
        if found is None:
            # Its source would not do: the others call it in C.
            raise ImportError(f"{name} is missing in {self._place}. Remove that folder and start again.")
        return found


def use() -> bool:
    """Call it before any of these modules is imported. Whether compiled ones will be."""
    if any(name in sys.modules for name in MODULES):
        return False
    try:
        place = folder()
    except OSError:  # there are no sources here to compare with
        return False
    if not place.is_dir():
        return False
    sys.path.append(str(place))  # what they share is a module of its own
    sys.meta_path.insert(0, _Finder(place))
    log.info("The hot path is compiled.")
    return True


def build() -> Path:
    """Compiles, which takes a minute, unless that was done. Raises what mypyc and setuptools raise."""
    from mypyc.build import mypycify
    from setuptools import Distribution

    place = folder()
    if place.is_dir():
        return place
    place.parent.mkdir(exist_ok=True)
    os.chdir(_ROOT)
    with tempfile.TemporaryDirectory(dir=place.parent) as name:
        made = Path(name)
        extensions = mypycify(
            ["--config-file=pyproject.toml", *(str(path.relative_to(_ROOT)) for path in sources())],
            opt_level="3",
            debug_level="0",
            target_dir=f"{made}/c",
        )
        for extension in extensions:
            # A compiler newer than mypyc may warn of what mypyc wrote.
            options = extension.extra_compile_args
            extension.extra_compile_args = [option for option in options if option != "-Werror"]
        command = Distribution({"name": "edge", "ext_modules": extensions}).get_command_obj("build_ext")
        command.build_lib, command.build_temp = f"{made}/lib", f"{made}/objects"
        command.ensure_finalized()
        command.run()
        (made / "lib").rename(place)
    return place


def main() -> None:
    """Exits 3 where this machine cannot compile, and 1 where these sources cannot be compiled."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None or not Path(sysconfig.get_path("include"), "Python.h").exists():
        print(
            f"The edge is not compiled and runs as Python: that takes the C compiler {compiler} and Python's "
            "headers. On Debian and Ubuntu: apt-get install gcc python3-dev",
            file=sys.stderr,
        )
        raise SystemExit(3)
    print(f"The edge's hot path is compiled: {build()}")


if __name__ == "__main__":
    main()
