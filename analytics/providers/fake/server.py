"""The server itself: one thread a connection, kept open between requests."""

import json
import socket
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, cast

from analytics.providers.fake.modes import MODES
from analytics.providers.fake.wire import Answer, as_json, form_in, refused

_KEPT = 1_000
_PATHS = frozenset(
    {"/v1/chat/completions", "/v1/embeddings", "/v1/audio/transcriptions", "/v1/models"}
)
_LONGEST_BODY = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that arrived."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]


class FakeProvider:
    """Runs in a thread: `with FakeProvider("slow") as fake: ... fake.base_url`.

    `mode` may be changed at any time. `key` refuses every other key with 401.
    """

    def __init__(self, mode: str = "ok", *, port: int = 0, key: str = "") -> None:
        self.mode = mode
        self.key = key
        self.seen: list[Seen] = []
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.fake = self

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_reason: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"

    def url_of(self, mode: str) -> str:
        """Return the address at which this server behaves as `mode`."""
        return f"{self.origin}/m/{mode}/v1"

    def serve(self) -> None:
        """Serve in this thread until it is interrupted."""
        self._server.serve_forever()

    def answer(self, seen: Seen) -> Answer | None:
        """Note a request and return what the mode says to it."""
        mode, path = self._routed(seen.path)
        with self._lock:
            self.seen = [*self.seen[-_KEPT:], seen]
            number = self._counts[mode]
            self._counts[mode] += 1
        if self.key and seen.headers.get("authorization") != f"Bearer {self.key}":
            return refused(401, "Incorrect API key provided.")
        if path == "/v1/models" and mode not in {"unauthorized", "drops", "broken"}:
            return as_json(200, {"object": "list", "data": [{"id": "fake-1"}, {"id": "fake-2"}]})
        if path not in _PATHS:
            return refused(404, "Unknown path.")
        return MODES[mode](seen.body, number)

    def _routed(self, path: str) -> tuple[str, str]:
        if not path.startswith("/m/"):
            return self.mode, path
        _nothing, _m, mode, *rest = path.split("/")
        return mode if mode in MODES else "ok", "/" + "/".join(rest)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    fake: FakeProvider


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_GET(self) -> None:
        self._respond({})

    def do_POST(self) -> None:
        length = min(int(self.headers.get("Content-Length") or 0), _LONGEST_BODY)
        sent = self.rfile.read(length)
        kind = str(self.headers.get("Content-Type") or "")
        if kind.startswith("multipart/form-data"):
            self._respond(form_in(sent, kind))
            return
        try:
            body = json.loads(sent or b"{}")
        except ValueError:
            body = {}
        self._respond(body if isinstance(body, dict) else {})

    def _respond(self, body: Mapping[str, Any]) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = cast("_Server", self.server).fake.answer(Seen(self.path, headers, body))
        if answer is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        head = [f"HTTP/1.1 {answer.status} Fake", f"Content-Type: {answer.content_type}"]
        head += [f"{name}: {value}" for name, value in answer.headers.items()]
        head += [f"Content-Length: {len(answer.body)}", "", ""]
        try:
            # In one piece: two would wait for each other's acknowledgement.
            self.wfile.write("\r\n".join(head).encode() + answer.body)
        except OSError:
            # The asker had enough, as of an answer that is too long.
            self.close_connection = True

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing: requests hold texts."""
