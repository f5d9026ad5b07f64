"""Places where a test may kill the process, once, to prove that nothing is lost or counted twice there."""

import os
import signal
from pathlib import Path
from typing import Final

POINTS: Final = (
    "after_adopt_lock",
    "after_adopt_cut",
    "before_insert",
    "after_insert_before_rename",
    "after_rename",
)


class Failpoint:
    """Dies by SIGKILL the first time the process reaches `name`, and leaves a mark so that the next lives.

    name: one of POINTS, or '' for none, which is how it is everywhere but in tests.
    """

    def __init__(self, name: str, spool: Path) -> None:
        if name and name not in POINTS:
            raise ValueError(f"SCANWAY_FAILPOINT must be one of {', '.join(POINTS)}, not {name}.")
        self._name = name
        self._mark = spool / f"failpoint.{name}"

    def reach(self, name: str) -> None:
        """Returns, unless this is the named point and nobody has died here before."""
        if name != self._name or self._mark.exists():
            return
        self._mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
