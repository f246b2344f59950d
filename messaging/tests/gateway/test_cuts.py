"""Requests that end without a usable answer: only what was never written is certain."""

import http.server
import json
import socket
import threading
import time
from uuid import UUID

import pytest

from messaging.gateway.client import evolution as client_module
from messaging.gateway.client.errors import EvolutionError
from messaging.gateway.client.evolution import Evolution
from messaging.tests.gateway.rig import Script, instance_at, send_text


def _hang(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.connection.recv(1)


def _hang_up(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def _said(message: object) -> bytes:
    return json.dumps({"response": {"message": message}}).encode()


def test_a_server_that_refuses_connections_got_nothing(client: Evolution) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    outcome = send_text(client, instance_at(f"http://127.0.0.1:{port}"))

    assert (outcome.klass, outcome.code) == ("not_sent", "connect_failed")
    assert outcome.effect == "server_down"


def test_a_port_that_does_not_speak_tls_got_nothing(server: Script, client: Evolution) -> None:
    outcome = send_text(client, instance_at(server.url.replace("http:", "https:")))

    assert (outcome.klass, outcome.code) == ("not_sent", "tls_failed")
    assert server.asked == []


def test_an_address_of_the_house_is_refused(client: Evolution) -> None:
    outcome = send_text(client, instance_at("http://169.254.169.254"))

    assert (outcome.klass, outcome.code) == ("not_sent", "blocked_address_refused")


def test_a_connection_that_is_not_accepted_in_time_got_nothing(
    client: Evolution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "send_seconds", lambda _payload: 0.3)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))

        outcome = send_text(client, instance_at(f"http://127.0.0.1:{port}"))

        for one in waiting:
            one.close()
    assert (outcome.klass, outcome.code) == ("not_sent", "timed_out")


def test_silence_after_the_request_leaves_it_open(
    server: Script, client: Evolution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "send_seconds", lambda _payload: 0.3)
    server.respond = _hang

    outcome = send_text(client, instance_at(server.url))

    assert (outcome.klass, outcome.code, outcome.effect) == ("unknown", "timed_out", "none")
    assert 250 <= outcome.milliseconds < 5_000
    assert len(server.asked) == 1


def test_a_reset_after_the_request_leaves_it_open(server: Script, client: Evolution) -> None:
    server.respond = _hang_up

    outcome = send_text(client, instance_at(server.url))

    assert (outcome.klass, outcome.effect) == ("unknown", "server_down")
    assert len(server.asked) == 1


def test_a_connection_that_closes_when_it_is_used_again_leaves_it_open(
    server: Script, client: Evolution
) -> None:
    server.answer(201, {"key": {"id": "A1", "remoteJid": "5511900001234@s.whatsapp.net"}})
    assert send_text(client, instance_at(server.url)).klass == "accepted"
    server.respond = _hang_up

    assert send_text(client, instance_at(server.url)).klass == "unknown"
    assert len(server.asked) == 2


def test_nothing_is_written_after_its_time(server: Script, client: Evolution) -> None:
    outcome = send_text(client, instance_at(server.url), not_after=time.monotonic() - 0.001)

    assert (outcome.klass, outcome.code, outcome.effect) == ("not_sent", "too_late", "none")
    assert server.asked == []


def test_what_takes_long_before_the_writing_counts_too(server: Script, client: Evolution) -> None:
    def slow_read(_key: str) -> bytes:
        time.sleep(0.2)
        return b"bytes"

    outcome = client.send(
        instance_at(server.url),
        kind="image",
        payload={"media": {"key": "k", "mime": "image/png", "name": "a.png", "size": 5}},
        to="5511900001234@s.whatsapp.net",
        read_media=slow_read,
        not_after=time.monotonic() + 0.1,
    )

    assert outcome.code == "too_late"
    assert server.asked == []


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b"<html>welcome</html>", ("unknown", "no_message_id", "none")),
        (201, b"", ("unknown", "no_message_id", "none")),
        (201, b"null", ("unknown", "no_message_id", "none")),
        (201, b'{"key": {"id": ""}}', ("unknown", "no_message_id", "none")),
        (201, b'{"key": {"id": 7}}', ("unknown", "no_message_id", "none")),
        (302, b"", ("not_sent", "redirected", "server_down")),
        (400, _said(["Error: Timed Out"]), ("unknown", "unclear_refusal", "none")),
        (400, b"oops", ("unknown", "unclear_refusal", "none")),
        (403, b"<html>forbidden</html>", ("not_sent", "unauthorized", "trip_lane")),
        (404, b"404 page not found", ("unknown", "unclear_refusal", "none")),
        (413, b"", ("permanent", "too_large", "none")),
        (429, b"", ("not_sent", "too_many_requests", "none")),
        (500, _said(["Connection Closed"]), ("unknown", "server_error", "none")),
        (500, _said("x is not a function"), ("unknown", "server_error", "none")),
        (502, b"<html>", ("unknown", "server_error", "server_down")),
        (503, b"busy", ("unknown", "server_error", "server_down")),
        (504, b"", ("unknown", "server_error", "none")),
    ],
)  # fmt: skip
def test_other_answers(
    server: Script, client: Evolution, status: int, body: bytes, expected: tuple[str, str, str]
) -> None:
    server.answer(status, body)

    outcome = send_text(client, instance_at(server.url))

    assert (outcome.klass, outcome.code, outcome.effect) == expected


def test_an_act_that_leaves_nothing_behind_needs_no_id(server: Script, client: Evolution) -> None:
    server.answer(200, {"status": "ok"})
    target = {"provider_id": "A1", "from_me": True}
    act = {"kind": "edit", "payload": {"text": "novo", "target": target}}

    assert send_text(client, instance_at(server.url), **act).klass == "accepted"
    server.answer(400, {"response": {"message": ["RemoteJid does not match"]}})
    refused = send_text(client, instance_at(server.url), **act)
    assert (refused.klass, refused.code) == ("permanent", "act_refused")


def test_files_that_cannot_be_read_never_reach_a_server(server: Script, client: Evolution) -> None:
    def gone(_key: str) -> bytes:
        raise FileNotFoundError

    def broken(_key: str) -> bytes:
        raise TimeoutError

    cases = [
        (gone, ("permanent", "media_missing")),
        (broken, ("not_sent", "media_unreadable")),
    ]
    for read, expected in cases:
        outcome = client.send(
            instance_at(server.url),
            kind="voice",
            payload={"media": {"key": "k"}},
            to="5511900001234@s.whatsapp.net",
            read_media=read,
        )
        assert (outcome.klass, outcome.code) == expected
    assert server.asked == []


def test_a_payload_without_its_parts_is_our_own_mistake(server: Script, client: Evolution) -> None:
    outcome = send_text(client, instance_at(server.url), kind="poll", payload={"name": "?"})

    assert (outcome.klass, outcome.code) == ("permanent", "bad_payload")


@pytest.mark.parametrize("version", ["1.8.6", "2.2.2", "2.5.0", "", "latest"])
def test_other_versions_are_not_sent_to(server: Script, client: Evolution, version: str) -> None:
    outcome = send_text(client, instance_at(server.url, version))

    assert (outcome.klass, outcome.effect) == ("not_sent", "trip_lane")
    assert server.asked == []


def test_a_call_that_sends_nothing_says_why_it_failed(server: Script, client: Evolution) -> None:
    server.answer(500, {"response": {"message": "Connection Closed"}})
    with pytest.raises(EvolutionError) as closed:
        client.connection_state(instance_at(server.url))
    assert (closed.value.code, closed.value.can_retry) == ("not_connected", True)

    server.answer(200, b"<html>a proxy</html>")
    with pytest.raises(EvolutionError) as other:
        client.connection_state(instance_at(server.url))
    assert other.value.code == "broken_answer"

    with pytest.raises(EvolutionError) as refused:
        client.connection_state(instance_at("http://169.254.169.254"))
    assert (refused.value.code, refused.value.can_retry) == ("blocked", False)


def test_the_client_has_room_for_every_thread_of_a_sender(
    server: Script, client: Evolution
) -> None:
    together = threading.Barrier(64)

    def respond(handler: http.server.BaseHTTPRequestHandler) -> None:
        # Nobody is answered before all have come.
        together.wait(60)
        body = b'{"key": {"id": "A1", "remoteJid": "x"}}'
        handler.send_response(201)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    server.respond = respond
    instance = instance_at(server.url)
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(send_text(client, instance).klass))
        for _ in range(64)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)

    assert found == ["accepted"] * 64
    assert instance.server_id == UUID(int=7)
