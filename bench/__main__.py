"""`make bench`: every benchmark, one after the other. A name runs only that one: `make bench ARGS=ingest`."""

import subprocess
import sys

BENCHMARKS = ("edge", "ingest", "gates")


def main(names: list[str]) -> int:
    """Exit code 1 where one failed, 2 for a name that is not there."""
    if unknown := [name for name in names if name not in BENCHMARKS]:
        print(f"There is no benchmark {unknown[0]!r}; choose from {', '.join(BENCHMARKS)}.", file=sys.stderr)
        return 2
    failed = False
    for name in names or BENCHMARKS:
        print(f"\n== {name}\n", flush=True)
        # A process each: none inherits the other's caches or open files.
        failed |= subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode != 0
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
