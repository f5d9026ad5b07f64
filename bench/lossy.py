"""A line that loses replies: the server has done its work, and whoever asked does not hear of it.

`LossyLine` is a TCP proxy. `shown_twice` lets devices scan through it, asking again with the same nonce until
they know, and counts what they were told.
"""

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final

import aiohttp

_CHUNK: Final = 65_536


class LossyLine:
    """`async with LossyLine(port, loss) as line:` listens on 127.0.0.1 and passes on to `port` there."""

    def __init__(self, port: int, loss: float, seed: int = 0) -> None:
        self._to, self._loss, self._chance = port, loss, random.Random(seed)
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()
        self.port = 0
        """Where it listens."""
        self.lost = 0
        """Replies that never arrived, whole or in part."""

    async def __aenter__(self) -> "LossyLine":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.create_task(self._pass_on(reader, writer))
        self._lines.add(line)
        line.add_done_callback(self._lines.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.close()
            return
        asking = asyncio.create_task(_pump(reader, back))
        try:
            while reply := await there.read(_CHUNK):
                if self._chance.random() < self._loss:
                    self.lost += 1
                    if self._chance.random() < 0.3:
                        writer.write(reply[: len(reply) // 2])
                    break
                writer.write(reply)
                await writer.drain()
        except OSError:
            pass
        finally:
            asking.cancel()
            back.close()
            writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()


@dataclass
class Told:
    """What devices heard, pass by pass."""

    admissions: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    """Reason → scans."""
    asked: int = 0
    lost: int = 0

    @property
    def double_admissions(self) -> int:
        """Passes that let in two people."""
        return sum(count - 1 for count in self.admissions.values() if count > 1)


async def shown_twice(
    port: int,
    path: str,
    devices: Sequence[tuple[str, int]],
    texts: Sequence[str],
    loss: float,
    *,
    anew: bool = False,
) -> Told:
    """Every pass is shown at two gates, through a line to `port` that loses that share of the replies.

    `devices` are key and gate. Ends when every scan has its verdict. `anew`: each try has a new nonce, as if
    there were none.
    """
    told = Told()
    queues: list[list[str]] = [[] for _ in devices]
    for number, text in enumerate(texts):
        for one in (number, number + 1):
            queues[one % len(devices)].append(text)

    async def device(session: aiohttp.ClientSession, key: str, gate: int, mine: list[str]) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        for text in mine:
            body = {"gate_id": gate, "text": text, "nonce": str(uuid.uuid4())}
            while True:
                told.asked += 1
                if anew:
                    body["nonce"] = str(uuid.uuid4())
                with suppress(aiohttp.ClientError, asyncio.TimeoutError, ValueError):
                    async with session.post(path, json=body, headers=headers) as answer:
                        if answer.status == 200:
                            reason = (await answer.json())["reason"]
                            break
                await asyncio.sleep(0.01)
            if reason == "ok":
                told.admissions[text] += 1
            else:
                told.refusals[reason] += 1

    async with LossyLine(port, loss) as line:
        timeout = aiohttp.ClientTimeout(total=20)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{line.port}", timeout=timeout) as session:
            await asyncio.gather(
                *(device(session, *one, mine) for one, mine in zip(devices, queues, strict=True))
            )
        told.lost = line.lost
    return told
