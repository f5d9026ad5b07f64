"""The `scanway` command's surface."""

import os
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from deploy import __version__
from deploy.cli import main

ROOT = Path(__file__).parents[2]


def every_command(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        found.append((*path, name))
        if isinstance(command, click.Group):
            found += every_command(command, (*path, name))
    return found


def test_the_commands() -> None:
    wanted = ["up", "edge", "ingest", "console", "worker", "clickhouse"]
    wanted += ["migrate", "publish", "doctor", "verify"]
    wanted += ["key create", "user create", "user password"]
    assert {" ".join(path) for path in every_command(main)} >= set(wanted)


@pytest.mark.parametrize("path", every_command(main), ids=" ".join)
def test_each_has_help(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*path, "--help"])
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 4


@pytest.mark.parametrize("process", ["edge", "ingest", "console", "worker", "migrate", "verify"])
def test_a_missing_variable_is_one_sentence(
    process: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in list(os.environ):
        if name.startswith("SCANWAY_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SCANWAY_HOME", str(tmp_path))
    result = CliRunner().invoke(main, [process])
    assert result.exit_code == 2
    assert result.output.startswith(f"scanway: `scanway {process}` needs th")
    assert "SCANWAY_" in result.output
    assert result.output.count("\n") == 1


def test_a_bad_value_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCANWAY_REDIS_URL", "redis://127.0.0.1/0")
    monkeypatch.setenv("SCANWAY_SPOOL", "/spool")
    monkeypatch.setenv("SCANWAY_EDGE_BIND", "nonsense")
    result = CliRunner().invoke(main, ["edge"])
    assert result.exit_code == 2
    assert "SCANWAY_EDGE_BIND" in result.output
    assert result.output.count("\n") == 1


def test_the_version_is_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == __version__
    assert CliRunner().invoke(main, ["--version"]).output == f"scanway {__version__}\n"
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")
