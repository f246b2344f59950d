"""Files that the storage lost: fetched again, or said to be gone; never by a forgotten mount."""

import io

import pytest

from messaging.models import MessageMedia
from messaging.services.media import media_link, sources, store
from messaging.services.media.fetching import fetch_one
from messaging.services.media.losing import note_lost
from messaging.services.media.sources import Found, NotFound
from messaging.tests.media import samples
from messaging.tests.media.test_media_host import body, get, keep


@pytest.fixture
def photo(make_media):
    # The company has another file, so its storage is there.
    keep(make_media(), samples.picture())
    made = make_media(mime="image/jpeg", name="férias.jpg")
    return keep(made, samples.picture(), b"RIFFthumb")


def serve(monkeypatch, outcome):
    def bytes_of(_media, *, may_ask):
        assert may_ask
        if isinstance(outcome, Exception):
            raise outcome
        return Found(outcome)

    monkeypatch.setattr(sources, "bytes_of", bytes_of)


def row(media):
    return MessageMedia.objects.get(pk=media.pk)


def test_a_lost_file_is_fetched_again(photo, monkeypatch):
    store.delete(photo.storage_key)

    answer = get(media_link(photo))
    assert (answer.status_code, b"fetched again" in answer.content) == (404, True)
    lost = row(photo)
    assert (lost.status, lost.failure, lost.storage_key, lost.thumb_key) == (
        "pending",
        "lost",
        "",
        "",
    )
    assert media_link(lost) == ""

    serve(monkeypatch, io.BytesIO(samples.picture()))
    fetch_one(photo.pk)
    found = row(photo)
    assert (found.status, found.failure) == ("stored", "")
    assert body(get(media_link(found))).startswith(samples.picture()[:2])


def test_what_nobody_has_any_more_says_so(photo, monkeypatch):
    store.delete(photo.storage_key)
    get(media_link(photo, "thumb"))

    serve(monkeypatch, NotFound("not_found", is_final=True))
    fetch_one(photo.pk)

    assert (row(photo).status, row(photo).failure) == ("unavailable", "not_found")


def test_a_lost_small_picture_alone_leaves_the_file(photo):
    photo.thumb_key = store.thumb_of(store.new_key())
    photo.save()

    assert get(media_link(photo, "thumb")).status_code == 404

    assert (row(photo).status, row(photo).thumb_key) == ("stored", "")
    assert get(media_link(photo)).status_code == 200


def test_a_storage_without_anything_was_not_mounted(photo, monkeypatch):
    for one in MessageMedia.objects.all():
        store.delete(one.storage_key)
    monkeypatch.setattr(store.default_storage, "listdir", lambda _path: ([], []))

    assert get(media_link(photo)).status_code == 404
    assert (row(photo).status, row(photo).storage_key) == ("stored", photo.storage_key)


def test_an_answer_that_comes_late_changes_nothing(photo):
    stale = row(photo)
    newer = keep(row(photo), samples.picture("PNG"))
    store.delete(stale.storage_key)

    assert note_lost(stale) is False
    assert row(photo).storage_key == newer.storage_key
