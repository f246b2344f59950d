"""Sending over the API: what is taken, what is refused, and what a repetition answers."""

import base64
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from messaging.gateway.models import EvolutionServer, Lane
from messaging.models import Message, Outgoing, Upload
from messaging.tests.factories import make_conversation, make_message

KEY = {"Idempotency-Key": "7d0c9f2e"}
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
TO = "+55 11 98000-1234"
NOBODY = "0199a000-0000-7000-8000-0000000000aa"
HOUSE = "http://169.254.169.254/x"


def test_a_message_is_queued_and_shown_at_once(api, line):
    answer = api().post("messages", {"type": "text", "to": TO, "text": "Olá"})

    assert answer.status_code == 201
    shown = answer.json()
    assert (shown["type"], shown["text"], shown["status"]) == ("text", "Olá", "pending")
    assert (shown["direction"], shown["source"]) == ("outbound", "api")
    # The id that stands in until the server has told the real one is nobody's business.
    assert shown["provider_id"] is None
    assert shown["connection"] == str(line.public_id)
    assert shown["chat"]["jid"] == "5511980001234@s.whatsapp.net"
    row = Outgoing.objects.get()
    assert (str(row.public_id), row.state, row.priority) == (shown["id"], "queued", 5)
    assert row.api_key_id is not None
    assert Lane.objects.filter(connection_id=line.public_id, due_at__isnull=False).exists()
    assert api().get(f"messages/{shown['id']}").json() == shown


def test_a_repetition_gets_the_same_message_and_another_body_a_conflict(api, line):
    caller, body = api(), {"type": "text", "to": TO, "text": "Olá"}

    first = caller.post("messages", body, **KEY)
    again = caller.post("messages", body, **KEY)
    other = caller.post("messages", {**body, "text": "Outra"}, **KEY)

    assert [one.status_code for one in (first, again, other)] == [201, 200, 409]
    assert first.json() == again.json()
    assert other.json()["code"] == "idempotency_key_reused"
    assert Message.objects.count() == 1


def test_an_answer_goes_into_its_conversation_and_quotes(api, line):
    conversation = make_conversation(line)
    asked = make_message(conversation, provider_id="ABCD", text="Tem vaga?")
    body = {
        "type": "text",
        "conversation": str(conversation.public_id),
        "reply_to": str(asked.public_id),
        "text": "Tem.",
        "expires_at": (timezone.now() + timedelta(hours=1)).isoformat(),
    }

    shown = api().post("messages", body).json()

    assert (shown["conversation"], shown["reply_to"]) == (str(conversation.public_id), "ABCD")
    row = Outgoing.objects.get()
    assert row.payload["quote"]["provider_id"] == "ABCD"
    assert row.expires_at is not None


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({"type": "location", "location": {"latitude": -23.5, "longitude": -46.6}}, "location"),
        ({"type": "contact", "contacts": [{"name": "Ana", "phone": TO}]}, "contact"),
        ({"type": "poll", "poll": {"name": "Quando?", "options": ["Hoje", "Amanhã"]}}, "poll"),
        (
            {
                "type": "list",
                "list": {
                    "title": "Horários",
                    "text": "Escolha",
                    "button": "Ver",
                    "sections": [{"title": "Manhã", "rows": [{"id": "9", "title": "9h"}]}],
                },
            },
            "template",
        ),
        (
            {
                "type": "buttons",
                "buttons": {
                    "title": "Confirma?",
                    "text": "Amanhã às 9h",
                    "buttons": [{"type": "reply", "text": "Sim", "id": "1"}],
                },
            },
            "template",
        ),
    ],
)
def test_every_kind_has_its_part_of_the_body(api, line, body, shown):
    answer = api().post("messages", {**body, "to": TO})

    assert (answer.status_code, answer.json().get("type")) == (201, shown)
    assert Outgoing.objects.get().kind == body["type"]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"type": "text", "to": TO}, 400, "text"),
        ({"type": "text", "text": "Oi"}, 400, "to"),
        ({"type": "text", "text": "Oi", "to": TO, "media": {"base64": "aGk="}}, 400, "media"),
        ({"type": "poll", "to": TO, "text": "Oi"}, 400, "text"),
        ({"type": "text", "text": "Oi", "to": "123"}, 400, "to"),
        ({"type": "text", "text": "Oi", "to": TO, "txt": "x"}, 400, "txt"),
        ({"type": "reaction", "to": TO}, 400, "type"),
        ({"type": "poll", "to": TO}, 400, "poll.name"),
        ({"type": "poll", "to": TO, "poll": {"name": "?", "options": ["a"]}}, 400, "poll.options"),
        (
            {"type": "poll", "to": TO, "poll": {"name": "?", "options": ["a", "a"]}},
            400,
            "poll.options",
        ),
        ({"type": "image", "to": TO}, 400, "media"),
        *[
            ({"type": kind, "to": TO, "text": "Oi", "media": {"upload": NOBODY}}, 400, "text")
            for kind in ("audio", "voice", "sticker", "video_note")
        ],
        ({"type": "image", "to": TO, "media": {"base64": "@@"}}, 400, "media.base64"),
        ({"type": "image", "to": TO, "media": {"url": HOUSE}}, 400, "media.url"),
        (
            {"type": "image", "to": TO, "media": {"upload": NOBODY}},
            400,
            "media.upload",
        ),
        ({"type": "text", "text": "Oi", "to": TO, "typing_ms": 9000}, 400, "typing_ms"),
        (
            {"type": "text", "text": "Oi", "to": TO, "reply_to": NOBODY},
            404,
            "reply_to",
        ),
    ],
)  # fmt: skip
def test_a_refusal_names_the_field(api, line, body, status, field):
    answer = api().post("messages", body)

    assert answer.status_code == status
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert not Message.objects.filter(source="api").exists()


def test_what_the_server_cannot_send_is_refused_with_its_reason(api, line):
    body = {"type": "template", "to": TO, "template": {"name": "oi", "language": "pt_BR"}}
    assert api().post("messages", body).json()["code"] == "kind_unsupported"

    EvolutionServer.objects.update(version="1.8.6")
    answer = api().post("messages", {"type": "text", "to": TO, "text": "Oi"})
    assert (answer.status_code, answer.json()["code"]) == (409, "unsupported_version")


def test_a_file_comes_by_upload_or_in_the_body(api, line):
    caller = api()
    sent = caller.send(
        "post", "uploads", SimpleUploadedFile("foto.png", PNG, "image/png"), multipart=True
    )
    assert sent.status_code == 201, sent.content
    upload = sent.json()
    assert (upload["kind"], upload["mime"], upload["name"]) == ("image", "image/png", "foto.png")

    by_upload = {"type": "image", "to": TO, "media": {"upload": upload["id"]}, "text": "Veja"}
    shown = caller.post("messages", by_upload).json()
    assert (shown["text"], shown["media"]["status"], shown["media"]["kind"]) == (
        "Veja",
        "stored",
        "image",
    )
    inline = {"base64": base64.b64encode(PNG).decode(), "name": "b.png"}
    assert shown["media"]["url"].startswith("http")
    answer = caller.post("messages", {"type": "document", "to": TO, "media": inline})
    assert (answer.status_code, answer.json()["media"]["name"]) == (201, "b.png")


def test_a_repetition_does_not_bring_the_file_again(api, line):
    caller = api()
    inline = {"base64": base64.b64encode(PNG).decode()}
    body = {"type": "image", "to": TO, "media": inline}

    assert caller.post("messages", body, **KEY).status_code == 201
    assert caller.post("messages", body, **KEY).status_code == 200
    assert Upload.objects.count() == 1


def test_an_upload_is_sent_under_a_name_that_passes_the_rule_of_names(api, line):
    caller = api()
    file = SimpleUploadedFile("a.txt", b"fatura", "text/plain")
    upload = caller.send("post", "uploads", file, multipart=True).json()["id"]

    def post(name):
        media = {"upload": upload, "name": name}
        return caller.post("messages", {"type": "document", "to": TO, "media": media})

    refused, sent = post("fatura.js"), post("x/fatura.txt")

    error = refused.json()["errors"][0]
    assert (refused.status_code, error["field"]) == (400, "media.name")
    assert (sent.status_code, sent.json()["media"]["name"]) == (201, "fatura.txt")
    assert Outgoing.objects.get().payload["media"]["name"] == "fatura.txt"


def test_a_sound_is_no_picture(api, line):
    inline = {"base64": base64.b64encode(b"just text").decode(), "name": "a.txt"}

    answer = api().post("messages", {"type": "image", "to": TO, "media": inline})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"].startswith("media")


def test_acts_on_messages_are_queued(api, line):
    conversation = make_conversation(line)
    theirs = make_message(conversation, provider_id="AAAA")
    ours = make_message(
        conversation,
        provider_id="3EB0AA",
        direction="outbound",
        status="sent",
        text="Oi",
        occurred_at=timezone.now(),
    )
    caller = api()

    reacted = caller.post(f"messages/{theirs.public_id}/reaction", {"emoji": "👍"})
    edited = caller.post(f"messages/{ours.public_id}/edit", {"text": "Olá"})
    deleted = caller.send("delete", f"messages/{ours.public_id}")
    forwarded = caller.post(f"messages/{theirs.public_id}/forward", {"to": TO})

    assert [one.status_code for one in (reacted, edited, deleted, forwarded)] == [
        201,
        201,
        202,
        201,
    ]
    assert reacted.json()["message"] == str(theirs.public_id)
    assert (edited.json()["type"], deleted.json()["type"]) == ("edit", "delete")
    assert forwarded.json()["text"] == theirs.text
    assert caller.post(f"messages/{theirs.public_id}/edit", {"text": "x"}).status_code == 409
    assert caller.post(f"messages/{ours.public_id}/reaction", {"emoji": "abc"}).status_code == 400


def test_waiting_messages_are_cancelled_and_failed_ones_sent_again(api, line):
    caller = api()
    sent = caller.post("messages", {"type": "text", "to": TO, "text": "Oi"}).json()
    path = f"messages/{sent['id']}"

    assert caller.post(f"{path}/retry").json()["code"] == "not_failed"
    cancelled = caller.post(f"{path}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "failed")
    Outgoing.objects.update(state="failed")
    again = caller.post(f"{path}/retry")
    assert (again.status_code, again.json()["status"]) == (200, "pending")
    assert caller.post(f"{path}/resolve", {"was_sent": True}).status_code == 409
    Outgoing.objects.update(state="unknown")
    known = caller.post(f"{path}/resolve", {"was_sent": True})
    assert (known.status_code, known.json()["status"]) == (200, "sent")


def test_progress_and_attempts_are_shown(api, line):
    caller = api()
    sent = caller.post("messages", {"type": "text", "to": TO, "text": "Oi"}).json()
    assert sent["sending"]["state"] == "queued"
    assert (sent["sending"]["attempts"], sent["sending"]["can_cancel"]) == (0, True)
    row = Outgoing.objects.get()
    row.tries.create(number=1, outcome="unknown", code="timed_out", milliseconds=60_000)
    failure = {"code": "timed_out", "detail": "", "can_retry": False}
    Outgoing.objects.update(state="unknown", attempts=1, failure=failure)

    (listed,) = caller.get("messages").json()["results"]
    assert (listed["sending"]["state"], listed["sending"]["can_resolve"]) == ("unknown", True)
    assert listed["sending"]["failure"]["code"] == "timed_out"
    assert listed["sending"]["failure"]["words"]
    (attempt,) = caller.get(f"messages/{sent['id']}/attempts").json()["results"]
    assert (attempt["outcome"], attempt["milliseconds"]) == ("unknown", 60_000)
    foreign = caller.get(f"messages/{NOBODY}/attempts")
    assert foreign.status_code == 404


def test_reading_and_typing_are_told(api, line):
    conversation = make_conversation(line)
    make_message(conversation, provider_id="AAAA")
    caller = api()

    first = caller.post(f"conversations/{conversation.public_id}/read")
    again = caller.post(f"conversations/{conversation.public_id}/read")
    typing = caller.post(f"conversations/{conversation.public_id}/presence")

    assert (first.status_code, first.json(), again.json()) == (
        200,
        {"queued": True},
        {"queued": False},
    )
    assert (typing.status_code, typing.json()) == (202, {"queued": True})


def test_a_status_is_posted(api, line):
    path = f"connections/{line.public_id}/status-posts"

    answer = api().post(path, {"type": "text", "text": "Aberto", "background": "#112233"})

    assert (answer.status_code, answer.json()["type"]) == (201, "status")
    assert Outgoing.objects.get().payload["audience"] == "all"
    refused = api().post(path, {"type": "image", "text": "x"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "media")


def test_the_file_of_a_status_fits_its_type_and_stays(api, line):
    caller, path = api(), f"connections/{line.public_id}/status-posts"
    text = {"base64": base64.b64encode(b"just text").decode(), "name": "a.txt"}
    picture = {"base64": base64.b64encode(PNG).decode()}

    refused = caller.post(path, {"type": "image", "media": text})
    sent = caller.post(path, {"type": "image", "media": picture})

    error = refused.json()["errors"][0]
    assert (refused.status_code, error["field"]) == (400, "media")
    assert sent.status_code == 201
    key = Outgoing.objects.get().payload["media"]["key"]
    assert Upload.objects.get(storage_key=key).used_at is not None


def test_sending_needs_its_own_scope(api, line):
    body = {"type": "text", "to": TO, "text": "Oi"}

    assert api("messages:read", "connections:write").post("messages", body).status_code == 403
    assert api("messages:write").post("messages", body).status_code == 201
