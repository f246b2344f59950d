"""Pairing and its outcomes, cuts and what is left in the store, the licence of 2.4."""

import asyncio
import base64
import io
from typing import Any

import pytest
from PIL import Image

from messaging.tests.simulator.rig import Rig, fixture, play, shape

TEXT = {"number": "5511900001234", "text": "Oi"}
CONNECT = "/instance/connect/evs-1"
FIND = "/chat/findMessages/evs-1"
CREATE = {
    "instanceName": "evs-1",
    "integration": "WHATSAPP-BAILEYS",
    "webhook": {"url": "https://ingest.example/hooks/evo/1", "events": []},
}


def states(rig: Rig) -> list[tuple[str, int]]:
    told = [hook["data"] for hook in rig.events("connection.update")]
    return [(data["state"], data["statusReason"]) for data in told]


async def ask(rig: Rig, path: str, **body: Any) -> Any:
    status, answer = await rig.post(f"/_sim/{path}", {"instance": "evs-1", **body})
    assert status == 201, answer
    return answer


def test_a_code_stays_until_it_expires_and_a_late_number_is_ignored():
    async def scene(rig: Rig) -> None:
        await rig.post("/instance/create", CREATE)
        first = (await rig.call("GET", CONNECT))[1]
        assert (await rig.call("GET", f"{CONNECT}?number=5511900004200"))[1] == first
        await ask(rig, "pairing", outcome="expire")
        second = (await rig.call("GET", CONNECT))[1]
        assert (second["count"], second["code"] != first["code"]) == (2, True)
        await rig.call("DELETE", "/instance/logout/evs-1")
        status, code = await rig.call("GET", f"{CONNECT}?number=5511900004200")
        assert (status, shape(code)) == (200, shape(fixture("instance-connect.200-pairing")[1]))
        assert code["count"] == 1

    assert len(play(scene).events("qrcode.updated")) == 3


def test_a_code_is_an_image_that_opens():
    async def scene(rig: Rig) -> None:
        await rig.post("/instance/create", CREATE)
        _, shown = await rig.call("GET", CONNECT)
        head, _, body = shown["base64"].partition(",")
        assert head == "data:image/png;base64"
        with Image.open(io.BytesIO(base64.b64decode(body))) as image:
            image.load()
            assert image.width == image.height > 150

    play(scene)


def test_codes_follow_each_other_until_the_limit():
    async def scene(rig: Rig) -> None:
        await rig.post("/instance/create", CREATE)
        await rig.call("GET", CONNECT)
        for _ in range(6000):
            if rig.events("connection.update")[-1]["data"]["state"] == "refused":
                break
            await asyncio.sleep(0.01)
        assert (await rig.call("GET", CONNECT))[1]["count"] == 1

    rig = play(scene, qr_seconds=0.02, qr_limit=3)
    codes = [hook["data"] for hook in rig.events("qrcode.updated")]
    assert [code.get("statusCode") for code in codes[:4]] == [None, None, None, 500]
    assert states(rig)[:2] == [("connecting", 200), ("refused", 428)]


def test_outcomes_of_pairing():
    async def scene(rig: Rig) -> None:
        await rig.post("/instance/create", CREATE)
        await ask(rig, "pairing", plan="error", times=1)
        assert (await rig.call("GET", CONNECT))[1] == fixture("instance-connect.200-error-true")[1]
        await ask(rig, "pairing", plan="no_code", times=1)
        assert (await rig.call("GET", CONNECT))[1] == {"count": 0}
        assert (await rig.call("GET", CONNECT))[1]["count"] == 1
        await ask(rig, "pairing", outcome="ban")
        assert (await rig.call("GET", CONNECT))[1]["count"] == 1
        await ask(rig, "pairing", outcome="scan", number="5511900007777")
        assert (await rig.call("GET", CONNECT))[1]["instance"]["state"] == "open"

    rig = play(scene)
    assert states(rig) == [
        ("connecting", 200),
        ("close", 403),
        ("connecting", 200),
        ("open", 200),
    ]
    assert rig.events("connection.update")[-1]["data"]["wuid"].startswith("5511900007777@")


def test_a_phone_that_scans_by_itself_does_not_open_what_was_logged_out():
    async def scene(rig: Rig) -> None:
        await rig.post("/instance/create", CREATE)
        await rig.call("GET", CONNECT)
        await rig.call("DELETE", "/instance/logout/evs-1")
        await asyncio.sleep(0.05)
        assert rig.sim.store.get("evs-1").state == "close"
        await rig.call("GET", CONNECT)
        await rig.sim.settle()
        assert rig.sim.store.get("evs-1").state == "open"

    play(scene, auto_pair_seconds=0.02, time_factor=1.0)


async def found_texts(rig: Rig) -> list[str]:
    status, answer = await rig.post(FIND, {"page": 1, "offset": 50})
    assert status == 200
    return [row["message"]["conversation"] for row in answer["messages"]["records"]]


def test_a_silent_session_looks_open_and_keeps_what_it_does_not_deliver():
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        await ask(rig, "cut", how="silent")
        rig.hooks.clear()
        await ask(rig, "emit", text="alguém aí?")
        assert (await rig.post("/message/sendText/evs-1", TEXT))[0] == 201
        await rig.sim.settle()
        assert rig.hooks == []
        _, state = await rig.call("GET", "/instance/connectionState/evs-1")
        assert state["instance"]["state"] == "open"
        assert sorted(await found_texts(rig)) == ["Oi", "alguém aí?"]
        await rig.post("/instance/restart/evs-1")
        await rig.sim.settle()
        await ask(rig, "emit", text="voltou")

    rig = play(scene)
    assert states(rig) == [("connecting", 200), ("open", 200)]
    texts = [hook["data"]["message"]["conversation"] for hook in rig.events("messages.upsert")]
    assert texts == ["voltou"]
    assert rig.sim.journal.webhooks["cut"] > 2


def test_a_closed_session_comes_back_without_a_code():
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        rig.hooks.clear()
        await ask(rig, "cut", how="close", refuse=1)
        await ask(rig, "emit", text="enquanto isso")
        assert (await rig.post("/message/sendText/evs-1", TEXT))[0] == 500
        assert (await rig.call("GET", CONNECT))[1] == {"count": 0}
        await rig.sim.settle()
        assert rig.sim.store.get("evs-1").state == "close"
        await rig.call("GET", CONNECT)
        await rig.sim.settle()
        assert await found_texts(rig) == ["enquanto isso"]

    rig = play(scene)
    assert states(rig) == [
        ("close", 428),
        ("connecting", 200),
        ("close", 428),
        ("connecting", 200),
        ("open", 200),
    ]
    assert not rig.events("messages.upsert")


def test_a_session_that_refuses_to_come_back_is_healed_from_outside():
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        await ask(rig, "cut", how="close", refuse=None)
        for _ in range(3):
            await rig.call("GET", CONNECT)
            await rig.sim.settle()
        assert rig.sim.store.get("evs-1").state == "close"
        await ask(rig, "heal")
        await rig.sim.settle()
        assert rig.sim.store.get("evs-1").state == "open"

    play(scene)


def test_what_is_down_answers_nothing():
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        await rig.open_instance("evs-2")
        await ask(rig, "cut", how="down")
        with pytest.raises(ConnectionResetError):
            await rig.post("/message/sendText/evs-1", TEXT)
        assert (await rig.post("/message/sendText/evs-2", TEXT))[0] == 201
        await ask(rig, "emit", text="ninguém soube")
        await rig.post("/_sim/cut", {"how": "down"})
        with pytest.raises(ConnectionResetError):
            await rig.call("GET", "/")
        await rig.post("/_sim/heal", {})
        assert await found_texts(rig) == ["ninguém soube"]

    rig = play(scene)
    assert len(rig.sim.journal.sends) == 1
    assert not rig.events("messages.upsert")


def test_messages_of_the_past_fill_pages_newest_first():
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        await ask(rig, "emit", count=120, chats=5, ago=60, every=60, quiet=True)
        assert not rig.events("messages.upsert")
        stamps: list[int] = []
        for page in (1, 2, 3):
            _, answer = await rig.post(FIND, {"page": page, "offset": 50})
            shown = answer["messages"]
            assert (shown["total"], shown["pages"], shown["currentPage"]) == (120, 3, page)
            stamps += [row["messageTimestamp"] for row in shown["records"]]
        assert len(stamps) == 120
        assert stamps == sorted(stamps, reverse=True)
        where = {"messageTimestamp": {"gte": "ontem", "lte": "hoje"}}
        assert (await rig.post(FIND, {"where": where}))[0] == 500

    play(scene)


def test_the_database_of_2_3_7_keeps_lids():
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        for chat in range(30):
            await ask(rig, "emit", chat=chat)
        _, answer = await rig.post(FIND, {})
        for row in answer["messages"]["records"]:
            lid_mode = row["key"].get("addressingMode") == "lid"
            assert row["key"]["remoteJid"].endswith("@lid") == lid_mode

    rig = play(scene)
    keys = [hook["data"]["key"] for hook in rig.events("messages.upsert")]
    known = [key for key in keys if key.get("addressingMode") == "lid" and "remoteJidAlt" in key]
    assert known
    assert all(key["remoteJid"].endswith("@s.whatsapp.net") for key in known)


LATEST = {"version": "2.4.0-rc2"}


def test_2_4_answers_only_with_a_licence():
    async def scene(rig: Rig) -> None:
        assert (await rig.call("GET", "/"))[1]["version"] == "2.4.0-rc2"
        refused = await rig.post("/instance/create", CREATE)
        wanted = fixture("any.503-license-required")
        assert (refused[0], shape(refused[1])) == (wanted[0], shape(wanted[1]))
        await rig.post("/_sim/license", {"active": True})
        assert (await rig.post("/instance/create", CREATE))[0] == 201
        assert (await rig.call("DELETE", "/instance/logout/evs-1"))[0] == 200

    play(scene, **LATEST)


def test_2_4_takes_our_ids_and_shows_each_once():
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        body = TEXT | {"messageId": "3EB0AAAAAAAAAAAAAAAAAA"}
        for text in ("uma vez", "outra vez"):
            status, sent = await rig.post("/message/sendText/evs-1", body | {"text": text})
            assert (status, sent["key"]["id"]) == (201, body["messageId"])
        played = {"playedMessages": [sent["key"]]}
        assert (await rig.post("/chat/markMessageAsPlayed/evs-1", played))[0] == 201
        await rig.sim.settle()
        assert await found_texts(rig) == ["uma vez"]

    rig = play(scene, licensed=True, **LATEST)
    assert [(send.shown, send.text) for send in rig.sim.journal.sends] == [
        (True, "uma vez"),
        (False, "outra vez"),
    ]
    assert len(rig.events("send.message")) == 2
    assert len(rig.events("messages.update")) == 3
    agent = rig.requests[-1].headers
    assert agent["user-agent"] == "EvolutionAPI-Webhook/2.4.0-rc2"
    assert agent["x-instance-name"] == "evs-1"


def test_older_versions_choose_the_id_themselves():
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        _, sent = await rig.post("/message/sendText/evs-1", TEXT | {"messageId": "3EB0AA"})
        assert sent["key"]["id"] != "3EB0AA"
        played = await rig.post("/chat/markMessageAsPlayed/evs-1", {"playedMessages": []})
        assert played[0] == 404

    play(scene)
