"""What a worker does to its listening socket before it ends."""

import socket
from pathlib import Path

from edge.drain import stop_accepting

FDS = Path("/dev/fd")


def test_a_listener_is_found_and_nothing_else_is_left_open(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener, (tmp_path / "file").open("wb"):
        port = listener.getsockname()[1]
        before = len(list(FDS.iterdir()))
        assert stop_accepting(port)
        assert not stop_accepting(port)
        assert len(list(FDS.iterdir())) == before
        assert listener.getsockname()[1] != port
