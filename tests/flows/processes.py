"""Finding the product's real processes by what they were started as. Linux only: it reads /proc."""

from pathlib import Path


def _parents() -> dict[int, int]:
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        found[int(stat.parent.name)] = int(text.rpartition(")")[2].split()[1])
    return found


def descendants(pid: int) -> list[int]:
    """Every process below `pid`, parents before children."""
    parents = _parents()
    found = [pid]
    for one in found:
        found += sorted(child for child, parent in parents.items() if parent == one)
    return found[1:]


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def find(supervisor: int, name: str) -> int:
    """The process that `scanway up` runs for `name`, for example "ingest" or "valkey"."""
    for pid in descendants(supervisor):
        line = command_line(pid)
        if name in ("edge", "ingest", "console", "worker", "clickhouse"):
            if line.rstrip().endswith(f"scanway {name}") or line.rstrip().endswith(f"deploy.cli {name}"):
                return pid
        elif name in line.split(" ", 1)[0]:
            return pid
    raise LookupError(f"no {name} below process {supervisor}")


def edge_worker(supervisor: int) -> int:
    """A process of the edge that answers requests: the youngest below the edge's parent."""
    below = descendants(find(supervisor, "edge"))
    return max(below) if below else find(supervisor, "edge")
