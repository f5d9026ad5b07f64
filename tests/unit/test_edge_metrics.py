from prometheus_client.parser import text_string_to_metric_families

from analytics.events import Reason
from edge.metrics import COUNTERS, FOLDED, GAUGES, LIVE, REASON_SLOT, SLOT, Metrics, count_scan


def values(metrics):
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_any_worker_shows_the_sum_over_all(tmp_path):
    one, two = Metrics(tmp_path, "00000001"), Metrics(tmp_path, "00000002")
    one.counters[REASON_SLOT[Reason.OK]] += 2
    two.counters[REASON_SLOT[Reason.OK]] += 3
    two.counters[SLOT["scanway_edge_l1_entries"]] = 7
    for metrics in (one, two):
        shown = values(metrics)
        assert shown["scanway_edge_scans_total", "ok"] == 5
        assert shown["scanway_edge_scans_total", "paused"] == 0
        assert shown["scanway_edge_l1_entries",] == 7
        assert shown["scanway_edge_workers",] == 2
        assert set(shown) >= {(f"{name}_total",) for name in COUNTERS} | {(name,) for name in GAUGES}
    one.close()
    two.close()


def test_what_dead_workers_counted_stays_and_their_files_do_not_pile_up(tmp_path):
    for number in range(1, 21):
        metrics = Metrics(tmp_path, f"{number:08x}")
        metrics.counters[REASON_SLOT[Reason.OK]] += 1
        metrics.counters[SLOT["scanway_edge_l1_entries"]] = 5
        assert values(metrics)["scanway_edge_scans_total", "ok"] == number
        metrics.close()
    last = Metrics(tmp_path, "000000ff")
    shown = values(last)
    assert shown["scanway_edge_scans_total", "ok"] == 20
    assert shown["scanway_edge_l1_entries",] == 0
    assert len(list((tmp_path / "metrics").iterdir())) == 3
    last.close()


def test_a_crash_between_folding_and_unlinking_counts_nothing_twice(tmp_path):
    metrics = Metrics(tmp_path, "00000001")
    metrics.counters[REASON_SLOT[Reason.OK]] += 4
    metrics.close()
    file = tmp_path / "metrics" / f"00000001{LIVE}"
    content = file.read_bytes()
    Metrics(tmp_path, "00000002").close()
    assert (tmp_path / "metrics" / FOLDED).exists()
    assert not file.exists()
    for leftover in (tmp_path / "metrics").glob("00000002*"):
        leftover.unlink()
    file.write_bytes(content)
    last = Metrics(tmp_path, "00000003")
    assert values(last)["scanway_edge_scans_total", "ok"] == 4
    last.close()


def test_without_a_folder_a_worker_counts_for_itself(tmp_path):
    (tmp_path / "file").write_text("")
    metrics = Metrics(tmp_path / "file", "00000001")
    metrics.counters[REASON_SLOT[Reason.OK]] += 1
    assert metrics.error is not None
    assert values(metrics)["scanway_edge_scans_total", "ok"] == 1


LATENCY = "scanway_edge_latency_seconds"


def latencies(metrics):
    shown = values(metrics)
    buckets = {float(key[1]): count for key, count in shown.items() if key[0] == f"{LATENCY}_bucket"}
    return buckets, shown[f"{LATENCY}_count",], shown[f"{LATENCY}_sum",]


def test_latencies_fall_into_cumulative_buckets_whose_bounds_are_included(tmp_path):
    metrics = Metrics(tmp_path, "00000001")
    for nanoseconds in (0, 25_000, 25_001, 2_500_000, 1_000_000_000, 1_000_000_001, 90_000_000_000):
        count_scan(metrics.counters, Reason.OK, nanoseconds)
    buckets, count, total = latencies(metrics)
    assert list(buckets) == sorted(buckets)
    assert [buckets[bound] for bound in (25e-6, 50e-6, 1e-3, 2.5e-3, 0.25, 1.0, float("inf"))] == [
        2, 3, 3, 4, 4, 5, 7,
    ]  # fmt: skip
    assert count == 7
    assert total == 92.002550002
    metrics.close()


def test_latencies_of_all_workers_are_added_those_that_are_gone_included(tmp_path):
    gone = Metrics(tmp_path, "00000001")
    count_scan(gone.counters, Reason.OK, 30_000)
    gone.close()
    one, two = Metrics(tmp_path, "00000002"), Metrics(tmp_path, "00000003")
    count_scan(one.counters, Reason.UNKNOWN, 40_000)
    count_scan(two.counters, Reason.PAUSED, 2_000_000_000)
    for metrics in (one, two):
        buckets, count, total = latencies(metrics)
        assert (buckets[25e-6], buckets[50e-6], buckets[1.0]) == (0, 2, 2)
        assert (count, total) == (3, 2.00007)
    one.close()
    two.close()
