"""The load generator's own parts: plans, codes, numbers, SLOs. Locust runs in tests/flows/test_load.py."""

import contextlib
import math
import re
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from bench import latency, load, plan, result, screen, slo, stack
from deploy.ports import free_port

README = Path(load.__file__).with_name("README.md").read_text(encoding="utf-8")
PLAN = plan.Plan("viral", seconds=60, rate=1000)


def entry(name, times, *, failures=0, seconds=None):
    """As locust writes it."""
    return {
        "name": name,
        "num_requests": sum(times.values()),
        "num_failures": failures,
        "total_response_time": sum(int(ms) * scans for ms, scans in times.items()),
        "max_response_time": max(map(int, times)),
        "response_times": times,
        "num_reqs_per_sec": seconds or {"100": sum(times.values())},
    }


def histogram(**counts):
    return latency.Latency({0.001: counts["fast"], 0.01: counts["all"], math.inf: counts["all"]}, 1.0)


def test_a_viral_plan_rises_within_ten_seconds_stays_and_falls_to_a_fifth():
    shares = [PLAN.share(second) for second in range(60)]
    assert shares[0] == 0
    assert shares[5] == 0.5
    assert shares[10:25] == [1.0] * 15
    assert shares[25:] == sorted(shares[25:], reverse=True)
    assert PLAN.share(60) == pytest.approx(plan.TAIL)
    assert PLAN.peak_users == 100
    assert 25_000 < PLAN.planned < 45_000


def test_other_plans_stay_at_their_rate_and_short_ones_rise_faster():
    steady = plan.Plan("steady", seconds=9, rate=50)
    assert [steady.users(second) for second in range(9)] == [1, 2, 4, 5, 5, 5, 5, 5, 5]
    assert steady.planned == 370


def test_a_plan_reaches_locust_as_it_was(tmp_path, monkeypatch):
    written = replace(PLAN, codes={"link": ["abc"], "rules": []}, forwarded=True)
    written.write(tmp_path / "plan.json")
    monkeypatch.setenv(plan.VARIABLE, str(tmp_path / "plan.json"))
    assert plan.from_env() == written


def test_codes_are_one_a_line_with_their_kind():
    text = "# ours\nspring-27\n\nmenu rules # five conditions\nABC link\n"
    assert plan.read_codes(text) == {"link": ["spring-27", "ABC"], "rules": ["menu"]}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("good\nbad gate", "Line 2: "),
        ("a/b", "Line 1: "),
        ("straße", "Line 1: "),
        ("one link more", "Line 1: "),
        ("menu rules", "no code of a plain link"),
        ("", "no code of a plain link"),
    ],
)
def test_codes_that_cannot_be_used_are_refused_with_the_line(text, sentence):
    with pytest.raises(plan.CodesError, match=sentence):
        plan.read_codes(text)


def test_locusts_numbers_are_added_up_by_kind():
    found = result.of_entries(
        [
            entry("link", {"0": 90, "3": 8, "120": 2}, failures=1, seconds={"7": 60, "8": 40}),
            entry("bot", {"5": 10}, seconds={"7": 4, "8": 6}),
            entry("unknown", {"1": 5}, seconds={"9": 5}),
        ]
    )
    assert [(kind.name, kind.scans, kind.errors) for kind in found.kinds] == [
        ("link", 100, 1),
        ("bot", 10, 0),
        ("unknown", 5, 0),
    ]
    assert [found.kinds[0].quantile_ms(share) for share in (0.5, 0.9, 0.95, 0.99, 1.0)] == [0, 0, 3, 120, 120]
    assert found.busiest == 64
    assert (found.all.scans, found.all.max_ms) == (115, 120)
    assert (found.of(robots=False).answered, found.of(robots=True).scans) == (99, 10)


def test_the_edges_time_is_what_its_histogram_grew_by():
    text = "\n".join(
        ["# TYPE scanway_edge_latency_seconds histogram"]
        + [
            f'scanway_edge_latency_seconds_bucket{{le="{bound}"}} {count}'
            for bound, count in (("0.001", 98.0), ("0.01", 100.0), ("+Inf", 101.0))
        ]
        + ["scanway_edge_latency_seconds_count 101", "scanway_edge_latency_seconds_sum 2.02", ""]
    )
    found = latency.parse(text)
    assert found == latency.Latency({0.001: 98.0, 0.01: 100.0, math.inf: 101.0}, 2.02)
    assert [found.quantile_ms(share) for share in (0.5, 0.97, 0.99, 1.0)] == [1, 1, 10, math.inf]
    assert found.mean_ms == pytest.approx(20)
    nothing = found.since(found)
    assert nothing.answers == 0
    assert math.isnan(nothing.mean_ms) and math.isnan(nothing.quantile_ms(0.5))
    assert latency.parse("# TYPE other counter\nother_total 1\n") is None


GOALS = {
    "p50_ms": 1, "p95_ms": 2, "p99_ms": 50, "server_p99_ms": 5, "error_rate": 0.01, "minimum_rate": 0.9,
}  # fmt: skip


def judged(found, goals=GOALS):
    planned = plan.Plan("steady", seconds=10, rate=10)
    return {verdict.name: verdict.met for verdict in slo.judge(goals, found, planned)}


def test_each_goal_is_judged_by_itself():
    fine = result.of_entries([entry("link", {"1": 99, "2": 1}, failures=1)])
    fine.server = histogram(fast=100, all=100)
    assert judged(fine) == dict.fromkeys(
        ("p50 client", "p95 client", "p99 client", "p99 edge", "errors", "rate"), True
    )
    slow = result.of_entries([entry("link", {"1": 40, "60": 20}, failures=2)])
    slow.server = histogram(fast=50, all=60)
    assert judged(slow) == {
        "p50 client": True, "p95 client": False, "p99 client": False, "p99 edge": False,
        "errors": False, "rate": False,
    }  # fmt: skip
    # What cannot be known is not judged; nothing at all is no success.
    assert "p99 edge" not in judged(result.of_entries([entry("link", {"1": 100})]))
    assert not any(judged(result.of_entries([])).values())


@pytest.mark.parametrize(
    ("people", "met"), [(97, False), (98, True), (100, True), (101, False)]
)  # two of a hundred got no answer in time
def test_what_is_recorded_lies_between_what_was_answered_and_what_was_sent(people, met):
    found = result.of_entries([entry("link", {"1": 100}, failures=2), entry("unknown", {"1": 50})])
    found.recorded = result.Recorded(people, 0)
    assert judged(found, {}) == {"recorded people": met, "recorded bots": True}


def test_the_screen_names_what_was_missed_and_fits_on_one():
    found = result.of_entries(
        [entry(name, {"0": 1000, "30": 20}) for name in ("link", "rules", "placement", "unknown", "bot")]
    )
    found.server, found.recorded = histogram(fast=5000, all=5100), result.Recorded(3060, 1019)
    planned = plan.Plan("mixed", seconds=10, rate=500)
    text = screen.summary(found, slo.judge(GOALS, found, planned))
    lines = text.splitlines()
    assert len(lines) <= 22
    assert max(map(len, lines)) <= 79
    assert "<1" in text
    missed = [re.split(r" {2,}", line)[0] for line in lines if line.endswith("MISSED")]
    assert missed == ["p99 edge", "recorded bots"]
    assert "Missed: p99 edge, recorded bots. Scans in the busiest second: 5,100." in text
    numbers = screen.numbers(found, [])
    assert (numbers["scans"]["bot"], numbers["answers"]) == (1020, 5100)


def test_our_own_slos_are_whole_and_the_readme_knows_every_scenario():
    for scenario in plan.SCENARIOS:
        part = slo.read(slo.FILE, scenario)
        # Gates are the console's: the edge has no time of theirs.
        assert set(part.goals) == set(slo.GOALS) - ({"server_p99_ms"} if scenario == "gates" else set())
        assert (load.SCENARIOS / f"{scenario}.py").exists()
        assert re.search(rf"^\| `{scenario}` \|", README, re.M)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "says nothing about steady"),
        ("[steady", "cannot be read"),
        ("[steady]\nseconds = 1\nrate = 1\nprocesses = 1\np42_ms = 1", "no 'p42_ms'"),
        ("[steady]\nseconds = 1\nrate = 1\nprocesses = 1\n[stedy]", "no 'stedy'"),
        ("[steady]\nseconds = 1\nrate = true\nprocesses = 1", "rate of steady has to be a number"),
        ("[steady]\nseconds = -1\nrate = 1\nprocesses = 1", "seconds of steady has to be a number"),
        ("[steady]\nseconds = 1\nprocesses = 1", "steady needs rate, above 0"),
    ],
)
def test_slos_that_cannot_be_used_are_refused_in_words(tmp_path, text, sentence):
    (tmp_path / "slo.toml").write_text(text)
    with pytest.raises(slo.SloError, match=re.escape(sentence)):
        slo.read(tmp_path / "slo.toml", "steady")


@pytest.mark.parametrize(
    "arguments",
    [
        ["rush"],
        ["viral", "--url", "https://go.example.com"],
        ["viral", "--url", "go.example.com", "--codes", "codes.txt"],
        ["viral", "--url", "https://go.example.com/path", "--codes", "codes.txt"],
        ["viral", "--codes", "codes.txt"],
        ["viral", "--seconds", "1"],
        ["viral", "--rate", "nan"],
        ["viral", "--processes", "0"],
    ],
)
def test_options_that_make_no_sense_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as refused:
        load.parse(arguments)
    assert refused.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_an_edge_that_is_not_there_is_one_sentence(capsys, tmp_path):
    (tmp_path / "codes.txt").write_text("abc\n")
    url = f"http://127.0.0.1:{free_port()}"
    assert load.main(["steady", "--url", url, "--codes", str(tmp_path / "codes.txt")]) == 2
    assert f"bench.load: {url} does not answer: " in capsys.readouterr().err


def test_codes_that_are_missing_are_one_sentence(capsys, tmp_path):
    missing = tmp_path / "codes.txt"
    assert load.main(["steady", "--url", "http://127.0.0.1:9", "--codes", str(missing)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("bench.load: The codes cannot be read: ")
    assert error.count("\n") == 1


def test_a_stack_that_stops_answering_is_one_sentence(capsys, tmp_path, monkeypatch):
    """Exit status 1 would say that a goal was missed."""
    silent = stack.Stack(tmp_path / "home", 1)
    monkeypatch.setattr(stack, "running", lambda workers: contextlib.nullcontext(silent))
    assert load.main(["steady"]) == 2
    assert capsys.readouterr().err.startswith("bench.load: The API does not answer: ")
    (tmp_path / "home").mkdir()
    nobody = f"http://scanway:x@127.0.0.1:{free_port()}/scanway"
    (tmp_path / "home/environment").write_text(f"SCANWAY_CLICKHOUSE_URL={nobody}\n")
    with pytest.raises(stack.StackError, match="ClickHouse does not say"):
        silent.recorded(1, 0)
    with pytest.raises(stack.StackError, match="not there"):
        stack.wait(partial(stack._redirects, silent.url), 0, "not there")


def test_the_generator_leaves_sockets_as_they_are():
    check = "import bench.load, sys; sys.exit(bool({'gevent', 'locust'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_phones_are_people_and_programs_are_not():
    """What the console would make of them: the counts of both are compared after a run."""
    from analytics.visitors.bots import verdict
    from analytics.visitors.geo import Geo
    from analytics.visitors.networks import known_networks
    from bench.scenarios import people

    geo, networks = Geo(), known_networks()
    countries = set()
    for _ in range(500):
        ip = people.address()
        countries.add(geo.place(ip).country)
        assert networks.find(ip) is None, ip
    assert len(countries - {""}) >= 8, countries

    def is_bot(headers):
        return verdict(
            user_agent=headers["User-Agent"],
            network=None,
            accept=headers.get("Accept", ""),
            accept_language=headers.get("Accept-Language", ""),
            sec_fetch_mode=headers.get("Sec-Fetch-Mode", ""),
        ).is_bot

    assert not any(is_bot(headers) for headers in people.PHONES)
    assert all(is_bot(headers) for headers in people.BOTS)
