"""Starts senders by forking: real processes that die for real, without seconds of imports each.

Reads one JSON request a line: {"start": {environment}} answers {"pid"}; {"wait": pid} answers
{"status"} (a negative signal, or null while it runs).
"""

import json
import os
import sys
from typing import Any

import django
from django.core.checks import run_checks
from django.core.management import execute_from_command_line


def main() -> None:
    django.setup()
    run_checks()
    from messaging.management.commands import sender  # noqa: F401  (imports its world)

    _say({})
    for line in sys.stdin:
        request = json.loads(line)
        answer = _start(request["start"]) if "start" in request else _wait(request["wait"])
        _say(answer)


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _start(environment: dict[str, str]) -> dict[str, Any]:
    pid = os.fork()
    if pid:
        return {"pid": pid}
    try:
        os.environ.update(environment)
        os.dup2(2, 1)
        os.close(0)
        execute_from_command_line(["manage.py", "sender"])
    finally:
        os._exit(1)


def _wait(pid: int) -> dict[str, Any]:
    try:
        ended, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return {"status": 0}
    return {"status": os.waitstatus_to_exitcode(status) if ended else None}


if __name__ == "__main__":
    main()
