"""Requests whose length can be read in two ways are refused by the real server."""

import socket

import pytest

pytestmark = pytest.mark.chaos
HEAD = b"POST /api/v1/contacts HTTP/1.1\r\nHost: alpha.localhost\r\n"
HIDDEN = b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: alpha.localhost\r\n\r\n"
TWICE = {
    "both": b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n" % len(HIDDEN),
    "two lengths": b"Content-Length: 5\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN),
    "odd coding": b"Transfer-Encoding: chunked, identity\r\n\r\n",
    "space before colon": b"Transfer-Encoding : chunked\r\nContent-Length: %d\r\n\r\n"
    % len(HIDDEN),
    "negative": b"Content-Length: -1\r\n\r\n",
}


@pytest.mark.timeout(400)
def test_no_second_request_hides_in_a_first(house) -> None:
    for name, framing in TWICE.items():
        with socket.create_connection(("127.0.0.1", house.port), timeout=30) as peer:
            peer.sendall(HEAD + framing + HIDDEN)
            peer.shutdown(socket.SHUT_WR)
            answer = b""
            while chunk := peer.recv(65536):
                answer += chunk
        statuses = [line for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
        assert len(statuses) <= 1, (name, answer)
        assert b'"alive"' not in answer, name
        assert not statuses or statuses[0].startswith(b"HTTP/1.1 4"), (name, statuses)
