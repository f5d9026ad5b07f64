"""What a benchmark prints above its numbers."""

import contextlib
import os
import platform
from importlib.metadata import version
from pathlib import Path


def heading(*packages: str) -> str:
    """Two lines: the machine with its load, and the versions of Python and of `packages`."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line for line in lines if line.startswith("model name")).partition(":")[2].strip()
    machine = f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"
    named = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"machine   {machine}; load {os.getloadavg()[0]:.1f} before the start\n"
        f"versions  Python {platform.python_version()}, {named}"
    )
