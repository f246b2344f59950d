"""The simulator as a process of its own, for tests and benchmarks."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
KEY = "simulator-key"
ALWAYS = ("--port", "0", "--replies", "0", "--auto-pair", "-1")


class SimulatorProcess:
    """One Evolution server; `url` and `KEY` open it."""

    def __init__(self, *arguments: str) -> None:
        environment = dict(os.environ) | {"SIMULATOR_API_KEY": KEY}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "messaging.simulator", *ALWAYS, *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.url = json.loads(self.process.stdout.readline())["url"]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(  # noqa: S310
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"apikey": KEY, "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)

    def ask(self, path: str, **body: Any) -> Any:
        """Post to `/_sim/…`."""
        return self.call("POST", f"/_sim/{path}", body)

    def calm(self) -> None:
        self.call("DELETE", "/_sim/faults")

    def journal(self, instance: str = "") -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", f"/_sim/journal?instance={instance}")
        return found

    def open_instance(self, name: str, webhook: dict[str, Any] | None = None) -> None:
        """Make an instance that is paired."""
        hook = {"webhook": {"byEvents": False, **webhook}} if webhook else {}
        body = {"instanceName": name, "integration": "WHATSAPP-BAILEYS", **hook}
        self.call("POST", "/instance/create", body)
        self.ask("pair", instance=name)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(60)
        if self.process.stdout:
            self.process.stdout.close()


@contextmanager
def running_simulator(*arguments: str) -> Iterator[SimulatorProcess]:
    simulator = SimulatorProcess(*arguments)
    try:
        yield simulator
    finally:
        simulator.stop()
