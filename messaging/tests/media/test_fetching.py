"""Where files come from, when they are asked for again, and what is said when they are gone."""

import base64
import io
import json
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from evosense.core.errors import Conflict, NotFound
from evosense.core.models import OutboxEvent
from evosense.core.schema import current_tenant, public_scope
from messaging.gateway.client.errors import EvolutionError
from messaging.ingest.models import WebhookBlob
from messaging.models import MessageMedia
from messaging.services.media import claims, fetching, note_transcript, sources, store, sweeping
from messaging.services.media.refusals import ScannerAway
from messaging.tests.factories import make_raw_event
from messaging.tests.media import samples


@pytest.fixture
def server(monkeypatch):
    """A gateway that answers from a list; an exception is raised, and what is left is counted."""
    answers: list[bytes | Exception] = []

    def answering(_media, _raw):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(sources, "from_server", answering)
    return answers


def missing(code="bad_decrypt", **over):
    return sources.NotFound(code, **over)


def again(media):
    """Make it due and fetch it."""
    MessageMedia.objects.filter(pk=media.pk).update(next_attempt_at=None)
    return once(media)


def once(media):
    fetching.fetch_one(media.pk)
    media.refresh_from_db()
    return media


def files() -> list[str]:
    found, folders = [], [f"tenants/{current_tenant().id}"]
    while folders:
        folder = folders.pop()
        if default_storage.exists(folder):
            inside, names = default_storage.listdir(folder)
            folders += [f"{folder}/{name}" for name in inside]
            found += names
    return sorted(found)


def news() -> list[dict]:
    with public_scope():
        rows = OutboxEvent.objects.filter(topic="messaging.media_changed").order_by("pk")
        return [row.payload for row in rows]


def test_a_picture_is_fetched_written_anew_and_told(make_media, server):
    server.append(samples.lying_picture())
    media = once(make_media(mime="image/png", size=5, failure="timed_out"))
    assert (media.status, media.mime, media.width, media.height) == (
        "stored",
        "image/jpeg",
        200,
        400,
    )
    assert (media.failure, media.next_attempt_at, media.thumb_key) == (
        "",
        None,
        f"{media.storage_key}-thumb",
    )
    assert media.size == len(store.read_bytes(media.storage_key))
    assert media.stored_at
    assert len(files()) == 2
    message = media.message
    assert news() == [
        {
            "connection_id": message.connection_id,
            "message_ids": [message.pk],
            "conversation_ids": [message.conversation_id],
        }
    ]
    assert once(media).attempts == 1, "what is stored is never fetched again"


def test_pauses_grow_and_end_in_an_honest_word(make_media, server):
    media = make_media()
    for number, pause in enumerate(claims.PAUSES, 1):
        server.append(missing())
        again(media)
        wait = (media.next_attempt_at - timezone.now()).total_seconds()
        assert (media.status, media.failure, media.attempts) == ("pending", "bad_decrypt", number)
        assert pause - 5 < wait <= pause
    server.append(missing())
    again(media)
    assert (media.status, media.failure) == ("unavailable", "bad_decrypt")
    assert files() == []


def test_what_is_not_due_is_left_alone(make_media, server):
    media = make_media(next_attempt_at=timezone.now() + timedelta(seconds=30))
    assert once(media).attempts == 0
    assert sweeping.missed() == []
    assert again(make_media(status="skipped")).attempts == 0


def test_a_server_that_is_away_is_asked_for_two_days(make_media, server):
    media = make_media(attempts=4)
    server.append(missing("connect_failed", is_away=True))
    assert again(media).status == "pending"
    assert media.next_attempt_at > timezone.now() + timedelta(minutes=50)
    received = timezone.now() - timedelta(days=3)
    old = make_media(message={"received_at": received}, attempts=4)
    server.append(missing("connect_failed", is_away=True))
    assert again(old).status == "unavailable"


def test_without_a_server_nobody_waits(make_media):
    media = once(make_media())
    assert (media.status, media.failure) == ("unavailable", "no_server")


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (samples.EXE, "skipped", "wrong_type"),
        (samples.bomb(), "skipped", "too_large"),
        (b"", "unavailable", "empty"),
        (samples.picture()[:300], "unavailable", "damaged"),
    ],
    ids=["program", "bomb", "empty", "broken"],
)
def test_what_is_not_kept_says_why(make_media, server, raw, status, code):
    server.append(raw)
    media = once(make_media())
    assert (media.status, media.failure, media.storage_key) == (status, code, "")
    assert files() == []
    assert len(news()) == 1


def test_what_opens_once_is_not_fetched(make_media, server):
    media = once(make_media(message={"view_once": True}))
    assert (media.status, media.failure) == ("skipped", "view_once")
    with pytest.raises(Conflict):
        fetching.retry_fetch(media.pk)


def test_old_files_are_fetched_when_somebody_asks(make_media, server):
    media = once(make_media(message={"occurred_at": timezone.now() - timedelta(days=30)}))
    assert (media.status, media.failure) == ("skipped", "old")
    fetching.retry_fetch(media.pk)
    server.append(missing())
    assert once(media).failure == "bad_decrypt"
    server.append(samples.picture())
    assert again(media).status == "stored"


def test_a_person_asks_again(make_media, server):
    media = make_media(status="unavailable", attempts=5, failure="bad_decrypt")
    fetching.retry_fetch(media.pk)
    media.refresh_from_db()
    assert (media.status, media.attempts, media.next_attempt_at) == ("pending", 0, None)
    assert sweeping.missed() == [media.pk]
    assert len(news()) == 1
    server.append(samples.PDF)
    assert once(media).status == "stored"
    with pytest.raises(Conflict) as refusal:
        fetching.retry_fetch(media.pk)
    assert refusal.value.code == "media_not_retriable"
    with pytest.raises(NotFound):
        fetching.retry_fetch(media.pk + 1000)


def test_a_person_does_not_disturb_who_is_just_fetching(make_media):
    media = make_media()
    claims.take(media.pk)
    with pytest.raises(Conflict):
        fetching.retry_fetch(media.pk)


@pytest.mark.parametrize("away", [ScannerAway("x"), store.StoreAway("x")], ids=["scanner", "disk"])
def test_our_own_faults_are_no_attempts(make_media, server, monkeypatch, away):
    def failing(*_arguments, **_options):
        raise away

    media = make_media()
    is_disk = isinstance(away, store.StoreAway)
    with monkeypatch.context() as patched:
        if is_disk:
            patched.setattr(store.default_storage, "save", failing)
            patched.setattr(store.default_storage, "delete", failing)
        else:
            patched.setattr(fetching, "examine", failing)
        for _ in range(12):
            server.append(samples.PDF)
            again(media)
    assert (media.status, media.attempts) == ("pending", 0)
    assert media.failure in {"scanner_away", "storage_away"}
    server.append(samples.PDF)
    assert again(media).status == "stored"


def test_a_worker_that_died_leaves_nothing_and_loses_nothing(make_media, server):
    media = make_media()
    dead = claims.take(media.pk)
    store.save(dead.storage_key, io.BytesIO(b"half"))
    assert once(media).storage_key == dead.storage_key, "its lease holds"
    server.append(samples.PDF)
    assert again(media).status == "stored"
    assert files() == [media.storage_key.rpartition("/")[2]]
    # It was only slow: its file is not the message's, so it takes it away again.
    store.save(dead.storage_key, io.BytesIO(b"late"))
    assert claims.stored(dead, mime="text/plain") is False
    assert files() == [media.storage_key.rpartition("/")[2]]
    assert store.read_bytes(media.storage_key) == samples.PDF


def body_of(media, message, **beside):
    key = {"id": media.message.provider_id, "remoteJid": "5511999990000@s.whatsapp.net"}
    data = {"key": key, "message": message, **beside}
    return json.dumps({"event": "messages.upsert", "data": data}).encode()


def with_event(media, message, **over):
    now = timezone.now()
    connection = media.message.connection
    make_raw_event(connection, body_of(media, message), received_at=now, **over)
    from messaging.ingest.models import WebhookEvent

    with public_scope():
        pk = WebhookEvent.objects.order_by("-pk").values_list("pk", flat=True)[0]
    media.raw_event_id, media.raw_received_at = pk, now
    media.save()
    return now


def make_blob(at, content):
    with public_scope():
        return WebhookBlob.objects.create(
            id=uuid4(), received_at=at, sha256=bytes(32), size=len(content), content=content
        )


def test_bytes_that_came_inside_the_body_are_copied_however_old(make_media, server):
    media = make_media(message={"occurred_at": timezone.now() - timedelta(days=90)})
    at = timezone.now()
    blob = make_blob(at, samples.picture())
    with_event(media, {"imageMessage": {}, "base64": {"$blob": str(blob.id)}})
    with public_scope():
        WebhookBlob.objects.update(received_at=media.raw_received_at)
    assert once(media).status == "stored"


def test_a_typed_id_of_a_blob_brings_nothing(make_media, server):
    """Its event must be ours and of its moment."""
    blob = make_blob(timezone.now() - timedelta(hours=1), samples.PDF)
    media = make_media()
    with_event(media, {"imageMessage": {}, "base64": {"$blob": str(blob.id)}})
    server.append(samples.picture())
    assert once(media).mime == "image/jpeg"
    other = make_media()
    at = with_event(
        other, {"imageMessage": {}, "base64": {"$blob": str(blob.id)}}, tenant_id=uuid4()
    )
    with public_scope():
        WebhookBlob.objects.update(received_at=at)
    server.append(samples.picture())
    assert once(other).mime == "image/jpeg"


def test_only_named_hosts_are_copied_from(make_media, server, settings, monkeypatch):
    asked = []

    def sending(method, url, **_options):
        asked.append(url)
        return type("Answer", (), {"is_success": True, "body": samples.PDF})()

    monkeypatch.setattr(sources.http, "send", sending)
    settings.MEDIA = replace(settings.MEDIA, source_hosts=frozenset({"s3.example.com"}))
    bad = [
        "https://evil.test/x",
        "https://s3.example.com.evil.test/x",
        "https://evils3.example.com/x",
        "https://s3.example.com@evil.test/x",
    ]
    for url in bad:
        server.append(samples.picture())
        assert once(make_media(remote_url=url)).mime == "image/jpeg"
    assert asked == []
    for url in ("https://s3.example.com/b/x?sig=1", "https://bucket.s3.example.com/x"):
        media = once(make_media("document", remote_url=url))
        assert (media.mime, media.remote_url) == ("application/pdf", "")
    assert len(asked) == 2


def test_the_raw_message_is_shown_to_a_server_that_forgot(make_media, monkeypatch):
    media = make_media()
    with_event(media, {"imageMessage": {"url": "https://mmg.whatsapp.net/x"}}, event="x")
    asked = []

    class Gateway:
        def media_base64(self, _instance, *, provider_id="", raw=None, longest=0):
            asked.append((provider_id, raw))
            if raw is None:
                raise EvolutionError("not_found", http_status=400)
            return type("Answer", (), {"content": samples.picture()})()

    instance = type("Instance", (), {"server_id": uuid4()})()
    monkeypatch.setattr(sources, "instance_of", lambda _connection: instance)
    monkeypatch.setattr(sources, "evolution", Gateway)
    assert once(media).status == "stored"
    (first, _), (_, raw) = asked
    assert first == media.message.provider_id
    assert raw["key"]["id"] == first
    assert raw["message"] == {"imageMessage": {"url": "https://mmg.whatsapp.net/x"}}


def test_a_transcript_is_shown_once_it_is_there(make_media):
    media = make_media("audio")
    assert note_transcript(media.pk, "olá") is False
    MessageMedia.objects.update(status="stored")
    assert note_transcript(media.pk, "olá") is True
    assert note_transcript(media.pk, "olá") is True
    media.refresh_from_db()
    assert media.transcript == "olá"
    assert len(news()) == 1


def test_a_file_that_kills_workers_is_given_up_and_holds_up_nobody(make_media, server, monkeypatch):
    media, good = make_media(), make_media("document")
    real = fetching.examine

    def poisoned(content, **told):
        if told["kind"] == "image":
            raise MemoryError
        return real(content, **told)

    monkeypatch.setattr(fetching, "examine", poisoned)
    server += [samples.picture(), samples.PDF]
    fetching.fetch([media.pk, good.pk])
    good.refresh_from_db()
    assert good.status == "stored"
    for _ in range(fetching.MOST_ATTEMPTS):
        server.append(samples.picture())
        MessageMedia.objects.filter(pk=media.pk).update(next_attempt_at=None)
        fetching.fetch([media.pk])
    media.refresh_from_db()
    assert (media.status, media.failure, media.storage_key) == ("unavailable", "gave_up", "")


@pytest.mark.parametrize("told", ["text", {"0": 255}, None], ids=["base64", "octets", "none"])
def test_a_film_has_the_small_picture_that_came_with_it(make_media, server, told):
    jpeg = samples.picture(size=(32, 24))
    if told == "text":
        told = base64.b64encode(jpeg).decode()
    elif told:
        told = {str(place): octet for place, octet in enumerate(jpeg)}
    media = make_media("video", width=640, height=480)
    with_event(media, {"videoMessage": {"jpegThumbnail": told}})
    server.append(samples.MP4)
    once(media)
    assert media.status == "stored"
    assert bool(media.thumb_key) is bool(told)
    assert (media.width, media.height) == (640, 480)
