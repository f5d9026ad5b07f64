"""Keeps programs running: starts them in stages, restarts what crashes, stops all in reverse."""

import asyncio
import signal
import time
from dataclasses import dataclass

from deploy.errors import StartError
from deploy.leftovers import RunFile
from deploy.program import Child, Program
from deploy.screen import Screen

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
HEALTHY_AFTER = 30.0
"""Seconds. A program that ran this long starts over with the first pause when it crashes."""

TRIES_AT_START = 3
READY_WITHIN = 90.0
STOP_BUDGET = 9.5
"""Seconds for everything: what overstays is ended with SIGKILL."""


@dataclass
class _Slot:
    program: Program
    stage: int
    child: Child | None = None
    keeper: asyncio.Task[None] | None = None
    restarts: int = 0


class Supervisor:
    def __init__(self, screen: Screen, run_file: RunFile) -> None:
        self._screen = screen
        self._run_file = run_file
        self._slots: list[_Slot] = []
        self._stopping = False

    async def start(self, program: Program, *, stage: int) -> float:
        """Start it and wait until it works; from then on it is restarted when it ends. Returns seconds.

        A program that ends at once is tried again, since it may have met a server that was not quite there.
        Raises StartError with what it said last.
        """
        began = time.monotonic()
        slot = _Slot(program, stage)
        self._slots.append(slot)
        for attempt in range(TRIES_AT_START):
            if attempt:
                await asyncio.sleep(FIRST_PAUSE * 2**attempt)
            child = await self._spawn(slot)
            try:
                async with asyncio.timeout(READY_WITHIN):
                    works = await child.wait_ready()
            except TimeoutError:
                raise self._failure(child, f"did not get ready within {READY_WITHIN:.0f} s") from None
            if works:
                slot.keeper = asyncio.create_task(self._keep(slot, child))
                return time.monotonic() - began
            how = await child.wait()
            self._run_file.remove(child.pid)
        raise self._failure(child, f"ended {TRIES_AT_START} times before it was ready, last with {how}")

    def _failure(self, child: Child, what: str) -> StartError:
        self._show_hidden(child, 15)
        return StartError(f"{child.program.title} {what}. Its last lines are above.")

    def _show_hidden(self, child: Child, lines: int) -> None:
        shown = child.program.shown
        if shown is not None:
            for line in list(child.tail)[-lines:]:
                if not shown.search(line):
                    self._screen.log(child.program.name, line)

    async def _spawn(self, slot: _Slot) -> Child:
        try:
            child = await Child.start(slot.program, self._screen)
        except OSError as error:
            raise StartError(
                f"{slot.program.title} cannot be run ({slot.program.argv[0]}): {error}."
            ) from error
        slot.child = child
        self._run_file.add(slot.program.name, child.pid)
        return child

    async def _keep(self, slot: _Slot, child: Child) -> None:
        pause = FIRST_PAUSE
        began = time.monotonic()
        while True:
            how = await child.wait()
            self._run_file.remove(child.pid)
            if self._stopping:
                return
            if time.monotonic() - began >= HEALTHY_AFTER:
                pause = FIRST_PAUSE
            self._show_hidden(child, 5)
            self._screen.log(slot.program.name, f"ended with {how}; starting it again in {pause:g} s")
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            began = time.monotonic()
            slot.restarts += 1
            try:
                child = await self._spawn(slot)
            except StartError as error:
                self._screen.log(slot.program.name, str(error))

    async def run_once(self, program: Program) -> list[str]:
        """Run a step to its end. Returns the lines it printed. Raises StartError where it failed."""
        slot = _Slot(program, stage=99)
        self._slots.append(slot)
        child = await self._spawn(slot)
        how = await child.wait()
        self._run_file.remove(child.pid)
        self._slots.remove(slot)
        if how != "exit code 0":
            raise self._failure(child, f"failed with {how}")
        return list(child.tail)

    async def stop(self, budget: float = STOP_BUDGET) -> list[str]:
        """Stop the stages in reverse, within `budget` seconds. Returns who overstayed, by title."""
        self._stopping = True
        deadline = time.monotonic() + budget
        overstayed = []
        stages = sorted({slot.stage for slot in self._slots}, reverse=True)
        for position, stage in enumerate(stages):
            # Whoever is asked first may use most of the time, but leaves a third of it for each stage after.
            left = max(0.3, deadline - time.monotonic())
            share = left if position == len(stages) - 1 else left * 0.65
            overstayed += await self._stop_stage([s for s in self._slots if s.stage == stage], share)
        return overstayed

    async def _stop_stage(self, slots: list[_Slot], patience: float) -> list[str]:
        children = [slot.child for slot in slots if slot.child is not None]
        if not children:
            return []
        for child in children:
            child.send(child.program.stop_signal)
        ends = {asyncio.create_task(child.wait()): child for child in children}
        _, late = await asyncio.wait(ends, timeout=patience)
        for task in late:
            ends[task].signal_group(signal.SIGKILL)
        if late:
            await asyncio.wait(late, timeout=1)
        keepers = [slot.keeper for slot in slots if slot.keeper]
        for keeper in keepers:
            keeper.cancel()  # it may be waiting to start a crashed program again
        await asyncio.gather(*keepers, return_exceptions=True)
        for child in children:
            self._run_file.remove(child.pid)
        return [ends[task].program.title for task in late]

    def close(self) -> None:
        """Everything is stopped: the next start has nothing to clean up."""
        self._run_file.delete()

    def kill(self) -> None:
        """End everything now: the person asked twice."""
        for slot in self._slots:
            if slot.child and slot.child.process.returncode is None:
                slot.child.signal_group(signal.SIGKILL)
