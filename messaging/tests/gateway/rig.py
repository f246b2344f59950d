"""A local server that answers as told and remembers what it was asked."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from messaging.gateway.capabilities import Capabilities
from messaging.gateway.client.instance import Instance
from messaging.gateway.client.outcome import Outcome

REST = Path(__file__).resolve().parents[1] / "fixtures" / "evolution" / "rest"
KEY = "B3844804-481D-47A4-B69C-F14B4206EB56"
NAME = "evs-t42-clinica-sorriso"


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: Any


class Script(http.server.ThreadingHTTPServer):
    """Answers `status` and `body`, or whatever `respond` does with the handler."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        self.status = 201
        self.body = b"{}"
        self.respond: Callable[[http.server.BaseHTTPRequestHandler], None] | None = None
        self.asked: list[Asked] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = json.loads(raw) if raw else None
                outer.asked.append(Asked(self.command, self.path, headers, body))
                if outer.respond is not None:
                    outer.respond(self)
                    return
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(outer.body)))
                self.end_headers()
                self.wfile.write(outer.body)

            do_POST = do_DELETE = do_PUT = do_GET  # noqa: N815

            def log_message(self, *_arguments: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, status: int, body: Any) -> None:
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()

    def replay(self, name: str) -> None:
        """Answer with a recorded file; its status is in its name."""
        status = next(int(part[:3]) for part in name.split(".") if part[:3].isdigit())
        self.answer(status, (REST / name).read_bytes())


@contextmanager
def scripted() -> Iterator[Script]:
    server = Script()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def instance_at(url: str, version: str = "2.3.7", **over: Any) -> Instance:
    capabilities = Capabilities(version, **over)
    return Instance(UUID(int=7), url, KEY, NAME, capabilities)


def no_media(_key: str) -> bytes:
    raise AssertionError("nothing to read")


def send_text(client: Any, instance: Instance, **over: Any) -> Outcome:
    options = {"kind": "text", "payload": {"text": "Oi"}, "to": "5511900001234@s.whatsapp.net"}
    outcome: Outcome = client.send(instance, read_media=no_media, **{**options, **over})
    return outcome
