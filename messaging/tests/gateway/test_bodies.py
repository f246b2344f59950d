"""Every kind of message against the simulator, which checks bodies as Evolution's schemas do."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from evosense.core.http import send as request
from messaging.gateway.capabilities import CLOUD, Capabilities
from messaging.gateway.client.bodies import Draft, request_of
from messaging.gateway.client.evolution import Evolution
from messaging.gateway.client.instance import Instance

TO = "5511900001234@s.whatsapp.net"
KEY = "the-global-key"
MEDIA = {"key": "t/1/a", "name": "a.bin", "mime": "image/png", "size": 5}
# kind → (payload, the operation in the simulator's journal)
KINDS: dict[str, tuple[dict[str, Any], str]] = {
    "text": ({"text": "Oi", "link_preview": False, "typing_ms": 10}, "sendText"),
    "image": ({"media": MEDIA, "caption": "foto"}, "sendMedia"),
    "video": ({"media": MEDIA}, "sendMedia"),
    "audio": ({"media": MEDIA}, "sendMedia"),
    "document": ({"media": {**MEDIA, "name": "nota.pdf"}}, "sendMedia"),
    "voice": ({"media": MEDIA}, "sendWhatsAppAudio"),
    "video_note": ({"media": MEDIA}, "sendPtv"),
    "sticker": ({"media": MEDIA}, "sendSticker"),
    "location": ({"latitude": -23.55, "longitude": -46.63}, "sendLocation"),
    "contact": ({"contacts": [{"name": "Ana", "phone": "+55 11 90000-1234"}]}, "sendContact"),
    "poll": ({"name": "Quando?", "options": ["Hoje", "Amanhã"], "selectable": 1}, "sendPoll"),
    "list": (
        {
            "title": "Horários",
            "text": "Escolha",
            "button": "Ver",
            "sections": [{"title": "Manhã", "rows": [{"id": "9", "title": "9h"}]}],
        },
        "sendList",
    ),
    "buttons": (
        {"title": "Confirma?", "buttons": [{"type": "reply", "text": "Sim"}]},
        "sendButtons",
    ),
    "status": ({"type": "text", "text": "Aberto", "audience": "all"}, "sendStatus"),
    "reaction": (
        {"emoji": "👍", "target": {"provider_id": "ABCD", "from_me": False}},
        "sendReaction",
    ),
}


def _read(_key: str) -> bytes:
    return b"bytes"


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    command = [sys.executable, "-m", "messaging.simulator", "--port", "0", "--time-factor", "0.01"]
    environment = {**os.environ, "SIMULATOR_API_KEY": KEY}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    try:
        url = json.loads(process.stdout.readline())["url"]
        admin = Instance(UUID(int=1), url, KEY, "", Capabilities("2.3.7"))
        Evolution().create_instance(
            admin,
            name="evs-1",
            webhook_url="https://hooks.example.com/x",
            webhook_headers={"X-EvoSense-Token": "t"},
            settings={"groups_ignore": True, "call_text": "Escreva"},
            number="5511900004200",
        )
        Evolution().connect(_instance(url))
        _sim(url, "POST", "/_sim/pair", {"instance": "evs-1"})
        yield url
    finally:
        process.terminate()
        process.wait(60)


def _sim(url: str, method: str, path: str, body: Any = None) -> Any:
    raw = json.dumps(body).encode() if body is not None else b""
    headers = {"apikey": KEY, **({"Content-Type": "application/json"} if raw else {})}
    return request(method, url + path, body=raw, headers=headers).json()


def _instance(url: str, version: str = "2.3.7", integration: str = "WHATSAPP-BAILEYS") -> Instance:
    return Instance(UUID(int=1), url, KEY, "evs-1", Capabilities(version, integration))


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_takes_every_kind(simulator: str, kind: str) -> None:
    payload, operation = KINDS[kind]
    _sim(simulator, "DELETE", "/_sim/journal")

    outcome = Evolution().send(
        _instance(simulator), kind=kind, payload=payload, to=TO, read_media=_read
    )

    assert (outcome.klass, outcome.code, outcome.detail) == ("accepted", "", "")
    assert outcome.provider_id
    entries = _sim(simulator, "GET", "/_sim/journal?instance=evs-1")
    sends = entries.get("sends") or entries.get("entries")
    assert [one["operation"] for one in sends] == [operation]


def test_a_message_is_edited_deleted_read_and_found(simulator: str) -> None:
    client, instance = Evolution(), _instance(simulator)
    sent = client.send(instance, kind="text", payload={"text": "Oi"}, to=TO, read_media=_read)
    target = {"provider_id": sent.provider_id, "from_me": True, "remote_jid": sent.remote_jid}

    for kind, payload in (
        ("edit", {"text": "Olá", "target": target}),
        ("delete", {"target": target}),
        ("read", {"provider_ids": ["A1"]}),
    ):
        outcome = client.send(
            instance, kind=kind, payload=payload, to=sent.remote_jid, read_media=_read
        )
        assert (kind, outcome.klass) == (kind, "accepted")
    assert client.connection_state(instance) == "open"
    assert client.find_settings(instance)["call_text"] == "Escreva"
    hook = client.find_webhook(instance)
    assert hook is not None
    assert hook.headers == {"X-EvoSense-Token": "t"}
    assert set(hook.events) == set(instance.capabilities.webhook_events)
    assert client.whatsapp_numbers(instance, ["+5511900009999"])[0].exists is False
    client.presence(instance, to=TO, state="composing", ms=10)
    assert client.profile_picture(instance, "5511900001234") is None


def _body(kind: str, payload: dict[str, Any], **over: Any) -> dict[str, Any]:
    draft = Draft(kind, payload, over.pop("to", TO), _read, **over)
    body: dict[str, Any] = json.loads(request_of(draft).body)
    return body


def test_files_go_as_bare_base64_with_their_name() -> None:
    body = _body("document", {"media": {**MEDIA, "name": "nota.pdf", "mime": "application/pdf"}})

    assert base64.b64decode(body["media"], validate=True) == b"bytes"
    assert (body["fileName"], body["mimetype"]) == ("nota.pdf", "application/pdf")


def test_a_quote_carries_its_key_and_its_text() -> None:
    quote = {"provider_id": "A1", "from_me": False, "text": "Tem vaga?"}

    body = _body("text", {"text": "Tem"}, quote=quote)

    assert body["quoted"] == {
        "key": {"id": "A1", "remoteJid": TO, "fromMe": False},
        "message": {"conversation": "Tem vaga?"},
    }


def test_typing_never_blocks_longer_than_five_seconds() -> None:
    assert _body("text", {"text": "Oi", "typing_ms": 60_000})["delay"] == 5_000
    assert "delay" not in _body("text", {"text": "Oi", "typing_ms": -1})


def test_mentions_are_digits() -> None:
    payload = {"text": "@todos", "mentions": [TO], "mention_everyone": True}

    body = _body("text", payload, to="120363041234567890@g.us")

    assert (body["mentioned"], body["mentionsEveryOne"]) == (["5511900001234"], True)


def test_our_own_id_is_given_where_it_is_kept() -> None:
    assert _body("text", {"text": "Oi"}, message_id="3EB0AA")["messageId"] == "3EB0AA"
    for version, honours in (("2.3.7", False), ("2.4.0-rc2", True)):
        assert Capabilities(version).honours_message_id is honours
    assert not Capabilities("2.4.0", CLOUD).honours_message_id


def test_a_status_has_an_audience() -> None:
    to_all = _body("status", {"type": "text", "text": "Aberto"})
    to_some = _body("status", {"type": "image", "media": MEDIA, "audience": [TO]})

    assert (to_all["allContacts"], to_all["font"]) == (True, 1)
    assert (to_some["allContacts"], to_some["statusJidList"]) == (False, [TO])


@pytest.mark.parametrize(
    ("button", "expected"),
    [
        ({"type": "copy", "text": "Copiar", "code": "123"}, {"copyCode": "123"}),
        (
            {"type": "url", "text": "Abrir", "url": "https://a.example"},
            {"url": "https://a.example"},
        ),
        ({"type": "call", "text": "Ligar", "phone": "+5511"}, {"phoneNumber": "+5511"}),
        (
            {"type": "pix", "name": "Loja", "key_type": "email", "key": "a@b.example"},
            {"currency": "BRL", "keyType": "email"},
        ),
    ],
)
def test_buttons_have_their_values(button: dict[str, str], expected: dict[str, str]) -> None:
    made = _body("buttons", {"title": "t", "buttons": [button]})["buttons"][0]

    assert made.items() >= expected.items()


def test_what_a_channel_cannot_send_is_refused_with_its_reason() -> None:
    cloud, phone = Capabilities("2.3.7", CLOUD), Capabilities("2.3.7")

    assert phone.can_send("template") is not None
    assert cloud.can_send("template") is None
    for kind in ("poll", "sticker", "edit", "delete", "status", "read"):
        refusal = cloud.can_send(kind)
        assert refusal is not None
        assert refusal.code == "kind_unsupported"
        assert phone.can_send(kind) is None
    unlicensed = Capabilities("2.4.0", is_licensed=False).can_send("text")
    assert unlicensed is not None
    assert unlicensed.code == "license_required"
    assert "STATUS_INSTANCE" not in Capabilities("2.2.3").webhook_events
    assert len(phone.webhook_events) == 12
