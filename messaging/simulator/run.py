"""Runs the simulator as a process of its own, with or without Django around it."""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

from messaging.simulator.demo import DEMO_RATE, DEMO_SEED, demo_world
from messaging.simulator.server import App
from messaging.simulator.state import Options, Simulator
from messaging.simulator.store import Webhook
from messaging.simulator.versions import DEFAULT_VERSION, SUPPORTED

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_PORT = 9100
DEFAULT_KEY = "simulator-key"
AUTO_PAIR_SECONDS = 6.0
REPLY_SHARE = 0.7
# What nobody subscribes to: presence, and whole chat lists.
NOISE = frozenset({"PRESENCE_UPDATE", "CHATS_SET", "CHATS_UPSERT", "CHATS_UPDATE", "CHATS_DELETE"})


class SetupError(Exception):
    """Why the simulator cannot start, in one line."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, help=f"default {DEFAULT_PORT}; 0 takes a free one")
    parser.add_argument("--chats", type=int, default=60, help="how many people write")
    parser.add_argument("--rate", type=float, help="live events per second; default 0")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--evolution-version", default=DEFAULT_VERSION, choices=SUPPORTED)
    parser.add_argument("--time-factor", type=float, default=1.0, help="scales all waiting")
    parser.add_argument(
        "--auto-pair",
        type=float,
        default=AUTO_PAIR_SECONDS,
        help="seconds until a phone scans the code by itself; negative waits for /_sim/pair",
    )
    parser.add_argument("--qr-seconds", type=float, default=45.0, help="how long a code lives")
    parser.add_argument("--qr-limit", type=int, default=30, help="codes before it gives up")
    parser.add_argument("--licensed", action="store_true", help="2.4 starts activated")
    parser.add_argument("--replies", type=float, default=REPLY_SHARE, help="share answered")
    parser.add_argument(
        "--demo", action="store_true", help="go on with the demonstration made by seed_demo"
    )
    parser.add_argument("--receiver", help="where the demonstration posts to")


def serve(options: dict[str, Any], announce: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `announce` gets one JSON line as soon as requests work."""
    simulator = build(options)
    usual = demo_port() if options["demo"] else DEFAULT_PORT
    listener = _open_port(options["host"], options["port"], usual, may_move=options["demo"])
    host, port = listener.getsockname()[:2]
    line = json.dumps({"url": f"http://{host}:{port}", "api_key": simulator.options.global_key})
    config = uvicorn.Config(App(simulator), log_level="warning", access_log=False, lifespan="on")
    _Announcing(config, line, announce).run(sockets=[listener])


class _Announcing(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, line: str, announce: Callable[[str], None]) -> None:
        super().__init__(config)
        self._line = line
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce(self._line)


def build(options: dict[str, Any]) -> Simulator:
    demo = bool(options.get("demo"))
    known = read_demo(demo_file()) if demo else {}
    rate = options.get("rate")
    chosen = Options(
        version=options["evolution_version"],
        global_key=_global_key(known),
        seed=DEMO_SEED if demo else options["seed"],
        chats=options["chats"],
        rate=rate if rate is not None else (DEMO_RATE if demo else 0.0),
        time_factor=options["time_factor"],
        reply_share=options["replies"],
        auto_pair_seconds=options["auto_pair"] if options["auto_pair"] >= 0 else None,
        qr_seconds=options["qr_seconds"],
        qr_limit=options["qr_limit"],
        licensed=options["licensed"],
    )
    if not demo:
        return Simulator(chosen)
    simulator = Simulator(chosen, world=demo_world())
    wire_demo(simulator, known, options.get("receiver") or "")
    return simulator


def _global_key(demo: dict[str, Any]) -> str:
    chosen = os.environ.get("SIMULATOR_API_KEY")
    return chosen or str((demo.get("server") or {}).get("key") or DEFAULT_KEY)


def demo_file() -> Path:
    home = Path(os.environ.get("EVOSENSE_HOME") or ".evosense").expanduser()
    return home / "demo.json"


def read_demo(path: Path) -> dict[str, Any]:
    """What seed_demo left: the address and the token of each connection."""
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        raise SetupError(f"{path} is missing; run seed_demo first") from None
    except ValueError as error:
        raise SetupError(f"{path} is broken: {error}") from None
    return content


def wire_demo(simulator: Simulator, demo: dict[str, Any], receiver: str = "") -> None:
    """Make the demonstration's instances, connected and posting as the house wants it.

    `receiver` is for a house that listens elsewhere than it says to others.
    """
    for connection in demo["connections"]:
        name = connection["instance"]
        instance = simulator.store.create(
            name, token=connection.get("api_key", ""), line=simulator.lines[name]
        )
        instance.owner, instance.state = instance.line.jid, "open"
        instance.has_credentials = True
        instance.webhook = Webhook(
            url=_hook(connection, receiver),
            headers={"X-EvoSense-Token": connection["token"]},
            events=tuple(one for one in instance.bodies.version.events if one not in NOISE),
        )


def _hook(connection: dict[str, Any], receiver: str) -> str:
    if receiver or "webhook_url" not in connection:
        receiver = receiver or f"http://127.0.0.1:{os.environ.get('PORT') or 8000}"
        return f"{receiver.rstrip('/')}/hooks/evo/{connection['id']}"
    return str(connection["webhook_url"])


def demo_port() -> int:
    """The port that seed_demo chose, where the demonstration's company looks for its server."""
    return int((read_demo(demo_file()).get("server") or {}).get("port") or DEFAULT_PORT)


def _open_port(host: str, port: int | None, usual: int, *, may_move: bool) -> socket.socket:
    """Two demonstrations on one machine must not fight for the usual port."""
    if port is not None:
        return _listen(host, port)
    try:
        return _listen(host, usual)
    except SetupError:
        if not may_move:
            raise
        return _listen(host, 0)


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise SetupError(f"port {port} cannot be used: {error.strerror}") from None
    return listener


def main() -> int:
    parser = argparse.ArgumentParser(prog="messaging.simulator", description=__doc__)
    add_arguments(parser)
    try:
        serve(vars(parser.parse_args()), _print_line)
    except SetupError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _print_line(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
