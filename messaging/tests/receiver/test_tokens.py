import time
from uuid import uuid4

import pytest

from messaging.ingest.receiver.tokens import Route, TableFile, TokenTable
from messaging.tests.receiver.servers import digest

CURRENT, PREVIOUS = b"current-token", b"previous-token"


def route(**changes):
    made = Route(uuid4(), uuid4(), "evs-1", digest(CURRENT.decode()))
    return made._replace(**changes)


def rotated(until):
    return route(previous_hash=digest(PREVIOUS.decode()), previous_until=until)


def find(table_of, token, connection=None):
    table = TokenTable()
    table.replace([table_of])
    return table.find(connection or str(table_of.connection_id), token)


def test_only_the_right_token_opens():
    line = route()
    assert find(line, CURRENT) == line
    assert find(line, b"") is None
    assert find(line, PREVIOUS) is None
    assert find(line, CURRENT, connection=str(uuid4())) is None
    assert find(line, CURRENT, connection="../../etc") is None


def test_both_tokens_open_while_rotating():
    line = rotated(time.time() + 60)
    assert find(line, CURRENT) == find(line, PREVIOUS) == line


def test_previous_token_ends():
    line = rotated(time.time() - 1)
    assert find(line, CURRENT) == line
    assert find(line, PREVIOUS) is None


def test_saved_table_is_private_and_comes_back(tmp_path):
    routes = [route(), rotated(1.5)]
    TableFile(tmp_path / "state").write(routes)
    assert TableFile(tmp_path / "state").read() == routes
    (saved,) = (tmp_path / "state").iterdir()
    assert saved.stat().st_mode & 0o777 == 0o600
    assert CURRENT not in saved.read_bytes()


@pytest.mark.parametrize("damage", [b"", b"x\n[]", b"\xff" * 100])
def test_damaged_table_is_not_trusted(tmp_path, damage):
    TableFile(tmp_path).write([route()])
    (tmp_path / "routes.json").write_bytes(damage)
    assert TableFile(tmp_path).read() is None


def test_flipped_bit_is_noticed(tmp_path):
    TableFile(tmp_path).write([route()])
    saved = bytearray((tmp_path / "routes.json").read_bytes())
    saved[100] ^= 1
    (tmp_path / "routes.json").write_bytes(saved)
    assert TableFile(tmp_path).read() is None


def test_table_without_a_place_is_memory_only(tmp_path):
    assert TableFile(None).read() is None
    TableFile(None).write([route()])
    TableFile(tmp_path / "file" / "x").write([route()])


def test_unknown_connection_and_wrong_token_take_the_same_time():
    """Compare medians of many interleaved rounds; a skipped hash would show as a third less."""
    table = TokenTable()
    lines = [route() for _ in range(100)]
    table.replace(lines)
    known, unknown = str(lines[0].connection_id), str(uuid4())
    times = {known: [], unknown: []}
    for _ in range(3000):
        for connection, seen in times.items():
            started = time.perf_counter_ns()
            table.find(connection, b"wrong" * 9)
            seen.append(time.perf_counter_ns() - started)
    first, second = (sorted(seen)[len(seen) // 2] for seen in times.values())
    assert 0.8 < first / second < 1.25
