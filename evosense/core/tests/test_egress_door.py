"""The egress door against real servers on this machine: what it sends, follows, and bears."""

import gzip
import http.server
import ipaddress
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from evosense.core.egress.policy import ANY_PORT, Policy
from evosense.core.http import Answer, Egress, EgressBlocked, EgressFailed, send

LOCAL = Policy(networks=(ipaddress.ip_network("127.0.0.0/8"),), ports=ANY_PORT, plain_http=True)
# As in production, but for the ports that a test server can have.
STRICT = Policy(ports=ANY_PORT, plain_http=True)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, respond: Callable[[http.server.BaseHTTPRequestHandler], None]) -> None:
        self.seen: list[dict[str, str]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.seen.append({k.lower(): v for k, v in self.headers.items()})
                respond(self)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_arguments: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serving(respond) -> Iterator[Server]:
    server = Server(respond)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def answering(body: bytes = b"{}", status: int = 200, **headers: str):
    def respond(handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return respond


@contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve one connection by hand."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        try:
            peer, _address = listener.accept()
        except OSError:
            return
        with peer:
            try:
                talk(peer)
            except OSError:
                return

    threading.Thread(target=run, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def fetch(url: str, **options) -> Answer:
    with Egress(LOCAL) as door:
        return door.send("GET", url, **options)


def failure(url: str, **options) -> str:
    with pytest.raises(EgressFailed) as found:
        fetch(url, **options)
    assert str(found.value.reason)
    return found.value.code


def test_a_request_arrives_with_its_body_and_our_framing() -> None:
    got = []

    def respond(handler) -> None:
        got.append(handler.rfile.read(int(handler.headers["Content-Length"])))
        answering(b'{"ok": true}', Content_Type="application/json")(handler)

    with serving(respond) as server, Egress(LOCAL) as door:
        answer = door.send("POST", server.url, headers={"apikey": "k"}, body=b"hello")
    assert answer.is_success
    assert answer.json() == {"ok": True}
    assert got == [b"hello"]
    assert server.seen[0]["apikey"] == "k"
    assert server.seen[0]["accept-encoding"] == "identity"
    assert server.seen[0]["host"] == f"127.0.0.1:{server.server_port}"


def test_production_does_not_reach_this_machine() -> None:
    with serving(answering()) as server, Egress(STRICT) as door:
        with pytest.raises(EgressBlocked) as refusal:
            door.send("GET", server.url)
        assert server.seen == []
    assert refusal.value.code == "address_refused"


def test_a_redirect_to_loopback_is_an_answer_and_is_not_followed() -> None:
    with serving(answering(b"secret")) as inner:
        with serving(answering(b"", 302, Location=inner.url)) as outer:
            answer = fetch(outer.url)
        assert (answer.status, answer.is_success) == (302, False)
        assert inner.seen == []


def test_a_name_that_changes_its_address_is_looked_up_once() -> None:
    answers = iter([["8.8.8.8"], ["127.0.0.1"]])
    asked = []

    def rebinding(name: str, _port: int) -> list[str]:
        asked.append(name)
        return next(answers)

    with serving(answering()) as server, Egress(STRICT, resolver=rebinding) as door:
        connected = []
        # The first answer is public, so a connection goes there; it is not let out of the test.
        door._backend._plain = Recorder(connected)
        with pytest.raises(EgressFailed):
            door.send("GET", f"http://rebind.example:{server.server_port}/")
        assert connected == [("8.8.8.8", server.server_port)]
        assert asked == ["rebind.example."]
        with pytest.raises(EgressBlocked):
            door.send("GET", f"http://rebind.example:{server.server_port}/")
        assert len(connected) == 1
        assert server.seen == []


class Recorder:
    def __init__(self, connected: list[tuple[str, int]]) -> None:
        self.connected = connected

    def connect_tcp(self, host, port, *_rest):
        import httpcore2

        self.connected.append((host, port))
        raise httpcore2.ConnectError


def test_one_bad_record_spoils_the_connection() -> None:
    mixed = lambda *_: ["8.8.8.8", "127.0.0.1"]  # noqa: E731
    with serving(answering()) as server, Egress(STRICT, resolver=mixed) as door:
        with pytest.raises(EgressBlocked):
            door.send("GET", f"http://mixed.example:{server.server_port}/")
        assert server.seen == []


def test_another_address_of_the_name_is_tried_when_the_first_is_dead() -> None:
    both = lambda *_: ["127.0.0.2", "127.0.0.1"]  # noqa: E731
    with serving(answering()) as server, Egress(LOCAL, resolver=both) as door:
        assert door.send("GET", f"http://two.example:{server.server_port}/").status == 200
    assert server.seen[0]["host"] == f"two.example:{server.server_port}"


def test_no_proxy_of_the_environment_is_used(monkeypatch) -> None:
    with serving(answering(b"proxy")) as proxy, serving(answering(b"direct")) as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert fetch(server.url).body == b"direct"
        assert proxy.seen == []


def test_cookies_of_one_answer_are_not_sent_with_the_next_request() -> None:
    with serving(answering(Set_Cookie="sid=1")) as server, Egress(LOCAL) as door:
        door.send("GET", server.url)
        door.send("GET", server.url)
    assert all("cookie" not in seen for seen in server.seen)


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "connection"])
def test_callers_do_not_decide_about_framing(name) -> None:
    with pytest.raises(ValueError, match="belongs to the client"):
        fetch("http://127.0.0.1:9/", headers={name: "x"})


def test_a_header_with_a_line_break_never_leaves() -> None:
    with serving(answering()) as server:
        assert failure(server.url, headers={"X-A": "b\r\nX-C: d"}) == "broken_answer"
        assert server.seen == []


def test_a_long_body_is_cut_off_while_it_comes() -> None:
    sent = []

    def respond(handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(10**9))
        handler.end_headers()
        for _ in range(10_000):
            handler.wfile.write(b"x" * 65536)
            sent.append(1)

    def tolerant(handler) -> None:
        try:
            respond(handler)
        except OSError:
            handler.close_connection = True

    with serving(tolerant) as server:
        assert failure(server.url, longest=100_000) == "too_large"
    assert len(sent) < 500


@pytest.mark.parametrize("make", [gzip.compress, zlib.compress])
def test_a_compressed_bomb_does_not_open(make) -> None:
    bomb = make(b"\0" * 200_000_000)
    assert len(bomb) < 1_000_000
    encoding = "gzip" if make is gzip.compress else "deflate"
    with serving(answering(bomb, Content_Encoding=encoding)) as server:
        started = time.monotonic()
        assert failure(server.url) == "too_large"
        assert time.monotonic() - started < 5


def test_an_encoding_that_was_not_asked_for_is_undone_or_refused() -> None:
    with serving(answering(gzip.compress(b'{"a": 1}'), Content_Encoding="gzip")) as server:
        assert fetch(server.url).json() == {"a": 1}
    for body, encoding in [
        (b"x", "br"),
        (b"not gzip", "gzip"),
        (gzip.compress(b"a" * 999)[:-9], "gzip"),
    ]:
        with serving(answering(body, Content_Encoding=encoding)) as server:
            assert failure(server.url) == "broken_answer"


def test_what_is_not_json_says_so() -> None:
    with serving(answering(b"<html>")) as server, pytest.raises(EgressFailed):
        fetch(server.url).json()


@pytest.mark.parametrize(
    "drip",
    [
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500,
        b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + b"x" * 900,
    ],
)
def test_a_server_that_drips_is_left_when_the_time_is_up(drip) -> None:
    def talk(peer: socket.socket) -> None:
        peer.recv(65536)
        for byte in drip:
            peer.sendall(bytes([byte]))
            time.sleep(0.05)

    with raw_server(talk) as url:
        started = time.monotonic()
        assert failure(url, total_seconds=0.6) == "timed_out"
        assert time.monotonic() - started < 20, "all of it takes 45 seconds"


def test_a_server_that_says_nothing_is_left_when_the_time_is_up() -> None:
    with raw_server(lambda peer: time.sleep(30)) as url:
        started = time.monotonic()
        assert failure(url, total_seconds=0.4) == "timed_out"
        assert time.monotonic() - started < 20


def test_endless_headers_are_refused() -> None:
    def talk(peer: socket.socket) -> None:
        peer.recv(65536)
        peer.sendall(b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"y" * 500_000)
        time.sleep(1)

    with raw_server(talk) as url:
        assert failure(url) == "broken_answer"


def test_nonsense_instead_of_http_is_a_failure() -> None:
    with raw_server(lambda peer: peer.sendall(b"220 smtp.example ESMTP\r\n")) as url:
        assert failure(url) in {"broken_answer", "connect_failed"}


def test_a_closed_port_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert failure(f"http://127.0.0.1:{port}/") == "connect_failed"


def test_the_module_function_uses_the_settings(settings) -> None:
    with serving(answering(b"hi")) as server:
        assert send("GET", server.url).body == b"hi"
        settings.EGRESS = Policy()
        with pytest.raises(EgressBlocked):
            send("GET", server.url)


def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    certificate, private = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(pem))
    private.write_bytes(secret)
    return certificate, private


def test_the_pinned_connection_keeps_the_name_for_tls_and_host(tmp_path) -> None:
    certificate, private = _certificate(tmp_path, "door.example")
    names = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    trusted = ssl.create_default_context(cafile=str(certificate))
    here = lambda *_: ["127.0.0.1"]  # noqa: E731
    with serving(answering(b"safe")) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        with Egress(LOCAL, resolver=here, ssl_context=trusted) as door:
            answer = door.send("GET", f"https://door.example:{server.server_port}/")
            assert answer.body == b"safe"
            with pytest.raises(EgressFailed) as wrong_name:
                door.send("GET", f"https://other.example:{server.server_port}/")
        with Egress(LOCAL, resolver=here) as door, pytest.raises(EgressFailed) as unknown_issuer:
            door.send("GET", f"https://door.example:{server.server_port}/")
    assert names[0] == "door.example"
    assert server.seen[0]["host"] == f"door.example:{server.server_port}"
    assert {wrong_name.value.code, unknown_issuer.value.code} == {"tls_failed"}
