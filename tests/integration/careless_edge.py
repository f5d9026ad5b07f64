"""An edge without its defence, for negative controls: scans stay in memory until the next tick.

Run as `python -m careless_edge`, with this folder on PYTHONPATH.
"""

from typing import Any

from edge import server
from edge.app import create as real_create
from edge.settings import from_env
from edge.spool import Spool


def create() -> Any:
    kept: list[bytes] = []
    append, tick = Spool.append, Spool.tick

    def tick_with_all(self: Spool) -> None:
        while kept:
            append(self, kept.pop(0))
        tick(self)

    def keep(_: Spool, payload: bytes) -> bool:
        kept.append(payload)
        return True

    Spool.append, Spool.tick = keep, tick_with_all  # type: ignore[method-assign]
    return real_create()


if __name__ == "__main__":
    server.server(from_env(), "careless_edge:create").serve()
