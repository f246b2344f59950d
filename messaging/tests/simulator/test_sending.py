"""What is sent can be fetched again, answers can go wrong afterwards, and everything is counted."""

import asyncio
import base64
import hashlib
import io
from typing import Any

import puremagic
import pytest
from PIL import Image

from messaging.simulator.media_bytes import jpeg
from messaging.tests.simulator.rig import Rig, play

TEXT = {"number": "5511900001234", "text": "Oi"}
TO = {"number": "5511900001234"}
SEND = "/message/sendText/evs-1"
BASE64 = "/chat/getBase64FromMediaMessage/evs-1"


async def fetched(rig: Rig, wa_id: str) -> tuple[dict[str, Any], bytes]:
    status, row = await rig.post(BASE64, {"message": {"key": {"id": wa_id}}})
    assert status == 201
    return row, base64.b64decode(row["base64"])


@pytest.mark.parametrize(
    ("kind", "mime"),
    [
        ("image", "image/jpeg"),
        ("audio", "audio/ogg"),
        ("document", "application/pdf"),
        ("sticker", "image/webp"),
        ("video", "video/mp4"),
    ],
)
def test_what_customers_send_is_a_file_of_its_size_and_type(kind: str, mime: str):
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        _, made = await rig.post("/_sim/emit", {"instance": "evs-1", "kind": kind})
        row, raw = await fetched(rig, made["ids"][0])
        assert row["size"]["fileLength"]["low"] == len(raw)
        assert row["mimetype"].partition(";")[0] == mime
        stored = rig.sim.store.get("evs-1").messages[made["ids"][0]]
        digest = stored.data["message"][f"{kind}Message"]["fileSha256"]
        assert bytes(digest.values()) == hashlib.sha256(raw).digest()
        if kind != "audio":
            assert mime in {found.mime_type for found in puremagic.magic_string(raw)}
        if kind == "image":
            with Image.open(io.BytesIO(raw)) as image:
                image.load()
                assert image.size == (row["size"]["width"], row["size"]["height"])

    play(scene)


def test_a_file_that_we_send_comes_back_as_it_was():
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        raw = jpeg(7, 12, 9)
        given = base64.b64encode(raw).decode()
        body = TO | {"mediatype": "image", "media": given, "mimetype": "image/jpeg"}
        status, sent = await rig.post("/message/sendMedia/evs-1", body | {"caption": "foto"})
        assert status == 201
        assert sent["message"]["imageMessage"]["caption"] == "foto"
        assert (await fetched(rig, sent["key"]["id"]))[1] == raw
        broken = await rig.post("/message/sendMedia/evs-1", body | {"media": "http://minio:9/x"})
        assert broken[0] == 400
        _, note = await rig.post("/message/sendPtv/evs-1", TO | {"video": given})
        assert note["messageType"] == "ptvMessage"
        assert (await fetched(rig, note["key"]["id"]))[1] == raw

    rig = play(scene)
    assert all("media" not in send.request for send in rig.sim.journal.sends)


BUTTONS = "/message/sendButtons/evs-1"
REPLY = {"type": "reply", "displayText": "Sim", "id": "1"}
PIX = {"type": "pix", "currency": "BRL", "name": "Loja", "keyType": "email", "key": "a@b.c"}


@pytest.mark.parametrize(
    ("buttons", "status"),
    [
        ([REPLY], 201),
        ([PIX], 201),
        ([{"type": "url", "displayText": "Site", "url": "https://a.example"}], 201),
        ([{"type": "url", "displayText": "Site"}], 400),
        ([REPLY] * 4, 400),
        ([REPLY, PIX], 400),
        ([PIX, PIX], 400),
        ([], 400),
        ([{"type": "dance"}], 400),
    ],
)
def test_buttons_need_their_parts_and_do_not_mix(buttons: list[Any], status: int):
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        body = TO | {"title": "t", "buttons": buttons}
        assert (await rig.post(BUTTONS, body))[0] == status

    play(scene)


STORY = {"type": "text", "content": "oi", "backgroundColor": "#112233", "font": 1}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (STORY | {"allContacts": True}, 201),
        (STORY | {"statusJidList": ["5511900001234@s.whatsapp.net"]}, 201),
        (STORY, 400),
        (STORY | {"allContacts": True, "font": 0}, 400),
        ({"type": "image", "content": "aGk=", "allContacts": True, "caption": "x"}, 201),
        ({"type": "song", "content": "x", "allContacts": True}, 400),
    ],
)
def test_status_posts(body: dict[str, Any], status: int):
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        got, answer = await rig.post("/message/sendStatus/evs-1", body)
        assert got == status
        if got == 201:
            assert answer["key"]["remoteJid"] == "status@broadcast"

    play(scene)


def test_templates_belong_to_the_cloud():
    async def scene(rig: Rig) -> None:
        body = TO | {"name": "boas_vindas", "language": "pt_BR", "components": []}
        await rig.open_instance()
        assert (await rig.post("/message/sendTemplate/evs-1", body))[0] == 400
        cloud = {"instanceName": "evs-2", "integration": "WHATSAPP-BUSINESS"}
        await rig.post("/instance/create", cloud)
        status, sent = await rig.post("/message/sendTemplate/evs-2", body)
        assert (status, sent["message"]) == (201, {"conversation": "▶️boas_vindas◀️"})

    play(scene)


@pytest.mark.parametrize("status", [400, 500, 502, 504])
def test_an_answer_may_fail_after_the_message_left(status: int):
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        await rig.post("/_sim/faults", {"kind": "failed_answer", "count": 1, "status": status})
        assert (await rig.post(SEND, TEXT))[0] == status

    assert len(play(scene).sim.journal.sends) == 1


def test_a_late_answer_is_accepted_at_once():
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        await rig.post("/_sim/faults", {"kind": "late_answer", "seconds": 5})
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(rig.post(SEND, TEXT), 1.0)

    assert len(play(scene).sim.journal.sends) == 1


def test_sends_in_hand_are_counted_by_instance():
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        await rig.open_instance("evs-2")
        await rig.post("/_sim/faults", {"kind": "delay", "seconds": 0.3})
        await asyncio.gather(*(rig.post(SEND, TEXT) for _ in range(3)))
        await rig.post("/message/sendText/evs-2", TEXT)
        await rig.post("/message/sendText/evs-2", TEXT)
        _, journal = await rig.call("GET", "/_sim/journal")
        assert journal["at_once"] == {"evs-1": 3, "evs-2": 1}

    play(scene)


def test_acts_are_written_down():
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        _, sent = await rig.post(SEND, TEXT)
        key = sent["key"]
        await rig.post("/chat/updateMessage/evs-1", TO | {"key": key, "text": "Olá"})
        await rig.call("DELETE", "/chat/deleteMessageForEveryone/evs-1", key)
        await rig.post("/chat/markMessageAsRead/evs-1", {"readMessages": [key]})
        typing = TO | {"presence": "composing", "delay": 10}
        assert (await rig.post("/chat/sendPresence/evs-1", typing))[0] == 201

    rig = play(scene)
    assert [act.operation for act in rig.sim.journal.acts] == [
        "updateMessage",
        "deleteMessageForEveryone",
        "markMessageAsRead",
        "sendPresence",
    ]
    wa_id = rig.sim.journal.sends[0].message_id
    assert [act.message_ids for act in rig.sim.journal.acts] == [(wa_id,)] * 3 + [()]
    assert not any(hook["event"] == "messages.upsert" for hook in rig.hooks)
