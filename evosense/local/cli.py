"""The command line of the local stack."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from evosense.local.home import PROJECT, Home, process_environment
from evosense.local.stack import services
from evosense.local.supervisor import (
    manage,
    mark_ready,
    ready_marker,
    run,
    services_arguments,
)
from evosense.local.system import StackError, child_setup, file_lock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evosense.local.stack import Services

SETUP_PATIENCE = 300.0
# Commands that need no tables, or make them themselves.
BARE_COMMANDS = {"setup", "help", "check", "makemigrations", "messages_sync", "--help", "--version"}


def main(arguments: list[str]) -> int:
    """Run one subcommand; what an operator can put right is one line, not a traceback."""
    options = _parser().parse_args(arguments)
    home = Home.from_environment()
    try:
        return int(options.action(home, options))
    except StackError as error:
        sys.stderr.write(f"evosense: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evosense.local", description=__doc__)
    actions = parser.add_subparsers(required=True)
    starter = actions.add_parser("run", help="start everything and stay")
    starter.set_defaults(action=lambda home, _: run(home))
    manager = actions.add_parser("manage", help="run a management command")
    manager.add_argument("arguments", nargs=argparse.REMAINDER)
    manager.set_defaults(action=_manage)
    wrapper = actions.add_parser("with", help="run any command with the databases up")
    wrapper.add_argument("arguments", nargs=argparse.REMAINDER)
    wrapper.set_defaults(action=_with)
    guardian = actions.add_parser("guardian", help="own the databases (started by the others)")
    guardian.add_argument("--disposable", action="store_true")
    guardian.set_defaults(action=_guardian)
    return parser


def _guardian(home: Home, options: argparse.Namespace) -> int:
    from evosense.local.guardian import main as guard  # noqa: PLC0415  only the guardian needs it

    return guard(home, durable=not options.disposable)


def _manage(home: Home, options: argparse.Namespace) -> int:
    arguments = options.arguments or ["help"]
    with services(home) as found:
        environment = process_environment(home, **services_arguments(found))
        if arguments[0] not in BARE_COMMANDS:
            _ensure_tables(home, found, environment)
        return _call(manage(*arguments), environment)


def _with(home: Home, options: argparse.Namespace) -> int:
    command = [each for each in options.arguments[:1] if each != "--"] + options.arguments[1:]
    if not command:
        raise StackError("name a command: python -m evosense.local with -- COMMAND")
    with services(home) as found:
        return _call(command, process_environment(home, **services_arguments(found)))


def _ensure_tables(home: Home, found: Services, environment: Mapping[str, str]) -> None:
    """Set a brand-new embedded database up, so that `make manage` works before `make run`."""
    if "postgres" not in found.embedded or ready_marker(home).exists():
        return
    with file_lock(home.root / "setup.lock", wait=SETUP_PATIENCE):
        if ready_marker(home).exists():
            return
        code = _call(manage("setup"), environment, quiet=True)
        if code:
            raise StackError(f"setting up the database failed with code {code}")
        mark_ready(found, home)


def _call(command: list[str], environment: Mapping[str, str], *, quiet: bool = False) -> int:
    """Run a command on our own terminal; it, not we, answers to Ctrl+C and SIGTERM."""
    try:
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env=dict(environment),
            stdout=sys.stderr if quiet else None,
            preexec_fn=child_setup(death_signal=signal.SIGTERM),  # noqa: PLW1509  no threads here
        )
    except FileNotFoundError:
        raise StackError(f"{command[0]}: no such command") from None
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    code = process.wait()
    return code if code >= 0 else 128 - code
