"""From a webhook of the simulator to the bytes that a browser gets, across process borders."""

import time
from dataclasses import replace

import pytest
from django.core.files.storage import default_storage
from PIL import Image

from evosense.core import outbox
from evosense.core.schema import current_tenant, tenant_scope
from evosense.testing.databases import ALPHA
from evosense.testing.threads import run_threads
from messaging.media_tasks import fetch_media_later, sweep_media
from messaging.models import MessageMedia
from messaging.services import lifecycle
from messaging.services.lifecycle import webhooks
from messaging.services.media import claims, fetching, media_link, retry_fetch, store
from messaging.tests.lifecycle.rig import World, receiver, simulator
from messaging.tests.media.test_media_host import body, get
from tenancy.db import fair, tickets

NUMBER = "5511900004200"


@pytest.fixture(scope="module")
def simulator_url():
    with simulator() as url:
        yield url


@pytest.fixture
def world(committed, tenant, simulator_url, settings, monkeypatch):
    monkeypatch.setattr(webhooks, "ROUTE_SECONDS", 0.0)
    # Tickets and pauses go to a broker that nobody listens to.
    monkeypatch.setattr(tickets, "_send_tickets", lambda _kind, _number: None)
    monkeypatch.setattr(fetch_media_later, "apply_async", lambda **_options: None)
    found = World(simulator_url)
    with receiver(found.inbox) as port:
        settings.PUBLIC_SCHEME, settings.PUBLIC_HOST = "http", "127.0.0.1"
        settings.PUBLIC_PORT = str(port)
        found.add_server()
        yield found
    found.call("DELETE", "/_sim/faults")
    for one in found.call("GET", "/instance/fetchInstances"):
        found.call("DELETE", f"/instance/delete/{one['name']}")


@pytest.fixture
def line(world):
    line = lifecycle.create_instance(name="loja", number=NUMBER)
    lifecycle.start_pairing(line.public_id)
    world.sim("pair", instance=line.instance)
    return world.until_state(line, "connected")


def send_in(world, line, kind: str) -> MessageMedia:
    """Have a customer send a file; returns it as apply stored it."""
    known = set(MessageMedia.objects.values_list("pk", flat=True))
    world.sim("emit", instance=line.instance, kind=kind)
    fresh = MessageMedia.objects.exclude(pk__in=known)
    world.until(fresh.exists)
    return fresh.select_related("message").get()


def deliver() -> None:
    """What relay and media worker do."""
    outbox.relay()
    tickets.work_off("media")


@pytest.mark.parametrize(
    ("kind", "mime"),
    [
        ("image", "image/jpeg"),
        ("sticker", "image/webp"),
        ("audio", "audio/ogg"),
        ("document", "application/pdf"),
        ("video", "video/mp4"),
    ],
)
def test_a_file_of_the_simulator_reaches_the_browser(world, line, kind, mime):
    media = send_in(world, line, kind)
    assert media.status == "pending"
    deliver()
    media.refresh_from_db()
    assert (media.status, media.mime, media.failure) == ("stored", mime, "")
    answer = get(media_link(media))
    assert answer["Content-Type"] == mime
    raw = body(answer)
    assert len(raw) == media.size
    if kind in {"image", "sticker"}:
        small = get(media_link(media, "thumb"))
        assert body(small)[:4] == b"RIFF"
        assert Image.open(store.open_stored(media.storage_key)).size == (media.width, media.height)


def test_a_file_that_whatsapp_forgot_is_asked_for_five_times_and_once_more_by_a_person(world, line):
    media = send_in(world, line, "image")
    world.sim("faults", kind="bad_decrypt", instance=line.instance)
    deliver()
    for attempt in range(1, 5):
        media.refresh_from_db()
        assert (media.status, media.attempts, media.failure) == ("pending", attempt, "bad_decrypt")
        MessageMedia.objects.update(next_attempt_at=None)
        sweep_media()
        tickets.work_off("media")
    media.refresh_from_db()
    assert (media.status, media.attempts, media.failure) == ("unavailable", 5, "bad_decrypt")
    sweep_media()
    assert fair.waiting("media", current_tenant().id) == 0
    world.call("DELETE", "/_sim/faults")
    retry_fetch(media.pk)
    sweep_media()
    tickets.work_off("media")
    media.refresh_from_db()
    assert media.status == "stored"


def test_many_workers_at_once_fetch_each_file_once(world, line, monkeypatch):
    found = [send_in(world, line, "image") for _ in range(4)]
    asked: list[int] = []
    real = fetching.sources.from_server

    def slowly(media, raw):
        asked.append(media.pk)
        time.sleep(0.05)
        return real(media, raw)

    monkeypatch.setattr(fetching.sources, "from_server", slowly)

    def worker():
        with tenant_scope(ALPHA):
            fetching.fetch([media.pk for media in found])

    run_threads([worker] * 6)
    assert sorted(asked) == sorted(media.pk for media in found)
    assert set(MessageMedia.objects.values_list("status", flat=True)) == {"stored"}
    folder = f"tenants/{ALPHA.id}/{found[0].__class__.objects.first().storage_key}"
    assert len(default_storage.listdir(folder.rpartition("/")[0])[1]) == 8


def test_events_that_come_twice_and_lost_tasks_change_nothing(world, line):
    media = send_in(world, line, "document")
    # The relay died between handing on and marking; the queue was lost with Redis.
    outbox.relay()
    fair.forget_tenant("media", current_tenant().id)
    sweep_media()
    sweep_media()
    tickets.work_off("media")
    tickets.work_off("media")
    media.refresh_from_db()
    assert (media.status, media.attempts) == ("stored", 1)


def test_what_is_too_large_is_not_even_read_to_its_end(world, line, settings):
    settings.MEDIA = replace(settings.MEDIA, largest=200)
    media = send_in(world, line, "image")
    deliver()
    media.refresh_from_db()
    assert (media.status, media.failure) == ("skipped", "too_large")
    assert claims.due().count() == 0
