"""What `scanway up` makes of its environment."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.config import REQUIRED, Setup, adopt_running, require, value
from deploy.errors import SetupError
from deploy.home import Home


def setup(folder: Path, environment: Mapping[str, str] | None = None) -> Setup:
    home = Home(folder / "home")
    home.create()
    return Setup.from_env(environment or {}, home)


def test_everything_is_embedded_where_no_url_is_given(tmp_path: Path) -> None:
    made = setup(tmp_path)
    assert made.embedded == ("valkey", "postgres", "clickhouse")
    assert made.settings["SCANWAY_REDIS_URL"].endswith("@127.0.0.1:16379/0")
    assert made.settings["SCANWAY_DATABASE_URL"].startswith("postgresql://scanway_app:")
    assert made.settings["SCANWAY_DATABASE_OWNER_URL"].startswith("postgresql://scanway_owner:")
    assert made.settings["SCANWAY_CLICKHOUSE_URL"].endswith("@127.0.0.1:18123/scanway")
    assert made.settings["SCANWAY_SHORT_URL"].endswith(":8080")
    assert made.settings["SCANWAY_CONSOLE_URL"] == "http://127.0.0.1:8000"
    assert Path(made.settings["SCANWAY_SPOOL"]).is_absolute()


@pytest.mark.parametrize(
    ("variables", "left"),
    [
        ({"SCANWAY_REDIS_URL": "redis://a/0"}, ("postgres", "clickhouse")),
        ({"SCANWAY_CLICKHOUSE_URL": "http://a/b"}, ("valkey", "postgres")),
        (
            {"SCANWAY_DATABASE_URL": "postgresql://a/b", "SCANWAY_DATABASE_OWNER_URL": "postgresql://c/b"},
            ("valkey", "clickhouse"),
        ),
    ],
)
def test_a_url_replaces_an_engine(tmp_path: Path, variables: dict[str, str], left: tuple[str, ...]) -> None:
    made = setup(tmp_path, variables)
    assert made.embedded == left
    assert variables.items() <= made.settings.items()


def test_a_secret_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("redis://from-a-file/0\n")
    assert (
        setup(tmp_path, {"SCANWAY_REDIS_URL_FILE": str(file)}).settings["SCANWAY_REDIS_URL"]
        == "redis://from-a-file/0"
    )
    with pytest.raises(SetupError, match="SCANWAY_REDIS_URL_FILE names /nowhere, which cannot be read"):
        value({"SCANWAY_REDIS_URL_FILE": "/nowhere"}, "SCANWAY_REDIS_URL")


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"SCANWAY_DATABASE_URL": "postgresql://a/b"}, "SCANWAY_DATABASE_OWNER_URL is not"),
        ({"SCANWAY_DATABASE_OWNER_URL": "postgresql://a/b"}, "SCANWAY_DATABASE_URL is not"),
        ({"SCANWAY_EDGE_BIND": "8080"}, "SCANWAY_EDGE_BIND must look like 0.0.0.0:8080"),
        ({"SCANWAY_EDGE_BIND": "0.0.0.0:99999"}, "a port number from 1 to 65535; it is '99999'"),
        ({"SCANWAY_VALKEY_PORT": "many"}, "SCANWAY_VALKEY_PORT must be a port number"),
        (
            {"SCANWAY_VALKEY_PORT": "8080"},
            "SCANWAY_EDGE_BIND and SCANWAY_VALKEY_PORT name the same port, 8080",
        ),
        ({"SCANWAY_SHORT_URL": "go.example.com"}, "SCANWAY_SHORT_URL must start with http"),
        ({"SCANWAY_REDIS_PRIMARY_URL": "redis://a/0"}, "SCANWAY_REDIS_URL is not"),
        ({"SCANWAY_SECRET_KEY": "short"}, "SCANWAY_SECRET_KEY is too short"),
        ({"SCANWAY_SECRET_KEY": "a" * 50}, "SCANWAY_SECRET_KEY is too short or too simple"),
    ],
)
def test_what_cannot_work_is_a_sentence(tmp_path: Path, variables: dict[str, str], sentence: str) -> None:
    with pytest.raises(SetupError) as caught:
        setup(tmp_path, variables)
    assert sentence in str(caught.value)


def test_a_process_is_given_no_secret_that_it_does_not_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCANWAY_SECRET_KEY_FILE", "/run/secrets/key")
    made = setup(tmp_path)
    edge = made.environment("edge")
    assert "SCANWAY_REDIS_URL" in edge
    assert not {"SCANWAY_DATABASE_URL", "SCANWAY_DATABASE_OWNER_URL", "SCANWAY_SECRET_KEY",
    "SCANWAY_CLICKHOUSE_URL",
                "SCANWAY_SECRET_KEY_FILE"} & edge.keys()  # fmt: skip
    assert "SCANWAY_DATABASE_OWNER_URL" not in made.environment("console")
    assert "SCANWAY_DATABASE_OWNER_URL" not in made.environment("worker")
    assert made.settings.items() <= made.environment("setup").items()


def test_the_edge_alone_reads_a_replica(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"SCANWAY_REDIS_URL": "redis://near/0", "SCANWAY_REDIS_PRIMARY_URL": "redis://far/0"}
    for name, url in given.items():
        monkeypatch.setenv(name, url)
    made = setup(tmp_path, given)
    assert given.items() <= made.environment("edge").items()
    for process in ("ingest", "console", "worker", "setup"):
        assert made.environment(process)["SCANWAY_REDIS_URL"] == "redis://far/0"
    assert "valkey" not in made.embedded


def test_a_process_started_by_hand_names_all_that_it_lacks() -> None:
    with pytest.raises(SetupError) as caught:
        require("ingest", {"SCANWAY_REDIS_URL": "redis://a/0"})
    assert "SCANWAY_CLICKHOUSE_URL (for example http://" in str(caught.value)
    assert "SCANWAY_SPOOL" in str(caught.value)
    assert "SCANWAY_REDIS_URL" not in str(caught.value)


def test_a_process_started_by_hand_refuses_a_weak_key() -> None:
    environment = dict.fromkeys(REQUIRED["console"], "x")
    with pytest.raises(SetupError, match="SCANWAY_SECRET_KEY is too short"):
        require("console", environment)


def test_an_operator_finds_what_runs_from_the_same_folder(tmp_path: Path) -> None:
    (tmp_path / "environment").write_text("SCANWAY_DATABASE_URL=postgresql://embedded\nSCANWAY_SPOOL=/s\n")
    environment = {"SCANWAY_HOME": str(tmp_path), "SCANWAY_SPOOL": "/mine"}
    adopt_running(environment)
    assert environment["SCANWAY_DATABASE_URL"] == "postgresql://embedded"
    assert environment["SCANWAY_SPOOL"] == "/mine"
    # Somebody who names a database means that one, and none of the embedded servers beside it.
    environment = {"SCANWAY_HOME": str(tmp_path), "SCANWAY_DATABASE_URL": "postgresql://other"}
    adopt_running(environment)
    assert "SCANWAY_SPOOL" not in environment
