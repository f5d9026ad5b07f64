"""What a worker does beside its answers."""

import asyncio

from edge import app, settings
from edge.metrics import SLOT


async def test_a_worker_that_stops_hearing_of_edits_says_so_and_listens_again(tmp_path, monkeypatch, caplog):
    calls = []
    again = asyncio.Event()

    async def listen(*_):
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("a message of another version")
        again.set()
        await asyncio.sleep(60)

    monkeypatch.setattr(app, "listen", listen)
    monkeypatch.setattr(app, "SEAL_EVERY", 0.01)
    edge = app.Edge(settings.Settings(spool=tmp_path))
    edge.__rsgi_init__(asyncio.get_running_loop())
    try:
        await asyncio.wait_for(again.wait(), 10)
        assert edge.metrics.counters[SLOT["scanway_edge_faults"]] == 1
        assert "a message of another version" in caplog.text
    finally:
        asyncio.get_running_loop().remove_signal_handler(app.signal.SIGTERM)
        await edge.close()
    assert len(calls) == 2
