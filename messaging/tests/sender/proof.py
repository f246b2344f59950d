"""What the proofs of sending share: servers, senders that can be killed, and the final count."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from evosense.testing.databases import ALPHA
from evosense.testing.house import database_url
from evosense.testing.roles import KINDS, PASSWORD, made_roles
from messaging.gateway.models import EvolutionServer
from messaging.models import Connection, Conversation, Message, Outgoing
from messaging.services.sending import SendRequest, send_message
from messaging.tests.factories import make_connection
from messaging.tests.simulator.process import KEY, SimulatorProcess
from tenancy.db.roles import RoleNames

FINAL = {Outgoing.State.SENT, Outgoing.State.FAILED, Outgoing.State.CANCELLED}
# Hours become moments. A server must not be slower than `first_check` where a sender is killed.
QUICK = {
    "lease": 1.5,
    "beat": 0.3,
    "poll": 0.05,
    "write_within": 1.0,
    "held": 0.3,
    # Order is promised while it lasts: longer than a busy machine takes to look twice.
    "hold": 120.0,
    "first_check": 0.4,
    "second_check": 0.8,
    "third_check": 1.2,
    "fourth_check": 2.0,
    "later_check": 1.0,
    "absence_gap": 0.3,
    "first_retry": 0.1,
    "longest_retry": 0.5,
}


def wait_for(question: Callable[[], Any], seconds: float = 90.0, what: str = "") -> Any:
    """Ask until the answer is true; the deadline is for a broken run, not for a slow machine."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        assert time.monotonic() < deadline, what or f"not within {seconds} s"
        time.sleep(0.05)


@dataclass
class Sender:
    """One `manage.py sender`."""

    nursery: "Nursery"
    pid: int

    def kill(self) -> None:
        """End it the hard way: no handler runs, nothing is flushed."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait()

    def stop(self) -> None:
        os.kill(self.pid, signal.SIGTERM)
        self.wait()

    def status(self) -> int | None:
        found: int | None = self.nursery.ask({"wait": self.pid})["status"]
        return found

    def wait(self, seconds: float = 20.0) -> int:
        found: list[int] = []

        def has_ended() -> bool:
            status = self.status()
            found.extend([] if status is None else [status])
            return status is not None

        wait_for(has_ended, seconds, "the sender goes on")
        self.nursery.living.discard(self.pid)
        return found[0]


class Nursery:
    """Forks senders, which inherit its environment."""

    def __init__(self, folder: Path, **more: str) -> None:
        self.log = folder / "senders.log"
        self.living: set[int] = set()
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "evosense.settings.dev",
            "REDIS_URL": settings.REDIS_URL,
            "MEDIA_ROOT": str(folder / "media"),
            "LOG_LEVEL": "INFO",
            "EVOSENSE_BREAKER_SECONDS": "0.3",
            # A sender that dies with the one trial in its hand must not end the test's patience.
            "EVOSENSE_BREAKER_TRIAL_SECONDS": "3",
            **more,
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "messaging.tests.sender.zygote"],
                cwd=settings.BASE_DIR,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._read()

    def sender(self, dies_at: str = "", **periods: float) -> Sender:
        given = ",".join(f"{name}={value}" for name, value in {**QUICK, **periods}.items())
        start = {"EVOSENSE_SENDER_PERIODS": given, "EVOSENSE_SENDER_DIES_AT": dies_at}
        pid = self.ask({"start": start})["pid"]
        self.living.add(pid)
        return Sender(self, pid)

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, self.log.read_text(errors="replace")[-3000:]
        found: dict[str, Any] = json.loads(line)
        return found

    def end_all(self) -> None:
        for pid in list(self.living):
            if self.ask({"wait": pid})["status"] is None:
                Sender(self, pid).kill()
        self.living.clear()

    def close(self) -> None:
        self.end_all()
        self.process.kill()
        self.process.wait(60)


@dataclass
class Line:
    """A connection with conversations that nobody else writes to."""

    connection: Connection
    conversations: list[Conversation] = field(default_factory=list)

    @property
    def instance(self) -> str:
        return self.connection.instance


@dataclass
class Proof:
    """A company's connections and messages, and what must be true of them in the end."""

    log: Path

    def add_server(self, simulator: SimulatorProcess) -> EvolutionServer:
        version = simulator.call("GET", "/")["version"]
        known = {"name": simulator.url, "api_key": KEY, "version": version}
        server, _ = EvolutionServer.objects.get_or_create(
            tenant_id=ALPHA.id, url=simulator.url, defaults=known
        )
        return server

    def add_lines(self, simulator: SimulatorProcess, lines: int = 1, chats: int = 3) -> list[Line]:
        server = self.add_server(simulator)
        return [self._line(simulator, server, chats) for _ in range(lines)]

    def _line(self, simulator: SimulatorProcess, server: EvolutionServer, chats: int) -> Line:
        made = make_connection()
        simulator.open_instance(made.instance)
        # A store without a single message proves nothing by what it does not have.
        simulator.ask("emit", instance=made.instance, quiet=True, ago=3600)
        Connection.objects.filter(pk=made.pk).update(
            server_id=server.pk, state="connected", is_managed=True, wants_session=True
        )
        made.refresh_from_db()
        line = Line(made)
        for number in range(chats):
            first = self._send(made, f"{made.instance} chat {number}", to=_phone(made.pk, number))
            line.conversations.append(first.conversation)
        return line

    def queue(self, line: Line, messages: int, word: str = "m") -> None:
        """Queue texts that name line, conversation and place, in turn over its conversations."""
        for number in range(messages):
            place = number % len(line.conversations)
            text = f"{line.instance} {word} {place} {number:04d}"
            self._send(line.connection, text, conversation=line.conversations[place].public_id)

    def _send(self, made: Connection, text: str, **where: Any) -> Message:
        request = SendRequest(
            kind="text", payload={"text": text}, connection=made.public_id, source="api", **where
        )
        return send_message(request)

    def states(self) -> Counter[str]:
        return Counter(Outgoing.objects.values_list("state", flat=True))

    def wait_until_final(self, seconds: float = 60.0) -> None:
        def is_final() -> bool:
            return set(self.states()) <= FINAL

        try:
            wait_for(is_final, seconds)
        except AssertionError:
            log = self.log.read_text(errors="replace")[-3000:]
            raise AssertionError(f"{dict(self.states())}\n{log}") from None

    def assert_each_once(self, *simulators: SimulatorProcess) -> None:
        """Nothing lost, nothing shown twice, nothing left open, everything in its order."""
        sends = [send for one in simulators for send in one.journal()["sends"]]
        shown = Counter(send["text"] for send in sends if send["shown"])
        wanted = Counter(Message.objects.values_list("text", flat=True))
        assert shown == wanted
        assert set(self.states()) == {Outgoing.State.SENT}
        statuses = set(Message.objects.values_list("status", flat=True))
        assert not statuses & {"pending", "failed"}
        ids = Message.objects.values_list("provider_id", flat=True)
        assert sorted(ids) == sorted(send["message_id"] for send in sends if send["shown"])
        for one in simulators:
            # One call in flight for each number, as the server saw it.
            assert max(one.journal()["at_once"].values(), default=0) <= 1
        self.assert_order(sends)

    def assert_order(self, sends: list[dict[str, Any]]) -> None:
        by_chat: dict[tuple[str, str], list[str]] = {}
        for send in sends:
            if send["shown"]:
                by_chat.setdefault((send["instance"], send["jid"]), []).append(send["text"])
        for texts in by_chat.values():
            # The first word of each conversation was queued before its numbers.
            wanted = sorted(texts, key=lambda text: (" chat " not in text, text))
            late = [due for text, due in zip(texts, wanted, strict=True) if text != due][:1]
            assert not late, f"{texts}\n{self.story(late[0])}"

    def story(self, text: str) -> str:
        """Return what was tried with a message, and when, for whoever must explain a failure."""
        row = Outgoing.objects.get(message__text=text)
        tries = row.tries.order_by("started_at", "pk")
        return "\n".join(
            f"{(one.started_at - row.created_at).total_seconds():7.2f} {one.act} {one.number}"
            f" {one.outcome} {one.code}"
            for one in tries
        )


@dataclass
class Stage:
    """What one test has: senders to start, servers by their version, and the company."""

    nursery: Nursery
    simulators: dict[str, SimulatorProcess]
    proof: Proof

    def simulator(self, version: str = "2.3.7", name: str = "") -> SimulatorProcess:
        """Return the server of that version (and name), started when it is first asked for."""
        if version + name not in self.simulators:
            arguments = ("--evolution-version", version, "--licensed", "--time-factor", "0.02")
            self.simulators[version + name] = SimulatorProcess(*arguments)
        return self.simulators[version + name]


@contextmanager
def nursery_of_test_database(folder: Path, **environment: str) -> Iterator[Nursery]:
    """Run the block with senders of the real role over this test worker's database."""
    word = "r" + secrets.token_hex(3)
    roles = RoleNames(*(f"{connection.settings_dict['NAME']}_{word}_{kind}" for kind in KINDS))
    with made_roles(roles):
        database = database_url(roles.app, PASSWORD)
        nursery = Nursery(folder, **{"DATABASE_URL": database, **environment})
        try:
            yield nursery
        finally:
            nursery.close()


def _phone(line: int, chat: int) -> str:
    return f"551191{line % 1000:03d}{chat:04d}"
