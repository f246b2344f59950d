"""A company with numbers on a simulated server, and the processes that send and apply."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from evosense.core.schema import TenantRef, tenant_scope
from evosense.local.system import child_setup
from messaging.tests.receiver.servers import ROOT, Process
from messaging.tests.simulator.process import KEY, SimulatorProcess

CHATS = 3
RECEIVER = "messaging.ingest.receiver:application"


class Stage:
    """`receiver` and `ingest_worker` run all the time; senders come and go."""

    def __init__(self, folder: Path, tenant: TenantRef, receiver: Process) -> None:
        self.folder, self.tenant, self.receiver = folder, tenant, receiver
        self.simulator = SimulatorProcess()
        self.senders: list[subprocess.Popen[bytes]] = []
        self.chats: list[list[Any]] = []

    def add_lines(self, count: int, events: tuple[str, ...] = ("SEND_MESSAGE",)) -> None:
        """Connect numbers until there are so many; each has a few conversations."""
        from messaging.gateway.models import EvolutionServer  # noqa: PLC0415

        with tenant_scope(self.tenant):
            server, _ = EvolutionServer.objects.get_or_create(
                tenant_id=self.tenant.id,
                url=self.simulator.url,
                defaults={"name": "bench", "api_key": KEY, "version": "2.3.7"},
            )
            for number in range(len(self.chats), count):
                self.chats.append(self._line(server.pk, number, events))

    def _line(self, server: Any, number: int, events: tuple[str, ...]) -> list[Any]:
        from messaging.models import Connection  # noqa: PLC0415
        from messaging.services.connections import create_connection  # noqa: PLC0415
        from messaging.tests.factories import make_conversation  # noqa: PLC0415

        name = f"bench-{number}"
        made = create_connection(name=name, instance=name)
        url = f"http://127.0.0.1:{self.receiver.port}/hooks/evo/{made.connection.public_id}"
        hook = {"url": url, "headers": {"X-EvoSense-Token": made.token}, "events": list(events)}
        self.simulator.open_instance(name, hook)
        self.simulator.open_instance(f"bare-{number}")
        rows = Connection.objects.filter(pk=made.connection.pk)
        rows.update(server_id=server, state="connected", is_managed=True, wants_session=True)
        return [make_conversation(rows.get()).public_id for _ in range(CHATS)]

    def queue(self, lines: int, messages: int, *, pause: float = 0.0) -> float:
        """Queue texts in turn over the first `lines` numbers; returns how many a second."""
        from messaging.services.sending import SendRequest, send_message  # noqa: PLC0415

        began = time.monotonic()
        with tenant_scope(self.tenant):
            for number in range(messages):
                chats = self.chats[number % lines]
                chat = chats[number // lines % len(chats)]
                payload = {"text": f"mensagem {number}"}
                send_message(SendRequest("text", payload, conversation=chat, source="api"))
                time.sleep(max(0.0, began + (number + 1) * pause - time.monotonic()))
        return messages / (time.monotonic() - began)

    def start_sender(self, *arguments: str) -> None:
        self.senders.append(spawn(self.folder, "sender", *arguments))

    def cpu_seconds(self) -> float:
        """Return what the senders have used of the processor."""
        ticks = 0
        for sender in self.senders:
            fields = Path(f"/proc/{sender.pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def settled_since(self, row: int) -> int:
        from messaging.models import Outgoing  # noqa: PLC0415

        with tenant_scope(self.tenant):
            return Outgoing.objects.filter(pk__gt=row, state="sent").count()

    def kill_senders(self) -> float:
        for sender in self.senders:
            sender.kill()
        at = time.time()
        self._reap()
        return at

    def stop_senders(self) -> None:
        for sender in self.senders:
            sender.terminate()
        self._reap()

    def _reap(self) -> None:
        for sender in self.senders:
            sender.wait(30)
        self.senders.clear()

    def newest(self) -> int:
        from messaging.models import Outgoing  # noqa: PLC0415

        with tenant_scope(self.tenant):
            found: int = Outgoing.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
            return found

    def wait_until_settled(self) -> None:
        from messaging.models import Outgoing  # noqa: PLC0415

        open_states = ["queued", "sending", "unknown"]
        with tenant_scope(self.tenant):
            wait_for(lambda: not Outgoing.objects.filter(state__in=open_states).exists())

    def wait_until_applied(self) -> None:
        from messaging.ingest.models import WebhookEvent  # noqa: PLC0415

        def is_done() -> bool:
            told = self.simulator.journal("none")["webhooks"]
            ended = told["delivered"] + told["refused"] + told["given_up"]
            pending = WebhookEvent.objects.filter(status=WebhookEvent.Status.PENDING)
            return ended == told["emitted"] and not pending.exists()

        with tenant_scope(self.tenant):
            wait_for(is_done)

    def close(self) -> None:
        self.kill_senders()
        self.simulator.stop()


@contextmanager
def running_stage(folder: Path) -> Iterator[Stage]:
    """Run the block with everything that a send passes. Django is set up already."""
    from benchmarks.lists_seed import make_tenant  # noqa: PLC0415

    tenant = make_tenant()
    receiver = Process(os.environ["DATABASE_URL"], folder / "receiver", application=RECEIVER)
    receiver.start()
    worker = spawn(folder, "ingest_worker")
    stage = Stage(folder, tenant, receiver)
    try:
        yield stage
    finally:
        stage.close()
        worker.kill()
        worker.wait()
        receiver.kill()


def spawn(folder: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    with (folder / f"{arguments[0]}.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            stdout=log,
            stderr=log,
            preexec_fn=child_setup(),  # noqa: PLW1509  (it must die with us)
        )


def wait_for(question: Callable[[], bool], seconds: float = 300.0) -> None:
    deadline = time.monotonic() + seconds
    while not question():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.1)
