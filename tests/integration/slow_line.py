"""A line between two regions: a TCP proxy that holds everything back for a while, and counts what crosses."""

import asyncio
import contextlib
import threading
from collections import deque

from deploy.ports import free_port


class SlowLine:
    """Listens on `port` and leads to 127.0.0.1:`target`. Runs in a thread of its own."""

    def __init__(self, target: int, delay: float) -> None:
        """`delay` one way, in seconds."""
        self.port, self.target, self.delay = free_port(), target, delay
        self.there, self.back = bytearray(), bytearray()
        """Everything that crossed, towards the target and from it."""
        self.connections = 0
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._started = threading.Event()
        self._thread.start()
        assert self._started.wait(10)

    def crossed(self) -> tuple[int, int, int]:
        """Bytes there, bytes back, connections."""
        return len(self.there), len(self.back), self.connections

    def cut(self) -> None:
        """Ends all connections and takes no more."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(10)

    def stop(self) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._accept, "127.0.0.1", self.port)
        )
        self._started.set()
        self._loop.run_forever()

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        far: asyncio.StreamWriter | None = None
        try:
            far_reader, far = await asyncio.open_connection("127.0.0.1", self.target)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(reader, far, self.there))
                both.create_task(self._carry(far_reader, writer, self.back))
        except (asyncio.CancelledError, OSError, ExceptionGroup):
            pass
        finally:
            self._tasks.discard(task)
            for each in (writer, far):
                if each is not None:
                    each.close()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: bytearray
    ) -> None:
        """Each piece leaves `delay` after it came, so a full line is late, not slow."""
        waiting: deque[tuple[float, bytes]] = deque()
        more = asyncio.Event()

        async def deliver() -> None:
            while True:
                await more.wait()
                while waiting:
                    at, piece = waiting.popleft()
                    await asyncio.sleep(at - self._loop.time())
                    writer.write(piece)
                    await writer.drain()
                more.clear()

        sender = asyncio.create_task(deliver())
        try:
            while piece := await reader.read(65_536):
                seen += piece
                waiting.append((self._loop.time() + self.delay, piece))
                more.set()
            raise ConnectionError("the line is closed")
        finally:
            sender.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sender
