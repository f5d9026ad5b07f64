"""The lock: it fits pyproject.toml, and tells nobody where packages came from."""

import tomllib
from pathlib import Path

from deploy.bootstrap import entry
from deploy.lockfile import problems

ROOT = Path(__file__).parents[2]
PROJECT = {"dependencies": ["click>=8.1"], "optional-dependencies": {"dev": ["pandas>=3"]}}
HASH = "    --hash=sha256:" + "0" * 64 + "\n"
LOCK = f"click==8.2.0 \\\n{HASH}    # via scanway\npandas==1.0 ; sys_platform == 'never' \\\n{HASH}"


def test_ours_fits() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert problems(lock, project, (ROOT / "overrides.txt").read_text("utf-8")) == []
    assert entry("uv", lock).startswith("uv==")


def test_an_override_is_not_held_to_its_range() -> None:
    assert problems(LOCK, PROJECT, "pandas ; sys_platform == 'never'\n") == []
    assert problems(LOCK, PROJECT, "") == ["requirements.lock has pandas 1.0, not >=3. Run: make lock"]


def test_what_is_missing_too_old_or_without_a_hash() -> None:
    overrides = "pandas\n"
    assert problems(LOCK.replace("click", "clack"), PROJECT, overrides) == [
        "requirements.lock lacks click. Run: make lock"
    ]
    assert problems(LOCK.replace("8.2.0", "8.0"), PROJECT, overrides) == [
        "requirements.lock has click 8.0, not >=8.1. Run: make lock"
    ]
    assert problems(LOCK.replace(HASH, "", 1), PROJECT, overrides) == [
        "requirements.lock has no hash for click. Run: make lock"
    ]


def test_no_index_in_the_lock() -> None:
    for line in (
        "--index-url https://packages.example/simple",
        "# from https://packages.example",
        "-f /wheels",
    ):
        assert len(problems(f"{line}\n{LOCK}", PROJECT, "pandas\n")) == 1


def test_one_entry_for_pip() -> None:
    assert entry("click", LOCK) == f"click==8.2.0 \\\n{HASH}"
    assert entry("absent", LOCK) == ""
