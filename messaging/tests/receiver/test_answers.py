"""The table of answers, over the wire, from a real process with a real database."""

import base64
import gzip
import json
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from messaging.simulator.delivery import bearer
from messaging.tests.receiver.load import body_of
from messaging.tests.receiver.servers import Process, digest, wait_until

EVENT = {"event": "messages.upsert", "instance": "evs-1", "data": {"key": {"id": "A1"}}}
LIMIT = 100_000


@pytest.fixture(scope="module")
def served(_cluster, tmp_path_factory):
    """One receiver and one connection for the whole module; a start takes more than a second."""
    _cluster.create_tables()
    line = _cluster.add_route()
    environment = {"RECEIVER_MAX_BODY": str(LIMIT)}
    receiver = Process(_cluster.url, tmp_path_factory.mktemp("served"), environment).start()
    yield line, receiver
    receiver.kill()


@pytest.fixture
def cluster(_cluster, served):
    _cluster.execute("TRUNCATE webhook_events, webhook_blobs")
    return _cluster


@pytest.fixture
def line(served):
    return served[0]


@pytest.fixture
def receiver(cluster, served):
    return served[1]


@pytest.fixture
def new_line(cluster, receiver):
    """Return a connection of the test's own, known to the receiver by NOTIFY."""
    made = cluster.add_route("evs-2")
    cluster.execute("NOTIFY webhook_routes")
    wait_until(lambda: receiver.send(made, b"{}").status == 200)
    cluster.execute("TRUNCATE webhook_events")
    return made


def stored(cluster, columns="event, flag, status"):
    return cluster.rows(f"SELECT {columns} FROM webhook_events ORDER BY id")  # noqa: S608


def talk(port, *parts, pause=0.0):
    """Send raw bytes in parts and return the first bytes of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        for part in parts:
            client.sendall(part)
            time.sleep(pause)
        return client.recv(65536)


def head(line, extra):
    return (
        f"POST {line.path} HTTP/1.1\r\nHost: any.host.example\r\n"
        f"X-EvoSense-Token: {line.token}\r\n{extra}\r\n\r\n"
    ).encode()


def test_stored_events_are_answered_with_an_empty_object(cluster, line, receiver):
    reply = receiver.send(line, EVENT)
    assert (reply.status, reply.body) == (200, b"{}")
    assert stored(cluster, "event, instance, tenant_id, connection_id, lane, flag, status") == [
        ("messages.upsert", "evs-1", line.tenant, line.id, 0, "", 0)
    ]


def test_every_form_of_the_path_is_taken_without_redirect(cluster, line, receiver):
    by_header = [line.path, f"{line.path}/", f"{line.path}/messages-upsert", f"{line.path}//x/"]
    by_path = [f"{line.path}/{line.token}", f"{line.path}/{line.token}/messages-upsert/"]
    answers = [receiver.post(path, EVENT, x_evosense_token=line.token) for path in by_header]
    answers += [receiver.post(path, EVENT) for path in by_path]
    assert [answer.status for answer in answers] == [200] * 6
    assert len(stored(cluster)) == 6
    assert line.token not in receiver.log


def test_wrong_tokens_and_unknown_connections_get_the_same_404(cluster, line, receiver):
    answers = [
        receiver.post(line.path, EVENT),
        receiver.post(line.path, EVENT, x_evosense_token="wrong"),
        receiver.post(f"{line.path}/{'x' * 43}", EVENT),
        receiver.post(f"/hooks/evo/{uuid4()}", EVENT, x_evosense_token=line.token),
        receiver.post("/hooks/evo/no-uuid", EVENT, x_evosense_token=line.token),
        receiver.post("/hooks/evo/", EVENT),
    ]
    assert {(answer.status, answer.body) for answer in answers} == {(404, b'{"error":"not found"}')}
    assert stored(cluster) == []


@pytest.mark.parametrize("age", [0, 3_600])
def test_evolutions_own_token_neither_opens_nor_closes_the_door(cluster, line, receiver, age):
    """docs/decisions/009: what it signs is not the event, and late retries carry it expired."""
    signed = bearer("k" * 32, time.time() - age)
    alone = receiver.post(line.path, EVENT, authorization=signed)
    beside = receiver.post(line.path, EVENT, authorization=signed, x_evosense_token=line.token)
    assert (alone.status, beside.status) == (404, 200)
    assert len(stored(cluster)) == 1
    assert signed not in receiver.log


def test_the_first_event_of_a_connection_made_a_moment_ago_is_taken(cluster, receiver):
    """Nobody told the receiver: Evolution would drop for good what is answered 404."""
    lines = [cluster.add_route(f"evs-{number}") for number in range(12)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda one: receiver.send(one, b"{}").status, lines))
    assert answers == [200] * 12
    assert len(stored(cluster)) == 12


def test_a_token_changed_a_moment_ago_opens_at_once_and_the_old_one_no_more(cluster, receiver):
    made = cluster.add_route("evs-3")
    assert receiver.send(made, b"{}").status == 200
    before, made.token = made.token, "n" * 43
    cluster.execute(
        "UPDATE tenancy_webhookroute SET token_hash = %(hash)s WHERE id = %(id)s",
        hash=digest(made.token),
        id=made.id,
    )
    assert receiver.send(made, b"{}").status == 200
    made.token = before
    assert receiver.send(made, b"{}").status == 404


def test_other_methods_are_refused_with_allow(line, receiver):
    for method in (b"GET", b"PUT", b"HEAD", b"OPTIONS", b"DELETE"):
        answer = talk(
            receiver.port, method + b" " + line.path.encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n"
        )
        assert answer.startswith(b"HTTP/1.1 405")
        assert b"allow: POST" in answer


def test_broken_and_foreign_bodies_are_stored_and_flagged(cluster, line, receiver):
    bodies = [b"{", b"", b"\0\xff", b"[" * 50_000, {**EVENT, "instance": "other"}]
    assert [receiver.send(line, body).status for body in bodies] == [200] * 5
    assert stored(cluster, "flag, status") == [("broken", 2)] * 4 + [("mismatch", 2)]


def test_nul_bytes_and_surrogates_are_stored(cluster, line, receiver):
    body = b'{"event":"messages.upsert","instance":"evs-1","data":{"t":"a\\u0000b\\ud800"}}'
    assert receiver.send(line, body).status == 200
    assert stored(cluster, "body, flag") == [(body, "")]


def test_oversize_bodies_are_refused_for_good_and_counted(cluster, line, receiver):
    assert receiver.send(line, b"x" * (LIMIT + 1)).status == 422
    declared = talk(receiver.port, head(line, "Content-Length: 99999999"))
    chunk = b"%x\r\n%s\r\n" % (50_000, b"y" * 50_000)
    streamed = talk(receiver.port, head(line, "Transfer-Encoding: chunked"), chunk, chunk, chunk)
    assert [answer[9:12] for answer in (declared, streamed)] == [b"422", b"422"]
    zipped = gzip.compress(b"z" * (LIMIT * 50))
    assert receiver.send(line, zipped, content_encoding="gzip").status == 422
    assert stored(cluster, "flag, status, length(body)") == [("oversize", 2, 0)] * 4


def test_chunked_slow_and_compressed_bodies_are_read(cluster, line, receiver):
    body = json.dumps(EVENT).encode()
    chunks = b"".join(b"%x\r\n%c\r\n" % (1, byte) for byte in body) + b"0\r\n\r\n"
    answers = [
        talk(receiver.port, head(line, "Transfer-Encoding: chunked"), chunks),
        talk(
            receiver.port, head(line, f"Content-Length: {len(body)}"), body[:9], body[9:], pause=0.3
        ),
    ]
    assert [answer[9:12] for answer in answers] == [b"200", b"200"]
    assert receiver.send(line, gzip.compress(body), content_encoding="gzip").status == 200
    assert stored(cluster) == [("messages.upsert", "", 0)] * 3


def test_slow_bodies_do_not_hold_up_others(line, receiver):
    with socket.create_connection(("127.0.0.1", receiver.port)) as slow:
        slow.sendall(head(line, "Content-Length: 50") + b"{")
        # The slow one is never finished: the answer came without it.
        assert receiver.send(line, EVENT).status == 200


def test_cut_connections_store_nothing(cluster, line, receiver):
    with socket.create_connection(("127.0.0.1", receiver.port)) as cut:
        cut.sendall(head(line, "Content-Length: 50") + b"{")
    assert receiver.send(line, EVENT).status == 200
    assert len(stored(cluster)) == 1


def test_sixty_four_at_once_are_stored_in_few_commits(cluster, line, receiver):
    bodies = [{**EVENT, "data": {"key": {"id": f"M{number}"}}} for number in range(640)]
    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda body: receiver.send(line, body).status, bodies))
    assert set(answers) == {200}
    assert sorted(cluster.message_ids()) == sorted(f"M{number}" for number in range(640))
    commits = cluster.rows("SELECT count(DISTINCT xmin::text) FROM webhook_events")[0][0]
    assert commits < 640


def test_media_goes_to_its_own_table(cluster, line, receiver):
    media = base64.b64encode(b"media" * 1000).decode()
    message = {"imageMessage": {"mimetype": "image/png"}, "base64": media}
    assert receiver.send(line, {**EVENT, "data": {"message": message}}).status == 200
    ((body, content, mime),) = cluster.rows(
        "SELECT body, content, mime FROM webhook_events e JOIN webhook_blobs b"
        " ON b.id = e.blob_id AND b.received_at = e.received_at"
    )
    assert (content, mime) == (b"media" * 1000, "image/png")
    assert media.encode() not in body


def test_workers_are_woken_after_the_commit(cluster, line, receiver):
    import psycopg

    with psycopg.connect(cluster.url, autocommit=True) as listener:
        listener.execute("LISTEN ingest")
        receiver.send(line, EVENT)
        assert [note.channel for note in listener.notifies(timeout=60, stop_after=1)] == ["ingest"]
        assert len(stored(cluster)) == 1


def test_rotation_keeps_the_old_token_for_a_while(cluster, new_line, receiver):
    cluster.execute(
        "UPDATE tenancy_webhookroute SET previous_token_hash = token_hash, token_hash = %(new)s,"
        " previous_valid_until = now() + interval '1 hour' WHERE id = %(id)s",
        id=new_line.id,
        new=digest("n" * 43),
    )
    cluster.execute("NOTIFY webhook_routes")

    def status(token):
        return receiver.post(new_line.path, EVENT, x_evosense_token=token).status

    wait_until(lambda: status("n" * 43) == 200)
    assert status(new_line.token) == 200
    cluster.execute(
        "UPDATE tenancy_webhookroute SET previous_valid_until = now() + interval '2 seconds'"
        " WHERE id = %(id)s",
        id=new_line.id,
    )
    cluster.execute("NOTIFY webhook_routes")
    wait_until(lambda: status(new_line.token) == 404)
    assert status("n" * 43) == 200


def test_revoked_connections_are_noticed(cluster, new_line, receiver):
    cluster.execute(
        "UPDATE tenancy_webhookroute SET is_active = false WHERE id = %(id)s", id=new_line.id
    )
    cluster.execute("NOTIFY webhook_routes")
    # Without the notice the table is read again after 30 seconds.
    wait_until(lambda: receiver.send(new_line, EVENT).status == 404, 20)


def test_memory_for_bodies_is_bounded(line, start_receiver):
    receiver = start_receiver(RECEIVER_MAX_INFLIGHT="10000")
    reply = receiver.send(line, b"x" * 20_000)
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
    assert receiver.send(line, EVENT).status == 200


def test_stopping_finishes_open_requests(cluster, line, start_receiver):
    receiver = start_receiver()
    body = body_of(2048, "evs-1")
    with socket.create_connection(("127.0.0.1", receiver.port)) as client:
        client.sendall(head(line, f"Content-Length: {len(body)}") + body[:100])
        time.sleep(0.2)
        receiver._process.terminate()
        time.sleep(0.2)
        client.sendall(body[100:])
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
    assert receiver._process.wait(60) == -signal.SIGTERM
    assert len(stored(cluster)) == 1


def test_before_the_token_table_is_loaded_the_answer_is_503(tmp_path):
    process = Process("postgres://postgres@127.0.0.1:9/none", tmp_path)
    process.start(wait=False)
    wait_until(lambda: process.answers)
    reply = process.post("/hooks/evo/x", EVENT)
    process.kill()
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
