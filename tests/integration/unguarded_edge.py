"""An edge that does not handle SIGBUS, for a negative control. Run as `python -m unguarded_edge`."""

from typing import Any

from edge import busfault, server
from edge.app import create as real_create
from edge.settings import from_env


def create() -> Any:
    busfault.install = lambda: None
    return real_create()


if __name__ == "__main__":
    server.server(from_env(), "unguarded_edge:create").serve()
