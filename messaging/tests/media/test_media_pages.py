"""Files in threads: shown, explained, opened with a permission of that moment, fetched again."""

import re
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils.translation import override

from messaging.models import MessageMedia
from messaging.tests.media import samples
from messaging.tests.media.test_media_host import body, get, keep
from messaging.views.media_parts import MediaPart


def thread(client, media) -> str:
    conversation = media.message.conversation.public_id
    answer = client.get(reverse("messaging:conversation-detail", args=[conversation]))
    assert answer.status_code == 200
    html = answer.content.decode()
    return html[html.index(f'id="m-{media.message.public_id}"') :]


def url(media, name="file"):
    message = media.message
    return reverse(
        f"messaging:message-{name}", args=[message.conversation.public_id, message.public_id]
    )


@pytest.fixture
def photo(make_media):
    media = make_media(mime="image/jpeg", name="férias.jpg", width=800, height=600)
    return keep(media, samples.picture(), b"RIFFthumb")


def test_a_photo_keeps_its_place_before_it_is_there(photo, client_for):
    html = thread(client_for("agent"), photo)
    assert f'href="{url(photo, "picture")}"' in html
    found = re.search(
        r'<img class="photo" src="([^"]+)" width="264" height="198" alt="Foto">', html
    )
    assert found
    assert body(get(found[1].replace("&amp;", "&"))) == b"RIFFthumb"


def test_pages_may_show_files_of_the_media_host_alone(photo, client_for):
    policy = client_for("agent").get("/conversas/")["Content-Security-Policy"]
    assert f"img-src 'self' data: {settings.MEDIA_ORIGIN}" in policy
    assert f"media-src 'self' {settings.MEDIA_ORIGIN}" in policy


def test_the_way_to_a_file_asks_for_the_permission_and_ends_at_the_media_host(photo, client_for):
    client = client_for("viewer")
    answer = client.get(url(photo))
    assert answer.status_code == 302
    assert answer["Cache-Control"] == "no-store"
    assert answer["Location"].startswith(f"{settings.MEDIA_ORIGIN}/")
    assert body(get(answer["Location"])) == samples.picture()
    saved = client.get(url(photo), {"baixar": "1"})
    assert get(saved["Location"])["Content-Disposition"].startswith("attachment")


def test_a_photo_opens_over_the_thread(photo, client_for):
    client = client_for("viewer")
    shown = client.get(url(photo, "picture"), headers={"hx-request": "true"}).content.decode()
    assert "<dialog" in shown
    assert 'width="800" height="600"' in shown
    assert "férias.jpg" in shown
    plain = client.get(url(photo, "picture"))
    assert urlsplit(plain["Location"]).hostname == settings.MEDIA_HOST


@pytest.mark.parametrize(
    ("kind", "mime", "tag"),
    [
        ("audio", "audio/ogg", "<audio controls"),
        ("video", "video/mp4", "<video"),
        ("sticker", "image/webp", '<img src="'),
        ("document", "application/pdf", 'class="filep" href="'),
        ("image", "application/octet-stream", 'class="filep" href="'),
    ],
)
def test_each_kind_has_its_place(make_media, client_for, kind, mime, tag):
    media = keep(make_media(kind, mime=mime, width=512, height=512), b"x" * 2048, b"thumb")
    assert tag in thread(client_for("viewer"), media)


@pytest.mark.parametrize(
    ("over", "may_retry"),
    [
        ({}, False),
        ({"failure": "timed_out"}, False),
        ({"failure": "scanner_away"}, False),
        ({"status": "unavailable", "failure": "bad_decrypt"}, True),
        ({"status": "unavailable", "failure": "no_server"}, True),
        ({"status": "unavailable", "failure": "unscanned"}, True),
        ({"status": "skipped", "failure": "old"}, True),
        ({"status": "skipped", "failure": "infected"}, False),
        ({"status": "skipped", "failure": "too_large"}, False),
    ],
)
def test_what_is_not_there_says_why(make_media, client_for, over, may_retry):
    media = make_media("document", name="contrato.pdf", **over)
    html = thread(client_for("agent"), media)
    assert "contrato.pdf" in html
    with override("pt-br"):
        assert MediaPart(media).state
        assert f"<small>{MediaPart(media).words}</small>" in html
    assert (url(media, "file-retry") in html) is may_retry
    assert url(media, "file-retry") not in thread(client_for("viewer"), media)
    assert client_for("agent").get(url(media)).status_code == 404


def test_a_person_who_may_answer_asks_again(make_media, client_for):
    media = make_media(status="unavailable", failure="bad_decrypt", attempts=5)
    assert client_for("viewer").post(url(media, "file-retry")).status_code == 403
    client = client_for("agent")
    answer = client.post(url(media, "file-retry"), headers={"hx-request": "true"})
    assert answer.status_code == 204
    assert "toast" in answer["HX-Trigger"]
    media.refresh_from_db()
    assert (media.status, media.attempts) == ("pending", 0)
    again = client.post(url(media, "file-retry"))
    assert again.status_code in {302, 303}
    MessageMedia.objects.update(status="stored")
    assert client.post(url(media, "file-retry")).status_code == 409


def test_what_was_deleted_or_opens_once_has_no_way(photo, client_for):
    client, message = client_for("admin"), photo.message
    assert client.get(url(photo)).status_code == 302
    message.view_once = True
    message.save(update_fields=["view_once"])
    assert client.get(url(photo)).status_code == 404
    message.view_once, message.deleted_at = False, message.occurred_at
    message.save(update_fields=["view_once", "deleted_at"])
    assert client.get(url(photo)).status_code == 404
    assert client.get(url(photo, "picture")).status_code == 404


def test_a_file_is_found_in_its_own_conversation_only(photo, make_media, client_for):
    other = make_media()
    wrong = reverse(
        "messaging:message-file",
        args=[other.message.conversation.public_id, photo.message.public_id],
    )
    assert client_for("admin").get(wrong).status_code == 404


def test_many_files_cost_no_more_queries_than_one(make_media, client_for, count_queries):
    first = keep(make_media(mime="image/jpeg", width=8, height=6), b"x", b"t")
    conversation, client = first.message.conversation, client_for("agent")
    path = reverse("messaging:conversation-messages", args=[conversation.public_id])

    def queries() -> int:
        client.get(path, headers={"hx-request": "true"})
        with count_queries() as seen:
            client.get(path, headers={"hx-request": "true"})
        return len(seen)

    alone = queries()
    for number in range(4):
        media = make_media(mime="image/jpeg", width=8, height=6)
        keep(media, b"x", b"t")
        media.message.conversation = conversation
        media.message.connection_id = conversation.connection_id
        media.message.provider_id = f"MANY{number}"
        media.message.save()
    assert queries() == alone
