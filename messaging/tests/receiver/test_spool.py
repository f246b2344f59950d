import asyncio
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from messaging.ingest.receiver import spool as spool_module
from messaging.ingest.receiver.drainer import drain_once
from messaging.ingest.receiver.intake import arrival_of
from messaging.ingest.receiver.records import batches, decode, encode, read_frames
from messaging.ingest.receiver.spool import Spool, SpoolGoneError, adopted, waiting
from messaging.ingest.receiver.tokens import Route

ROUTE = Route(uuid4(), uuid4(), "evs-1", b"h" * 32)
MEDIA = b'{"event":"x","data":{"key":{"id":"m"},"message":{"base64":"AAAA"}}}'


def record(name="a"):
    raw = b'{"event":"messages.upsert","data":{"key":{"id":"%s"}}}' % name.encode()
    return arrival_of(ROUTE, raw, path_event="", max_blob=100).record


def media_record():
    return arrival_of(ROUTE, MEDIA, path_event="", max_blob=100).record


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool", limit=1 << 20, roll=4096)


def drain(cluster, spool):
    return asyncio.run(drain_once(cluster.url, spool.directory))


def files(spool):
    return sorted(path for path, _ in waiting(spool.directory))


def test_record_survives_the_disk():
    for original in (record(), media_record()):
        assert decode(encode(original)[12:]) == original


def test_files_are_private_and_roll(spool):
    for _ in range(30):
        spool.append([record()])
    spool.seal()
    assert len(files(spool)) > 1
    assert {path.stat().st_mode & 0o777 for path in files(spool)} == {0o600}
    assert spool.directory.stat().st_mode & 0o777 == 0o700


def test_full_spool_refuses_and_keeps_what_it_has(spool):
    small = Spool(spool.directory, limit=2000, roll=4096)
    accepted = 0
    while accepted < 100:
        try:
            small.append([record()])
        except SpoolGoneError:
            break
        accepted += 1
    assert 0 < accepted < 100
    assert sum(len(read_frames(path.read_bytes()).records) for path in files(small)) == accepted


@pytest.mark.parametrize("directory", [None, Path("/dev/null/spool"), Path("/proc/spool")])
def test_spool_that_cannot_be_written_is_gone(directory):
    with pytest.raises(SpoolGoneError):
        Spool(directory, limit=1 << 20, roll=4096).append([record()])


def test_failed_write_leaves_no_torn_record_behind(spool, monkeypatch):
    spool.append([record("a")])
    real_write = spool_module.os.write

    def half(file, data):
        real_write(file, bytes(data[: len(data) // 2]))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool_module.os, "write", half)
    with pytest.raises(SpoolGoneError):
        spool.append([record("b")])
    monkeypatch.undo()
    spool.append([record("c")])
    reading = [read_frames(path.read_bytes()) for path in files(spool)]
    assert [b'"a"' in found.body for part in reading for found in part.records] == [True, False]
    assert not any(part.torn_tail or part.damaged for part in reading)


def test_torn_tail_ends_the_reading():
    data = encode(record("a")) + encode(record("b"))[:-5]
    reading = read_frames(data)
    assert (len(reading.records), reading.damaged, reading.torn_tail) == (1, 0, True)


def test_reading_goes_on_behind_a_flipped_byte():
    parts = [bytearray(encode(record(name))) for name in "abc"]
    for place in (2, 6, 40, len(parts[1]) - 1):
        damaged = bytearray(parts[1])
        damaged[place] ^= 0xFF
        reading = read_frames(bytes(parts[0] + damaged + parts[2]))
        assert (len(reading.records), reading.damaged, reading.torn_tail) == (2, 1, False)


def test_batches_are_bounded_by_rows_and_bytes():
    records = [record() for _ in range(7)]
    assert [len(batch) for batch in batches(records, rows=3, size=1 << 20)] == [3, 3, 1]
    assert [len(batch) for batch in batches(records, rows=99, size=1)] == [1] * 7


def test_draining_stores_everything_once_and_deletes_the_files(cluster, spool):
    spool.append([record(str(number)) for number in range(450)])
    spool.append([media_record()])
    spool.seal()
    copies = {path: path.read_bytes() for path in files(spool)}
    assert drain(cluster, spool) == 451
    assert files(spool) == []
    for path, content in copies.items():
        path.write_bytes(content)
    assert drain(cluster, spool) == 451
    assert cluster.rows("SELECT count(*) FROM webhook_events") == [(451,)]
    (blob,) = cluster.rows(
        "SELECT content, size, octet_length(sha256), b.received_at = e.received_at"
        " FROM webhook_blobs b JOIN webhook_events e ON b.id = e.blob_id"
    )
    assert blob == (b"\0\0\0", 3, 32, True)


def test_same_message_twice_is_two_rows(cluster, spool):
    spool.append([record(), record()])
    spool.seal()
    drain(cluster, spool)
    assert cluster.rows("SELECT count(*), count(DISTINCT dedupe_key) FROM webhook_events") == [
        (2, 1)
    ]


def test_torn_file_is_drained_and_deleted(cluster, spool):
    spool.append([record("a"), record("b")])
    spool.seal()
    (path,) = files(spool)
    path.write_bytes(path.read_bytes()[:-3])
    assert drain(cluster, spool) == 1
    assert files(spool) == []


def test_damaged_file_is_drained_and_kept_aside(cluster, spool):
    spool.append([record("a"), record("b"), record("c")])
    spool.seal()
    (path,) = files(spool)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    assert drain(cluster, spool) == 2
    assert [path.suffix for path in spool.directory.iterdir()] == [".damaged"]


def test_record_the_database_refuses_does_not_hold_up_the_others(cluster, spool):
    refused = record("bad")._replace(lane=7)
    spool.append([record("a"), refused, record("b")])
    spool.seal()
    drain(cluster, spool)
    assert sorted(cluster.message_ids()) == ["a", "b"]
    assert [path.suffix for path in spool.directory.iterdir()] == [".refused"]


def test_files_in_use_are_left_alone(cluster, spool):
    spool.append([record()])
    assert drain(cluster, spool) == 0
    (path,) = files(spool)
    with adopted(path) as ours:
        assert not ours
    spool.seal()
    with adopted(path) as ours, adopted(path) as again:
        assert (ours, again) == (True, False)


WRITER = """
import sys
from messaging.ingest.receiver.spool import Spool
from messaging.tests.receiver.test_spool import record
from pathlib import Path
spool = Spool(Path(sys.argv[1]), limit=1 << 20, roll=4096)
print("ready", flush=True)
for number in range(100):
    spool.append([record(f"{sys.argv[2]}{number}")])
print("written", flush=True)
sys.stdin.read()
"""


def test_two_processes_share_one_directory_and_the_dead_one_is_adopted(cluster, spool):
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(spool.directory), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in "xy"
    ]
    for writer in writers:
        assert [writer.stdout.readline().strip() for _ in range(2)] == ["ready", "written"]
    drain(cluster, spool)
    assert len(files(spool)) <= 2
    for writer in writers:
        writer.kill()
        writer.communicate()
    drain(cluster, spool)
    assert files(spool) == []
    assert sorted(cluster.message_ids()) == sorted(f"{w}{n}" for w in "xy" for n in range(100))


def test_command_drains_the_spool(cluster, spool, monkeypatch, capsys):
    spool.append([record("a")])
    spool.seal()
    monkeypatch.setenv("RECEIVER_SPOOL_DIR", str(spool.directory))
    monkeypatch.setenv("DATABASE_URL", cluster.url)
    call_command("ingest_drain")
    assert capsys.readouterr().out == '{"drained": 1}\n'
    assert cluster.message_ids() == ["a"]


def test_command_says_when_the_database_is_away(spool, monkeypatch):
    spool.append([record("a")])
    spool.seal()
    monkeypatch.setenv("RECEIVER_SPOOL_DIR", str(spool.directory))
    monkeypatch.setenv("DATABASE_URL", "postgres://postgres@127.0.0.1:9/none")
    with pytest.raises(CommandError, match="could not be drained"):
        call_command("ingest_drain")
    assert len(files(spool)) == 1
