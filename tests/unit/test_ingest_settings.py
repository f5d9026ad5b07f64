"""What ingest is told, and what it tells."""

import re
from pathlib import Path

import pytest

from analytics.ingest.backoff import LONGEST, SAY_EVERY, Backoff
from analytics.ingest.failpoint import Failpoint
from analytics.ingest.settings import Settings, SettingsError
from analytics.ingest.status import Status, StatusFile, read_status
from analytics.visitors.bots import SIGNALS

README = (Path(__file__).parents[2] / "analytics/README.md").read_text(encoding="utf-8")
ENV = {
    "SCANWAY_SPOOL": "/spool",
    "SCANWAY_CLICKHOUSE_URL": "http://scanway:secret@ch:8123/scanway",
    "SCANWAY_REDIS_URL": "redis://valkey/0",
    "SCANWAY_SHORT_URL": "https://www.Go.example.com:8080/x",
}


def test_settings_are_read_once_and_show_no_secret():
    settings = Settings.from_env(ENV)
    assert settings.spool == Path("/spool")
    assert settings.own_hosts == {"go.example.com"}
    assert "secret" not in repr(settings)


def test_secrets_may_be_in_files(tmp_path):
    (tmp_path / "url").write_text("http://u:p@ch/db\n")
    env = {name: value for name, value in ENV.items() if name != "SCANWAY_CLICKHOUSE_URL"}
    settings = Settings.from_env(env | {"SCANWAY_CLICKHOUSE_URL_FILE": str(tmp_path / "url")})
    assert settings.clickhouse_url == "http://u:p@ch/db"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"SCANWAY_CLICKHOUSE_URL": ""}, "Set SCANWAY_CLICKHOUSE_URL"),
        ({"SCANWAY_CLICKHOUSE_URL": "http://u:secret@ch:8123"}, "must name one database"),
        ({"SCANWAY_REDIS_URL": ""}, "Set SCANWAY_REDIS_URL"),
        (
            {"SCANWAY_REDIS_URL": "", "SCANWAY_REDIS_URL_FILE": "/nowhere"},
            "SCANWAY_REDIS_URL_FILE names /nowhere",
        ),
        ({"SCANWAY_GEOIP_PATH": "/nowhere.mmdb"}, "there is no such file"),
        ({"SCANWAY_SHORT_URL": "http://["}, "SCANWAY_SHORT_URL is “http://[”. Set an address"),
    ],
)
def test_what_cannot_work_is_said(change, sentence):
    with pytest.raises(SettingsError, match=re.escape(sentence)) as raised:
        Settings.from_env(ENV | change)
    assert "secret" not in str(raised.value)


def test_an_unknown_failpoint_is_refused(tmp_path):
    with pytest.raises(ValueError, match="SCANWAY_FAILPOINT"):
        Failpoint("anywhere", tmp_path)


def test_waiting_grows_to_a_bound_and_is_said_now_and_then(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("analytics.ingest.backoff.time.monotonic", lambda: now[0])
    backoff = Backoff()
    assert backoff.worked() is None
    said = 0
    for _ in range(70):
        assert 0 <= backoff.failed() <= LONGEST
        said += backoff.should_say()
        now[0] += 1
    assert said == 1 + int(69 // SAY_EVERY)
    assert backoff.worked() == pytest.approx(70)
    backoff.failed()
    assert backoff.should_say()


def test_the_status_file_is_whole_or_absent(tmp_path):
    assert read_status(tmp_path) is None
    status = Status(pid=7, backlog_segments=3)
    StatusFile(tmp_path, status).write()
    assert read_status(tmp_path).backlog_segments == 3
    (tmp_path / "ingest.json").write_text('{"pid": ')
    assert read_status(tmp_path) is None


def test_a_full_disk_stops_no_delivery(tmp_path):
    status = Status()
    StatusFile(tmp_path / "gone", status).write()
    assert "cannot be written" in status.last_error


def test_the_readme_names_the_signals_and_their_points():
    table = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", README, re.MULTILINE))
    assert {name: int(points) for name, points in table.items()} == SIGNALS


def test_the_readme_names_the_settings_and_no_others():
    source = (Path(__file__).parents[2] / "analytics/ingest/settings.py").read_text(encoding="utf-8")
    names = set(re.findall(r'"(SCANWAY_[A-Z_]+)"', source))
    assert set(re.findall(r"^\| `(SCANWAY_[A-Z_]+)`", README, re.MULTILINE)) == names
