"""The REST answers equal the recorded ones: same status, same keys, same types."""

import asyncio
from typing import Any

import pytest

from messaging.tests.simulator.rig import HOOK, Rig, fixture, play, shape

NAME = "evs-t42-clinica-sorriso"
TEXT = {"number": "5511900001234", "text": "Oi Mariana!"}
CREATE = {
    "instanceName": NAME,
    "integration": "WHATSAPP-BAILEYS",
    "webhook": {"url": HOOK, "events": [], "headers": {"authorization": "Bearer s3cr3t"}},
}


def assert_like(name: str, got: tuple[int, Any]) -> None:
    status, body = fixture(name)
    assert got[0] == status
    assert shape(got[1]) == shape(body), name


def assert_equal(name: str, got: tuple[int, Any]) -> None:
    assert got == fixture(name)


def test_errors_of_every_route():
    async def scene(rig: Rig) -> None:
        await rig.open_instance(NAME)
        answer = await rig.call("GET", f"/instance/connectionState/{NAME}", key="")
        assert_equal("any.401", answer)
        answer = await rig.call("GET", "/instance/connectionState/evs-t99-nao-existe", key="")
        assert_equal("any.404-instance", answer)
        assert_equal("any.404-route", await rig.call("PUT", f"/instance/restart/{NAME}"))
        await rig.post("/_sim/faults", {"kind": "license"})
        assert_like("any.503-license-required", await rig.post(f"/message/sendText/{NAME}", TEXT))

    play(scene)


def test_life_of_an_instance():
    async def scene(rig: Rig) -> None:
        assert_like(
            "instance-create.201", await rig.post("/instance/create", CREATE | {"qrcode": True})
        )
        assert_equal("instance-create.403-name-in-use", await rig.post("/instance/create", CREATE))
        without = {"instanceName": "x", "integration": "WHATSAPP-BAILEYS", "webhook": {"url": HOOK}}
        assert_equal(
            "instance-create.400-events-missing", await rig.post("/instance/create", without)
        )
        assert_like("instance-connect.200-qr", await rig.call("GET", f"/instance/connect/{NAME}"))
        await rig.post("/_sim/pair", {"instance": NAME})
        assert_equal(
            "instance-connect.200-already-open", await rig.call("GET", f"/instance/connect/{NAME}")
        )
        assert_equal(
            "connection-state.200", await rig.call("GET", f"/instance/connectionState/{NAME}")
        )
        assert_like("fetch-instances.200", await rig.call("GET", "/instance/fetchInstances"))
        assert_equal(
            "fetch-instances.404", await rig.call("GET", "/instance/fetchInstances?instanceName=x")
        )
        assert_equal("logout.200", await rig.call("DELETE", f"/instance/logout/{NAME}"))
        assert_equal(
            "logout.400-not-connected", await rig.call("DELETE", f"/instance/logout/{NAME}")
        )
        assert_equal("instance-connect.200-error-true", await rig.post(f"/instance/restart/{NAME}"))
        assert_equal("delete.200", await rig.call("DELETE", f"/instance/delete/{NAME}"))

    rig = play(scene)
    seen = [hook["event"] for hook in rig.hooks]
    assert {"qrcode.updated", "connection.update", "status.instance", "logout.instance"} <= set(
        seen
    )
    assert "sender" not in rig.events("qrcode.updated")[0]


def test_webhook_and_settings():
    async def scene(rig: Rig) -> None:
        await rig.post(
            "/instance/create", {"instanceName": NAME, "integration": "WHATSAPP-BAILEYS"}
        )
        assert_equal("webhook-find.200-null", await rig.call("GET", f"/webhook/find/{NAME}"))
        hook = CREATE["webhook"] | {"enabled": True, "events": ["MESSAGES_UPSERT"]}
        assert_like("webhook-set.201", await rig.post(f"/webhook/set/{NAME}", {"webhook": hook}))
        status, body = await rig.post(f"/webhook/set/{NAME}", {"webhook": hook | {"events": ["X"]}})
        assert status == 400
        assert "enum" in body["response"]["message"][0][0]
        status, body = await rig.post(f"/settings/set/{NAME}", {"rejectCall": True})
        assert status == 400
        assert len(body["response"]["message"][0]) == 5

    play(scene)


def test_sending_and_its_failures():
    async def scene(rig: Rig) -> None:
        await rig.post("/instance/create", CREATE)
        path = f"/message/sendText/{NAME}"
        assert_equal("sendText.500-client-undefined", await rig.post(path, TEXT))
        await rig.call("GET", f"/instance/connect/{NAME}")
        assert_equal("sendText.500-connection-closed", await rig.post(path, TEXT))
        await rig.post("/_sim/pair", {"instance": NAME})
        assert_like("sendText.201", await rig.post(path, TEXT))
        wrong = TEXT | {"number": "5511900009999"}
        assert_equal("sendText.400-exists-false", await rig.post(path, wrong))
        assert_equal("sendText.400-validation", await rig.post(path, {"number": "5511900001234"}))
        await rig.post("/_sim/faults", {"kind": "connection_closed", "count": 1, "status": 400})
        assert_equal("sendText.400-connection-closed", await rig.post(path, TEXT))
        assert (await rig.post(path, TEXT))[0] == 201

    rig = play(scene)
    assert rig.sim.journal.serial == 2


def test_a_cloud_instance_refuses_what_meta_does_not_have():
    async def scene(rig: Rig) -> None:
        await rig.post("/instance/create", CREATE | {"integration": "WHATSAPP-BUSINESS"})
        answer = await rig.post(f"/chat/whatsappNumbers/{NAME}", {"numbers": ["5511900001234"]})
        assert_equal("cloud-not-available.400", answer)
        await rig.post("/_sim/faults", {"kind": "cloud_error"})
        answer = await rig.post(f"/message/sendText/{NAME}", TEXT)
        assert_equal("sendText.201-cloud-error-in-body", answer)

    play(scene)


def test_chat_routes():
    async def scene(rig: Rig) -> None:
        await rig.post("/instance/create", CREATE)
        numbers = {"numbers": ["5571980001234", "5511900009999"]}
        path = f"/chat/whatsappNumbers/{NAME}"
        assert_equal("whatsapp-numbers.400-raw", await rig.post(path, numbers))
        await rig.post("/_sim/pair", {"instance": NAME})
        status, rows = await rig.post(path, numbers)
        assert status == 200
        assert rows[0]["jid"] == "557180001234@s.whatsapp.net"
        assert rows[1] == fixture("whatsapp-numbers.200")[1][1]
        key = {"id": "X", "fromMe": False, "remoteJid": "5511900001234@s.whatsapp.net"}
        answer = await rig.post(f"/chat/markMessageAsRead/{NAME}", {"readMessages": [key]})
        assert_equal("mark-as-read.201", answer)

    play(scene)


def test_media_can_be_fetched_and_messages_found():
    async def scene(rig: Rig) -> None:
        await rig.open_instance(NAME)
        wanted = {"instance": NAME, "kind": "image", "text": "Segue a foto"}
        _, made = await rig.post("/_sim/emit", wanted)
        wa_id = made["ids"][0]
        path = f"/chat/getBase64FromMediaMessage/{NAME}"
        body = {"message": {"key": {"id": wa_id}}}
        assert_like("get-base64.201", await rig.post(path, body))
        missing = {"message": {"key": {"id": "nope"}}}
        assert_equal("get-base64.400-not-found", await rig.post(path, missing))
        await rig.post("/_sim/faults", {"kind": "bad_decrypt", "count": 1})
        assert_equal("get-base64.400-bad-decrypt", await rig.post(path, body))
        await rig.post(f"/message/sendText/{NAME}", TEXT)
        await rig.sim.settle()
        status, found = await rig.post(f"/chat/findMessages/{NAME}", {"page": 1, "offset": 50})
        assert status == 200
        assert found["messages"]["total"] == 2
        recorded = fixture("find-messages.200")[1]["messages"]["records"][0]
        sent = next(row for row in found["messages"]["records"] if row["key"]["fromMe"])
        assert set(sent) == set(recorded)
        assert sent["MessageUpdate"] == recorded["MessageUpdate"]

    play(scene)


@pytest.mark.parametrize(
    ("operation", "body", "kind"),
    [
        ("sendMedia", {"mediatype": "image", "media": "aGk=", "caption": "oi"}, "imageMessage"),
        ("sendWhatsAppAudio", {"audio": "aGk="}, "audioMessage"),
        ("sendSticker", {"sticker": "aGk="}, "stickerMessage"),
        (
            "sendLocation",
            {"latitude": -25.4, "longitude": -49.2, "name": "Loja", "address": "Centro"},
            "locationMessage",
        ),
        (
            "sendContact",
            {"contact": [{"fullName": "Ana", "phoneNumber": "5511900001111"}]},
            "contactMessage",
        ),
        (
            "sendPoll",
            {"name": "?", "selectableCount": 1, "values": ["a", "b"]},
            "pollCreationMessageV3",
        ),
        (
            "sendList",
            {
                "title": "t",
                "buttonText": "b",
                "footerText": "f",
                "sections": [{"title": "s", "rows": [{"title": "r", "rowId": "1"}]}],
            },
            "listMessage",
        ),
        (
            "sendButtons",
            {"title": "t", "buttons": [{"type": "reply", "displayText": "Sim", "id": "1"}]},
            "interactiveMessage",
        ),
    ],
)
def test_every_kind_can_be_sent(operation: str, body: dict[str, Any], kind: str):
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        path = f"/message/{operation}/evs-1"
        status, sent = await rig.post(path, {"number": "5511900001234", **body})
        assert status == 201
        assert sent["messageType"] == kind
        assert (await rig.post(path, {"number": "5511900001234"}))[0] == 400

    rig = play(scene)
    assert [send.message_type for send in rig.sim.journal.sends] == [kind]


def test_an_instance_token_opens_only_its_own_instance():
    async def scene(rig: Rig) -> None:
        await rig.open_instance("one")
        await rig.open_instance("two")
        token = rig.sim.store.get("one").token
        assert (await rig.call("GET", "/instance/connectionState/one", key=token))[0] == 200
        assert (await rig.call("GET", "/instance/connectionState/two", key=token))[0] == 401
        assert (await rig.call("POST", "/instance/create", {"instanceName": "x"}, key=token))[
            0
        ] == 401
        _, rows = await rig.call("GET", "/instance/fetchInstances", key=token)
        assert [row["name"] for row in rows] == ["one"]

    play(scene)


def test_edits_and_deletes_are_reported():
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        _, sent = await rig.post("/message/sendText/evs-1", TEXT)
        change = {"number": TEXT["number"], "key": sent["key"], "text": "corrigido"}
        assert (await rig.post("/chat/updateMessage/evs-1", change))[0] == 200
        status, _ = await rig.call("DELETE", "/chat/deleteMessageForEveryone/evs-1", sent["key"])
        assert status == 201

    rig = play(scene)
    assert rig.events("send.message.update")[0]["data"]["type"] == "MESSAGE_EDIT"
    row = rig.events("messages.delete")[0]["data"]
    assert row["id"].startswith("cm")
    assert row["key"]["fromMe"] is True


def test_a_lost_answer_is_still_one_accepted_send():
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        await rig.post("/_sim/faults", {"kind": "lost_answer", "count": 1, "seconds": 0})
        with pytest.raises(ConnectionResetError):
            await rig.post("/message/sendText/evs-1", TEXT)
        _, journal = await rig.call("GET", "/_sim/journal?instance=evs-1")
        assert [send["answered"] for send in journal["sends"]] == [False]

    rig = play(scene)
    assert len(rig.events("send.message")) == 1


def test_a_hanging_server_ends_with_the_clients_patience():
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        await rig.post("/_sim/faults", {"kind": "hang", "count": 1})
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(rig.post("/message/sendText/evs-1", TEXT), 1.0)
        assert (await rig.post("/message/sendText/evs-1", TEXT))[0] == 201

    play(scene)
