"""Webhooks: what is retried and when, what is never retried, and misbehaviour on request."""

import asyncio
import base64
import hashlib
import hmac
from collections import Counter
from typing import Any

import orjson
import pytest

from messaging.simulator import script
from messaging.simulator.bodies import Bodies
from messaging.simulator.delivery import ATTEMPTS, wait_before
from messaging.simulator.dice import dice
from messaging.simulator.generator import World
from messaging.simulator.people import VERTICAL_LINES
from messaging.simulator.stage import Attendance
from messaging.simulator.traffic import still_to_come
from messaging.tests.simulator.rig import HOOK, Rig, play

TEXT = {"number": "5511900001234", "text": "Oi"}


def message_hooks(rig: Rig) -> list[dict[str, Any]]:
    return [hook for hook in rig.hooks if hook["event"] in {"messages.upsert", "send.message"}]


def test_waits_grow_to_five_minutes():
    waits = [wait_before(attempt, dice("x")) for attempt in range(2, ATTEMPTS + 1)]
    for wait, wanted in zip(waits, (5, 10, 20, 40, 80, 160, 300, 300, 300), strict=True):
        assert wanted * 0.8 <= wait <= wanted * 1.2
    assert 17 * 60 < sum(waits) < 25 * 60
    assert wait_before(5, dice("x"), grows=False) == 30.0


def test_a_failing_receiver_gets_ten_tries_and_then_nothing():
    async def scene(rig: Rig) -> None:
        await rig.open_instance(events=["SEND_MESSAGE"])
        rig.hook_status = lambda _: 503
        await rig.post("/message/sendText/evs-1", TEXT)

    rig = play(scene)
    assert len(rig.requests) == ATTEMPTS
    assert rig.sim.journal.webhooks["given_up"] == 1
    assert rig.sim.journal.webhooks["retried"] == ATTEMPTS - 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_refusal_is_final(status: int):
    async def scene(rig: Rig) -> None:
        await rig.open_instance(events=["SEND_MESSAGE"])
        rig.hook_status = lambda _: status
        await rig.post("/message/sendText/evs-1", TEXT)

    rig = play(scene)
    assert len(rig.requests) == 1
    assert rig.sim.journal.webhooks["refused"] == 1


def test_a_retry_brings_the_same_body():
    async def scene(rig: Rig) -> None:
        await rig.open_instance(events=["SEND_MESSAGE"])
        rig.hook_status = lambda number: 500 if number < 3 else 200
        await rig.post("/message/sendText/evs-1", TEXT)

    rig = play(scene)
    assert len({request.content for request in rig.requests}) == 1
    assert len(rig.hooks) == 1


def test_only_chosen_events_are_posted_to_a_path_of_their_own():
    async def scene(rig: Rig) -> None:
        await rig.open_instance(events=["SEND_MESSAGE"], byEvents=True)
        await rig.post("/message/sendText/evs-1", TEXT)

    rig = play(scene)
    assert [str(request.url) for request in rig.requests] == [f"{HOOK}/send-message"]
    assert rig.hooks[0]["destination"] == HOOK


def test_a_jwt_key_becomes_a_bearer_token():
    async def scene(rig: Rig) -> None:
        await rig.open_instance(events=["SEND_MESSAGE"], headers={"jwt_key": "k", "x-a": "b"})
        await rig.post("/message/sendText/evs-1", TEXT)

    request = play(scene).requests[0]
    assert request.headers["x-a"] == "b"
    assert "jwt_key" not in request.headers
    signed, _, mark = request.headers["authorization"].removeprefix("Bearer ").rpartition(".")
    wanted = hmac.new(b"k", signed.encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64encode(wanted).rstrip(b"=").decode() == mark
    claims = orjson.loads(base64.urlsafe_b64decode(signed.split(".")[1] + "=="))
    assert claims["exp"] - claims["iat"] == 600


def test_media_bytes_ride_along_when_base64_is_on():
    async def scene(rig: Rig) -> None:
        await rig.open_instance(base64=True)
        for kind in ("image", "audio", "document", "sticker"):
            await rig.post("/_sim/emit", {"instance": "evs-1", "kind": kind})

    found = [hook["data"]["message"] for hook in message_hooks(play(scene))]
    marks = [base64.b64decode(message["base64"])[:4] for message in found]
    assert sorted(marks) == sorted([b"\xff\xd8\xff\xe0", b"OggS", b"%PDF", b"RIFF"])


def test_drop_duplicate_and_reorder():
    async def scene(rig: Rig) -> None:
        await rig.open_instance(events=["MESSAGES_UPSERT"])
        for kind, text in (("drop", "a"), ("duplicate", "b"), ("reorder", "c")):
            fault = {"kind": kind, "count": 1, "instance": "evs-1"}
            assert (await rig.post("/_sim/faults", fault))[0] == 201
            await rig.post("/_sim/emit", {"instance": "evs-1", "text": text})
            await rig.sim.settle()
        await rig.post("/_sim/emit", {"instance": "evs-1", "text": "d"})

    rig = play(scene)
    assert [hook["data"]["message"]["conversation"] for hook in message_hooks(rig)] == [
        "b",
        "b",
        "d",
        "c",
    ]
    assert rig.sim.journal.webhooks["dropped"] == 1


@pytest.mark.parametrize(("kind", "code"), [("logout", 401), ("ban", 403)])
def test_the_end_of_a_session_is_told_three_times(kind: str, code: int):
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        rig.hooks.clear()
        await rig.post("/_sim/faults", {"kind": kind, "instance": "evs-1"})
        status, body = await rig.post("/message/sendText/evs-1", TEXT)
        assert status == 500
        assert body["response"]["message"] == "Connection Closed"

    rig = play(scene)
    assert Counter(hook["event"] for hook in rig.hooks) == {
        "status.instance": 1,
        "logout.instance": 1,
        "connection.update": 1,
    }
    assert rig.events("connection.update")[0]["data"]["statusReason"] == code


def test_another_phone_may_pair_under_the_same_name():
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        await rig.post("/_sim/faults", {"kind": "logout", "instance": "evs-1"})
        await rig.call("GET", "/instance/connect/evs-1")
        await rig.post("/_sim/pair", {"instance": "evs-1", "number": "5511900007777"})

    opened = [hook for hook in play(scene).hooks if hook["data"] and hook["data"].get("wuid")]
    assert opened[-1]["data"]["wuid"] == "5511900007777@s.whatsapp.net"


def test_an_accepted_send_is_echoed_and_confirmed_once_each():
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        await rig.post("/message/sendText/evs-1", TEXT)

    rig = play(scene)
    assert len(rig.events("send.message")) == 1
    statuses = [hook["data"]["status"] for hook in rig.events("messages.update")]
    assert Counter(statuses) == {"SERVER_ACK": 1, "DELIVERY_ACK": 1, "READ": 1}


def test_a_wrong_number_is_not_on_whatsapp():
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        await rig.post("/_sim/faults", {"kind": "wrong_number", "numbers": ["5511900001234"]})
        assert (await rig.post("/message/sendText/evs-1", TEXT))[0] == 400

    assert play(scene).sim.journal.serial == 0


def test_live_traffic_starts_and_stops():
    async def scene(rig: Rig) -> None:
        await rig.open_instance(VERTICAL_LINES[0].instance)
        _, shown = await rig.post("/_sim/traffic", {"rate": 3000})
        assert shown["running"]
        for _ in range(1200):
            await asyncio.sleep(0.05)
            if rig.sim.traffic.posted > 10:
                break
        _, shown = await rig.post("/_sim/traffic", {"running": False})
        assert not shown["running"]
        assert shown["posted"] > 10

    rig = play(scene)
    assert message_hooks(rig)


def test_live_receipts_speak_of_messages_that_were_posted():
    world = World(4, 40)
    told = 0
    for index in range(40):
        line, person, die = world.line_of(index), world.person(index), dice("live", index)
        turns = script.attendance(die, line, person)
        scene = Attendance(die, Bodies(line, "2.3.7"), person, 1_000.0, first=False)
        kept = [body["data"] for _, body in still_to_come(scene.play(turns), 1_200.0)]
        known = {data["key"]["id"] for data in kept if "message" in data and "key" in data}
        spoken = {data["keyId"] for data in kept if "keyId" in data}
        told += len(spoken)
        assert spoken <= known
    assert told > 50


def test_customers_answer_when_asked_to():
    async def scene(rig: Rig) -> None:
        person = rig.sim.world.person(3)
        await rig.open_instance()
        await rig.post("/message/sendText/evs-1", {"number": person.phone, "text": "Oi"})

    rig = play(scene, reply_share=1.0)
    assert any(not hook["data"]["key"]["fromMe"] for hook in rig.events("messages.upsert"))


def test_history_comes_in_one_event_with_its_progress():
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        await rig.post("/_sim/emit", {"instance": "evs-1", "kind": "history", "progress": 40})

    (body,) = play(scene).events("messages.set")
    assert body["progress"] == 40
    assert body["isLatest"] is False
    assert len(body["data"]) > 5


def test_an_unknown_fault_or_scene_is_a_clear_error():
    async def scene(rig: Rig) -> None:
        await rig.open_instance()
        status, body = await rig.post("/_sim/faults", {"kind": "gremlin"})
        assert status == 400
        assert "known" in body["response"]["message"][0]
        status, body = await rig.post("/_sim/emit", {"instance": "evs-1", "kind": "smoke"})
        assert status == 400

    play(scene)
