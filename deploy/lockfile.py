"""Does requirements.lock fit pyproject.toml? Part of `make check`: `python -m deploy.lockfile`."""

import re
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ENTRY = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(?:\s*;\s*([^\\]+?))?\s*\\?$")


def read(lock: str) -> dict[str, str]:
    """Name → version of every entry."""
    matches = (ENTRY.match(line) for line in lock.splitlines())
    return {canonicalize_name(match[1]): match[2] for match in matches if match}


def problems(lock: str, project: dict[str, object], overrides: str) -> list[str]:
    """One sentence for each thing that is wrong."""
    found = []
    pinned = read(lock)
    replaced = {
        canonicalize_name(Requirement(line).name)
        for line in overrides.splitlines()
        if line.strip() and not line.startswith("#")
    }
    wanted = list(project["dependencies"])  # type: ignore[call-overload]
    for extra in project["optional-dependencies"].values():  # type: ignore[attr-defined]
        wanted += extra
    for text in wanted:
        requirement = Requirement(text)
        version = pinned.get(canonicalize_name(requirement.name))
        if version is None:
            found.append(f"requirements.lock lacks {requirement.name}. Run: make lock")
        elif canonicalize_name(requirement.name) not in replaced and not requirement.specifier.contains(
            version, prereleases=True
        ):
            found.append(
                f"requirements.lock has {requirement.name} {version}, not {requirement.specifier}. Run: "
                "make lock"
            )
    entry, hashes = "", 0
    for line in [*lock.splitlines(), "end==0"]:
        if match := ENTRY.match(line):
            if entry and not hashes:
                found.append(f"requirements.lock has no hash for {entry}. Run: make lock")
            entry, hashes = match[1], 0
        hashes += line.strip().startswith("--hash=")
    for number, line in enumerate(lock.splitlines(), 1):
        if "://" in line or re.match(r"\s*(-i|-f|--(extra-)?index-url|--find-links)\b", line):
            found.append(f"requirements.lock names where a package comes from, in line {number}. Remove it.")
    return found


def main() -> int:
    project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
    found = problems(
        Path("requirements.lock").read_text("utf-8"), project, Path("overrides.txt").read_text("utf-8")
    )
    for sentence in found:
        print(sentence, file=sys.stderr)
    if not found:
        print("requirements.lock fits pyproject.toml.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
