"""The summary of a run: on one screen for people, as JSON for programs."""

from collections.abc import Sequence
from typing import Any

from bench.result import Kind, Result
from bench.slo import Verdict


def summary(found: Result, verdicts: Sequence[Verdict]) -> str:
    """Scans by kind, time at the client and in the edge, then each SLO, and which of them were missed."""
    total = found.all
    lines = [
        "",
        f"{'':14}{'scans':>10}{'errors':>9}{'mean ms':>10}{'p50':>8}{'p95':>8}{'p99':>8}{'slowest':>10}",
        *(_row(kind) for kind in found.kinds),
    ]
    if len(found.kinds) > 1:
        lines.append(_row(total))
    if found.server is not None:
        server = found.server
        bounds = "".join(f"{f'≤{server.quantile_ms(share):g}':>8}" for share in (0.5, 0.95, 0.99))
        lines.append(f"{'in the edge':14}{server.answers:>10,}{'':9}{server.mean_ms:>10.3f}{bounds}")
    else:
        lines.append("in the edge   not known: this address does not show /-/metrics")
    lines += ["", f"{'SLO':18}{'wanted':>12}{'got':>12}"]
    for verdict in verdicts:
        word = "met" if verdict.met else "MISSED"
        lines.append(f"{verdict.name:18}{verdict.wanted:>12}{verdict.got:>12}   {word}")
    missed = [verdict.name for verdict in verdicts if not verdict.met]
    all_in_all = f"Missed: {', '.join(missed)}." if missed else f"All {len(verdicts)} SLOs are met."
    lines += ["", f"{all_in_all} Scans in the busiest second: {found.busiest:,}."]
    return "\n".join(lines)


def numbers(found: Result, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """{"scans": {"link": 41}, "errors": {"link": 0}, "answers": 41, "slo": {"p99 client": true}}

    `answers` is what the edge's histogram grew by; null where it cannot be read.
    """
    return {
        "scans": {kind.name: kind.scans for kind in found.kinds},
        "errors": {kind.name: kind.errors for kind in found.kinds},
        "answers": None if found.server is None else found.server.answers,
        "slo": {verdict.name: verdict.met for verdict in verdicts},
    }


def _row(kind: Kind) -> str:
    quantiles = "".join(f"{_whole(kind.quantile_ms(share)):>8}" for share in (0.5, 0.95, 0.99))
    counts = f"{kind.name:14}{kind.scans:>10,}{kind.errors:>9,}"
    return f"{counts}{kind.mean_ms:>10.2f}{quantiles}{kind.max_ms:>10.0f}"


def _whole(milliseconds: float) -> str:
    # locust rounds: 0 may be anything below half a millisecond.
    return f"{milliseconds:g}" if milliseconds else "<1"
