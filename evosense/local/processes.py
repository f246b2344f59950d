"""One supervised process: prefixed output, restart with back-off, an end that reaches its tree."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from evosense.local.home import PROJECT
from evosense.local.system import child_setup, kill_group

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 15.0
STEADY_AFTER = 30.0
POLL = 0.05
STOP_PATIENCE = 5.0
PALETTE = (36, 32, 33, 35, 34, 96, 92)


class Registry(Protocol):
    """Who kills process groups that outlive us: the guardian's lease."""

    def guard(self, group: int) -> None: ...
    def unguard(self, group: int) -> None: ...


class Console:
    """Standard output shared by all processes, one whole line at a time."""

    def __init__(self) -> None:
        self.coloured = sys.stdout.isatty()
        self.width = 9
        self._colours: dict[str, int] = {}

    def line(self, name: str, text: str) -> None:
        label = f"{name:<{self.width}} │"
        if self.coloured:
            colour = self._colours.setdefault(name, PALETTE[len(self._colours) % len(PALETTE)])
            label = f"\x1b[{colour}m{label}\x1b[0m"
        self.write(f"{label} {text}\n")

    def write(self, text: str) -> None:
        # The reader may be gone (`make run | head`); the house runs on.
        with contextlib.suppress(BrokenPipeError, ValueError):
            sys.stdout.write(text)
            sys.stdout.flush()


async def exit_code(process: asyncio.subprocess.Process) -> int:
    """Wait for this process alone: `wait()` also waits for children that share its pipes."""
    while process.returncode is None:  # noqa: ASYNC110  there is no event for it
        await asyncio.sleep(POLL)
    return process.returncode


@dataclass
class Managed:
    """A command that should be running, and the process that runs it now."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    console: Console
    registry: Registry
    process: asyncio.subprocess.Process | None = None
    stopping: bool = False

    async def run_once(self, *, keep_output: bool = False) -> tuple[int, str]:
        """Run to the end; with `keep_output`, standard output is returned instead of shown."""
        process = self.process = await asyncio.create_subprocess_exec(
            *self.command,
            cwd=PROJECT,
            env=dict(self.environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            preexec_fn=child_setup(death_signal=signal.SIGTERM),
        )
        self.registry.guard(process.pid)
        kept: list[str] = []
        pumps = asyncio.gather(
            self._pump(process.stdout, kept if keep_output else None),
            self._pump(process.stderr, None),
        )
        code = await exit_code(process)
        # What it started must not survive it either: a restart would run everything twice.
        kill_group(process.pid, signal.SIGKILL)
        self.registry.unguard(process.pid)
        await pumps
        return code, "".join(kept)

    async def keep_running(self) -> None:
        """Run for ever, with a growing pause after each early death."""
        pause = FIRST_PAUSE
        while not self.stopping:
            started = time.monotonic()
            code, _ = await self.run_once()
            if self._is_stopping():
                return
            if time.monotonic() - started > STEADY_AFTER:
                pause = FIRST_PAUSE
            self.console.line(self.name, f"ended with code {code}; again in {pause:.1f} s")
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _is_stopping(self) -> bool:
        return self.stopping

    async def stop(self) -> None:
        self.stopping = True
        process = self.process
        if process is None or process.returncode is not None:
            return
        kill_group(process.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(exit_code(process), STOP_PATIENCE)
        except TimeoutError:
            self.console.line(self.name, f"did not stop within {STOP_PATIENCE:.0f} s; killed")
        kill_group(process.pid, signal.SIGKILL)

    async def _pump(self, stream: asyncio.StreamReader | None, kept: list[str] | None) -> None:
        rest = b""
        while stream and (chunk := await stream.read(65536)):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._show(line, kept)
        if rest:
            self._show(rest, kept)

    def _show(self, line: bytes, kept: list[str] | None) -> None:
        text = line.decode(errors="replace")
        if kept is None:
            self.console.line(self.name, text)
        else:
            kept.append(text + "\n")
