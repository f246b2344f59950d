"""Each test gets an installation of its own, without the session's database addresses."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from evosense.local.home import PROJECT, Home
from evosense.local.system import free_port

# Seconds for what takes a few: for a broken house, not for a busy machine.
PATIENCE = 60


def eventually(condition, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


class Installation:
    """A home directory, and the processes that a test runs on it."""

    def __init__(self, root):
        self.home = Home(root)
        self.port = free_port()
        self.started = []

    def environment(self, **extra):
        # The test settings have put these into our own environment.
        foreign = {"DATABASE_URL", "REDIS_URL", "PUBLIC_HOST", "PUBLIC_PORT", "EVOSENSE_DEMO"}
        kept = {k: v for k, v in os.environ.items() if k not in foreign}
        own = {"EVOSENSE_HOME": str(self.home.root), "PORT": str(self.port)}
        return kept | own | {"DJANGO_SETTINGS_MODULE": "evosense.settings.dev"} | extra

    def command(self, *arguments, module="evosense.local.tests.house"):
        return [sys.executable, "-m", module, *arguments]

    def call(self, *arguments, **extra):
        return subprocess.run(
            self.command(*arguments),
            cwd=PROJECT,
            env=self.environment(**extra),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start(self, *, preexec_fn=None, **extra):
        output = self.home.root / f"output-{len(self.started)}"
        with output.open("w") as log:
            process = subprocess.Popen(
                self.command("run"),
                cwd=PROJECT,
                env=self.environment(**extra),
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=preexec_fn,  # noqa: PLW1509  no threads
            )
        self.started.append((process, output))
        assert eventually(lambda: "ready in" in output.read_text()), output.read_text()
        return process, output

    def processes(self):
        """Everything alive that was started for this home."""
        marker = f"EVOSENSE_HOME={self.home.root}\0".encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
                if state != "Z" and marker in (entry / "environ").read_bytes() + b"\0":
                    found.append(int(entry.name))
            except OSError:
                continue
        return [pid for pid in found if pid != os.getpid()]

    def end(self):
        for process, _ in self.started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(PATIENCE)
        eventually(lambda: not self.processes())
        digest = self.home.run_dir.name.rsplit("-", 1)[1]
        for folder in self.home.run_dir.parent.glob(f"evosense-*-{digest}"):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(self.home.root, ignore_errors=True)


@pytest.fixture
def installation():
    root = Path(tempfile.mkdtemp(prefix="evosense-house-"))
    root.chmod(0o755)
    made = Installation(root)
    yield made
    made.end()
