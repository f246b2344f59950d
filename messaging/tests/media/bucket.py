"""As much of S3 as our storage asks for: objects in memory, ranges, and lists by prefix."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

_NOW = datetime.now(UTC)
_XML = '<?xml version="1.0" encoding="UTF-8"?>'


class Bucket:
    """`objects` by key, and the headers with which each came."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.headers: dict[str, dict[str, str]] = {}
        self.ranges: list[str] = []
        self.is_away = False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bucket: Bucket

    @property
    def key(self) -> str:
        # Path style: /bucket/key.
        return unquote(urlsplit(self.path).path).lstrip("/").partition("/")[2]

    def do_PUT(self) -> None:
        if self.bucket.is_away:
            self._say(503)
            return
        self.bucket.objects[self.key] = self._body()
        self.bucket.headers[self.key] = {k.lower(): v for k, v in self.headers.items()}
        self._say(200)

    def do_GET(self) -> None:
        if self.bucket.is_away:
            self._say(503)
            return
        asked = parse_qs(urlsplit(self.path).query)
        if not self.key:
            self._list(asked.get("prefix", [""])[0], asked.get("delimiter", [""])[0])
            return
        found = self.bucket.objects.get(self.key)
        if found is None:
            self._say(404, f"{_XML}<Error><Code>NoSuchKey</Code></Error>".encode())
            return
        wanted = self.headers.get("Range", "")
        if wanted:
            self.bucket.ranges.append(wanted)
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            found = found[int(first) : int(last or len(found)) + 1]
        self._say(206 if wanted else 200, found)

    def do_HEAD(self) -> None:
        found = self.bucket.objects.get(self.key)
        if self.bucket.is_away:
            self._say(503, is_head=True)
            return
        self._say(200 if found is not None else 404, found or b"", is_head=True)

    def do_DELETE(self) -> None:
        self.bucket.objects.pop(self.key, None)
        self._say(204)

    def _list(self, prefix: str, delimiter: str) -> None:
        folders, rows = set(), ""
        for key in sorted(self.bucket.objects):
            rest = key.removeprefix(prefix)
            if key.startswith(prefix) and delimiter and delimiter in rest:
                folders.add(prefix + rest.partition(delimiter)[0] + delimiter)
            elif key.startswith(prefix):
                at = f"{_NOW:%Y-%m-%dT%H:%M:%S.000Z}"
                rows += f"<Contents><Key>{key}</Key><LastModified>{at}</LastModified>"
                rows += f"<Size>{len(self.bucket.objects[key])}</Size></Contents>"
        rows += "".join(
            f"<CommonPrefixes><Prefix>{one}</Prefix></CommonPrefixes>" for one in sorted(folders)
        )
        shown = f"{_XML}<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>"
        self._say(200, shown.encode())

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", "") and not self.headers.get(
            "Content-Encoding", ""
        ).startswith("aws-chunked"):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = b""
        while size := int(self.rfile.readline().partition(b";")[0].strip() or b"0", 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            # Trailing checksums.
            pass
        return found

    def _say(self, status: int, body: bytes = b"", *, is_head: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"0"')
        self.send_header("Last-Modified", f"{_NOW:%a, %d %b %Y %H:%M:%S} GMT")
        self.end_headers()
        if not is_head:
            self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


@contextmanager
def running_bucket() -> Iterator[tuple[str, Bucket]]:
    """Yield the endpoint and what is in it."""
    bucket = Bucket()
    handler = type("Handler", (_Handler,), {"bucket": bucket})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", bucket
    finally:
        server.shutdown()
        server.server_close()
