"""`make run`: services, set-up, demonstration, every process, and an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evosense.local.home import Home, process_environment
from evosense.local.processes import Console, Managed
from evosense.local.stack import lease_services
from evosense.local.system import (
    StackError,
    die_with_parent,
    file_lock,
    interrupted,
    port_is_free,
    process_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evosense.local.stack import Lease, Services

READY_POLL = 0.15
TICK = 0.5


def manage(*arguments: str) -> list[str]:
    return [sys.executable, "manage.py", *arguments]


def commands(port: int, home: Home, *, demo: bool) -> dict[str, list[str]]:
    """Return every process of the house."""
    python = sys.executable
    beat = home.root / "celerybeat-schedule"
    uvicorn = f"-m uvicorn evosense.asgi:application --host 127.0.0.1 --port {port}"
    # Streams never end by themselves, so the web process must not wait for them long.
    calm = "--timeout-graceful-shutdown 2 --no-access-log --log-level warning --no-proxy-headers"
    celery = f"-m celery -q -A evosense worker -B --pool threads --concurrency 4 -s {beat}"
    alone = "--without-gossip --without-mingle --loglevel warning"
    # Celery warns about root on every start; here the person at the keyboard decides.
    unwarned = ["-W", "ignore:You're running the worker"]
    plan = {
        "web": [python, *uvicorn.split(), *calm.split()],
        "ingest": manage("ingest_worker"),
        "relay": manage("relay"),
        "sender": manage("sender"),
        "celery": [python, *unwarned, *celery.split(), *alone.split()],
    }
    return plan | ({"simulator": manage("simulator", "--demo")} if demo else {})


class Supervisor:
    """Runs the house until a signal, or until something it cannot live without is gone."""

    def __init__(self, home: Home, lease: Lease, services: Services) -> None:
        self.home, self.lease, self.services = home, lease, services
        self.environment = process_environment(home, **services_arguments(services))
        self.port = int(self.environment["PORT"])
        self.demo = self.environment.get("EVOSENSE_DEMO", "1") != "0"
        self.console = Console()
        self.managed: list[Managed] = []
        self.end = asyncio.Event()
        self.exit_code = 0
        self.started = time.monotonic()

    async def run(self) -> int:
        self._watch_for_the_end()
        work = asyncio.create_task(self._work())
        ending = asyncio.create_task(self.end.wait())
        await asyncio.wait({work, ending}, return_when=asyncio.FIRST_COMPLETED)
        if work.done() and (error := work.exception()):
            self.console.line("run", str(error))
            self.exit_code = 1
        self.console.line("run", "stopping")
        await asyncio.gather(*(each.stop() for each in self.managed))
        # A moment to read the last words and close the pipes; pauses and polls are cut short.
        await asyncio.wait({work}, timeout=TICK)
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError, StackError):
            await work
        return self.exit_code

    async def _work(self) -> None:
        await self._set_up()
        async with asyncio.TaskGroup() as group:
            plan = commands(self.port, self.home, demo=self.demo)
            simulator = plan.pop("simulator", None)
            for name, command in plan.items():
                group.create_task(self._managed(name, command).keep_running())
            welcome = group.create_task(self._welcome())
            if simulator:
                fresh = await self._seed()
                if self.demo:
                    group.create_task(self._managed("simulator", simulator).keep_running())
                    # Beside the house, which is open already: it judges some thousand messages.
                    laboratory = self._managed("laboratory", manage("seed_laboratory"))
                    group.create_task(laboratory.run_once(keep_output=True))
                if fresh and welcome.done():
                    self._announce()

    def _managed(self, name: str, command: list[str]) -> Managed:
        managed = Managed(name, command, self.environment, self.console, self.lease)
        self.managed.append(managed)
        managed.stopping = self.end.is_set()
        return managed

    async def _set_up(self) -> None:
        code, _ = await self._managed("setup", manage("setup")).run_once()
        if code and not self.end.is_set():
            raise StackError(f"setting up the database failed with code {code}")
        mark_ready(self.services, self.home)

    async def _seed(self) -> bool:
        """Create the demonstration once and tell whether it is new.

        A failed attempt is repeated at the next start, and so is one whose simulator would find its
        port taken: the company's numbers must know where it stands.
        """
        known = self._demo_facts()
        if known is not None and _can_listen(known):
            return False
        seeding = self._managed("demo", manage("seed_demo"))
        code, output = await seeding.run_once(keep_output=True)
        try:
            facts = json.loads(output) if code == 0 else None
        except ValueError:
            facts = None
        if not isinstance(facts, dict):
            self.demo = False
            if not self.end.is_set():
                self.console.line("demo", f"could not be created (code {code}); see above")
            return False
        self._demo_file.touch(mode=0o600)
        self._demo_file.write_text(json.dumps(facts))
        return known is None

    @property
    def _demo_file(self) -> Path:
        # Not seed_demo's own demo.json, which is there before the history is complete.
        return self.home.root / "demo-ready.json"

    def _demo_facts(self) -> dict[str, Any] | None:
        try:
            facts: dict[str, Any] = json.loads(self._demo_file.read_text())
        except (OSError, ValueError):
            return None
        return facts

    async def _welcome(self) -> None:
        while not await self._answers("/readyz"):  # noqa: ASYNC110  another process sets it
            await asyncio.sleep(READY_POLL)
        self._announce()

    async def _answers(self, path: str) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        with contextlib.closing(writer):
            writer.write(request.encode())
            try:
                status = await asyncio.wait_for(reader.readline(), 5)
            except (OSError, TimeoutError):
                return False
        return b" 200 " in status

    def _announce(self) -> None:
        base = f"{self.environment.get('PUBLIC_HOST', 'localhost')}:{self.port}"
        rows = [("EvoSense", f"http://{base}/")]
        facts = self._demo_facts() if self.demo else {}
        if facts is None:
            rows.append(("Demo", "being created; its address follows"))
        elif facts:
            rows.append(("Demo", f"http://{facts.get('slug', 'demo')}.{base}/"))
            rows += [
                (name, str(facts[key]))
                for name, key in (
                    ("Email", "email"),
                    ("Password", "password"),
                    ("Operator", "operator"),
                    ("Operators", "operator_url"),
                )
                if key in facts
            ]
        rows += [("Data", str(self.home.root)), ("Stop", "Ctrl+C")]
        took = f"ready in {time.monotonic() - self.started:.1f} s"
        self.console.write(box(took, rows))

    def _watch_for_the_end(self) -> None:
        loop = asyncio.get_running_loop()
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(sig, self.end.set)
        if self.lease.link is not None:
            loop.add_reader(self.lease.link, self._guardian_is_gone)
        if under_make():
            # make passes SIGTERM on but not SIGINT, and a killed make passes nothing on.
            die_with_parent(signal.SIGTERM)
            loop.call_later(TICK, self._watch_make, os.getppid())

    def _guardian_is_gone(self) -> None:
        asyncio.get_running_loop().remove_reader(self.lease.link)  # type: ignore[arg-type]
        self.console.line("run", "the databases were stopped from outside")
        self.exit_code = 1
        self.end.set()

    def _watch_make(self, pid: int) -> None:
        if interrupted(pid):
            self.end.set()
        else:
            asyncio.get_running_loop().call_later(TICK, self._watch_make, pid)


def services_arguments(services: Services) -> dict[str, str]:
    return {"database_url": services.database_url, "redis_url": services.redis_url}


def ready_marker(home: Home) -> Path:
    # Beside the data it speaks of: removing the database removes it too.
    return home.root / "postgres-18" / "evosense.ready"


def mark_ready(services: Services, home: Home) -> None:
    if "postgres" in services.embedded:
        ready_marker(home).touch()


def under_make() -> bool:
    return "MAKELEVEL" in os.environ and "make" in process_name(os.getppid())


def box(title: str, rows: list[tuple[str, str]]) -> str:
    lines = [f"{name:<9} {value}" for name, value in rows]
    width = max(len(title), *(len(line) for line in lines)) + 2
    body = "".join(f"│ {line:<{width - 1}}│\n" for line in lines)
    return f"\n╭─ {title} {'─' * (width - len(title) - 3)}╮\n{body}╰{'─' * width}╯\n\n"


@contextlib.contextmanager
def sole_run(home: Home, environment: Mapping[str, str]) -> Iterator[None]:
    """Refuse a second `make run` on the same home."""
    path = home.run_file
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(file_lock(path, wait=0))
        except TimeoutError:
            raise StackError(
                f"EvoSense is already running here ({path.read_text().strip()}). "
                "Stop it first, or set EVOSENSE_HOME and PORT for a second one."
            ) from None
        path.write_text(f"process {os.getpid()}, http://localhost:{environment['PORT']}/")
        yield


def check_port(raw: str) -> None:
    if not raw.isdigit() or not 0 < int(raw) < 65536:
        raise StackError(f"PORT={raw} is not a port number")
    if not port_is_free(int(raw)):
        raise StackError(f"port {raw} is in use by another program; choose one: PORT=8001 make run")


def run(home: Home) -> int:
    environment = {"PORT": "8000"} | {k: v for k, v in os.environ.items() if v}
    home.prepare()
    with sole_run(home, environment):
        check_port(environment["PORT"])
        lease, services = lease_services(home)
        try:
            return asyncio.run(Supervisor(home, lease, services).run())
        finally:
            lease.release()


def _can_listen(demo: dict[str, Any]) -> bool:
    """Tell whether the simulator's port is there for it; an older demonstration names none."""
    port = int((demo.get("server") or {}).get("port") or 0)
    return port > 0 and port_is_free(port)
