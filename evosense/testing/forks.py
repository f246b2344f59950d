"""Processes of a test that die for real, each without seconds of imports: forks of one."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from evosense.testing.house import database_url

_LOOP = """
import json
import os
import sys
import traceback
for line in sys.stdin:
    if pid := os.fork():
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
        continue
    try:
        work(*json.loads(line))
        os._exit(0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)
"""


class Forks:
    """Runs `work` of a program in a process of its own, one after another."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(self, *arguments: str | int) -> int:
        """Wait for a new process and return its exit code; a negative one names a signal."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(arguments) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def forks(program: str, **environment: str) -> Iterator[Forks]:
    """Start `program`, which sets Django up and defines `work`, over this worker's database."""
    own = {"DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL, **environment}
    with subprocess.Popen(
        [sys.executable, "-c", program + _LOOP],
        cwd=settings.BASE_DIR,
        env={**os.environ, **own},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Forks(process)
