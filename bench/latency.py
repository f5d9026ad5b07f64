"""Time as the edge measured it: the histogram at /-/metrics, before and after."""

import math
import urllib.request
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from edge.metrics import LATENCY

TIMEOUT = 10.0


@dataclass(frozen=True)
class Latency:
    """Cumulative counts by upper bound in seconds, the last one infinite, and the sum of all times."""

    buckets: dict[float, float]
    seconds: float

    def since(self, earlier: "Latency") -> "Latency":
        """What came after. Raises KeyError where the two do not have the same bounds."""
        buckets = {bound: count - earlier.buckets[bound] for bound, count in self.buckets.items()}
        return Latency(buckets, self.seconds - earlier.seconds)

    @property
    def answers(self) -> int:
        return int(self.buckets[math.inf])

    @property
    def mean_ms(self) -> float:
        return self.seconds / self.answers * 1000 if self.answers else math.nan

    def quantile_ms(self, share: float) -> float:
        """The bound below which at least that share lies: no more is known. Infinite beyond the last one."""
        if not self.answers:
            return math.nan
        return min(bound for bound, count in self.buckets.items() if count >= share * self.answers) * 1000


def parse(text: str) -> Latency | None:
    """Of an exposition; None where the histogram is not in it."""
    samples = [
        sample
        for family in text_string_to_metric_families(text)
        if family.name == LATENCY
        for sample in family.samples
    ]
    buckets = {float(each.labels["le"]): each.value for each in samples if each.name.endswith("_bucket")}
    if not buckets:
        return None
    return Latency(buckets, next(each.value for each in samples if each.name.endswith("_sum")))


def fetch(url: str) -> Latency | None:
    """None where the edge's metrics cannot be read: its proxy should keep them from the public."""
    request = urllib.request.Request(f"{url}/-/metrics", headers={"User-Agent": "scanway-bench"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return parse(answer.read().decode())
    except (OSError, ValueError):
        return None
