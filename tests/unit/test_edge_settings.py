import re
from pathlib import Path

import pytest

from analytics.events import Reason
from edge import metrics
from edge.settings import SettingError, Settings, from_env

README = (Path(metrics.__file__).parent / "README.md").read_text(encoding="utf-8")


def test_an_empty_environment_gives_the_defaults():
    settings = from_env({})
    assert settings.spool == Path(".scanway/spool").absolute()
    assert (settings.host, settings.port, settings.workers) == ("0.0.0.0", 8080, 1)
    assert settings.redis_url == Settings().redis_url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SCANWAY_EDGE_BIND", "8080"),
        ("SCANWAY_EDGE_BIND", "0.0.0.0:http"),
        ("SCANWAY_EDGE_BIND", "0.0.0.0:70000"),
        ("SCANWAY_EDGE_WORKERS", "0"),
        ("SCANWAY_EDGE_WORKERS", "two"),
        ("SCANWAY_EDGE_WORKERS", "-1"),
        ("SCANWAY_SPOOL_QUOTA", "1 GB"),
        ("SCANWAY_L1_ENTRIES", "1_000"),
        ("SCANWAY_UNKNOWN_LIMIT", "-5"),
        ("SCANWAY_CONSOLE_URL", "console.example.com"),
        ("SCANWAY_CONSOLE_URL", "https://console.example.com/\r\nx: y"),
        ("SCANWAY_REDIS_URL", "localhost:6379"),
        ("SCANWAY_REDIS_URL", "redis://host:port/0"),
        ("SCANWAY_REDIS_URL", "redis+cluster://10.0.0.1:0"),
        ("SCANWAY_REDIS_URL", "redis+sentinel://10.0.0.1"),
        ("SCANWAY_REDIS_PRIMARY_URL", "10.0.0.1:6379"),
        ("SCANWAY_REDIS_PRIMARY_URL", "redis+cluster://10.0.0.1:6379"),
        ("SCANWAY_REDIS_URL_FILE", "/does/not/exist"),
        ("SCANWAY_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("SCANWAY_TRUSTED_PROXIES", "proxy.example"),
        ("SCANWAY_SHORT_URL", "go.example.com"),
        ("SCANWAY_SHORT_URL", "go.example.com:8080"),
        ("SCANWAY_SHORT_URL", "https://"),
        ("SCANWAY_SHORT_URL", "http://["),
    ],
)
def test_a_bad_value_is_refused_with_a_sentence_that_names_it(name, value):
    with pytest.raises(SettingError, match=name):
        from_env({name: value})


def test_the_url_may_come_from_a_file_and_a_password_is_not_quoted(tmp_path):
    file = tmp_path / "url"
    file.write_text("rediss://:s3cret@valkey.example:6380/0\n")
    settings = from_env({"SCANWAY_REDIS_URL_FILE": str(file)})
    assert settings.redis_url == "rediss://:s3cret@valkey.example:6380/0"
    with pytest.raises(SettingError) as refused:
        from_env({"SCANWAY_REDIS_URL": "http://:s3cret@host"})
    assert "s3cret" not in str(refused.value)


def test_the_short_domain_is_the_host_of_its_url():
    assert from_env({"SCANWAY_SHORT_URL": "https://Go.Example.com:8443/"}).short_host == "go.example.com"
    assert from_env({"SCANWAY_SHORT_URL": ""}).short_host == ""


def test_an_address_of_ipv6_may_be_bound():
    settings = from_env({"SCANWAY_EDGE_BIND": "[::]:80"})
    assert (settings.host, settings.port) == ("::", 80)


def test_the_readme_names_every_setting_reason_and_metric_and_no_other():
    source = (Path(metrics.__file__).parent / "settings.py").read_text(encoding="utf-8")
    assert set(re.findall(r"`(SCANWAY_[A-Z0-9_]+)`", README)) == set(
        re.findall(r'"(SCANWAY_[A-Z0-9_]+)"', source)
    )
    named = set(re.findall(r"`(scanway_edge_[a-z0-9_]+)`", README))
    counters = {f"{name}_total" for name in (metrics.SCANS, *metrics.COUNTERS)}
    assert named == counters | set(metrics.GAUGES) | {metrics.WORKERS, metrics.LATENCY}
    reasons = re.search(r"## Reasons\n(.*?)\n## ", README, re.S).group(1)
    assert set(re.findall(r"^\| `([a-z_]+)`", reasons, re.M)) == {reason.value for reason in Reason}
