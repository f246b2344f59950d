"""Bodies that nobody honest sends: nothing escapes, and the good ones beside them are stored."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging.ingest.envelope import KNOWN_EVENTS, parse
from messaging.ingest.envelope.facts import ItemError, MessageFact
from messaging.models import Message
from messaging.tests.ingest.rig import INSTANCE, MANIFEST, START, body_of, deliver, make_lines, work

NOW = datetime(2025, 11, 16, tzinfo=UTC)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["5511900001234@s.whatsapp.net", "1@lid", "\x00", "\ud83d", "status@broadcast"]
    )
)
words = st.sampled_from(
    [
        *("key", "id", "remoteJid", "fromMe", "participant", "message", "conversation", "status"),
        *("editedMessage", "protocolMessage", "type", "timestampMs", "reactionMessage", "keyId"),
        *(
            "contextInfo",
            "imageMessage",
            "pollUpdates",
            "name",
            "voters",
            "pushName",
            "low",
            "high",
        ),
        *("messageTimestamp", "participants", "qrcode", "state", "labelId", "chatId", "from"),
        *("ephemeralMessage", "vcard", "options", "base64", "fileLength", "messageStubType"),
    ]
)
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=6)
)


@settings(max_examples=600, deadline=None)
@given(event=st.sampled_from(sorted(KNOWN_EVENTS)) | st.text(max_size=12), data=trees)
def test_no_body_raises(event, data):
    body = {"event": event, "instance": INSTANCE, "data": data, "sender": "x"}
    envelope = parse(json.dumps(body).encode(), NOW)
    assert isinstance(envelope.facts, tuple)
    for fact in envelope.facts:
        if isinstance(fact, MessageFact):
            fact.content.text.encode()
            assert "\x00" not in fact.content.text


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_raise(raw):
    assert parse(raw, NOW) is not None


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from([row["file"] for row in MANIFEST if "084" not in row["file"]]),
    cut=st.floats(0, 1),
)
def test_no_truncated_body_raises(name, cut):
    raw = body_of(name)
    parse(raw[: int(len(raw) * cut)], NOW)


def wrapped(depth, inner):
    message = inner
    for _ in range(depth):
        message = {"ephemeralMessage": {"message": message}}
    return message


def upsert(message, **over):
    key = {"remoteJid": "5511900001234@s.whatsapp.net", "fromMe": False, "id": "X1"}
    data = {"key": key, "message": message, "messageTimestamp": 1763200000, **over}
    return json.dumps({"event": "messages.upsert", "instance": INSTANCE, "data": data}).encode()


def only(raw):
    (fact,) = [fact for fact in parse(raw, NOW).facts if isinstance(fact, MessageFact)]
    return fact


@pytest.mark.parametrize(("depth", "kind"), [(1, "text"), (5, "text"), (6, "unsupported")])
def test_wrappers_are_opened_five_deep(depth, kind):
    assert only(upsert(wrapped(depth, {"conversation": "oi"}))).content.type == kind


def test_very_deep_nesting_is_broken_and_does_not_overflow():
    raw = b'{"event":"messages.upsert","data":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    assert parse(raw, NOW).problems == ("broken",)


def test_nul_and_surrogate_halves_are_cleaned():
    raw = upsert({"conversation": "a"}).replace(b'"a"', b'"a\\u0000b\\ud83d"')
    assert only(raw).content.text == "ab\ufffd"


def test_not_a_number_infinite_and_huge_integers():
    raw = upsert({"conversation": "a"}, messageTimestamp=0).replace(
        b'"messageTimestamp": 0', b'"messageTimestamp": NaN, "z": ' + b"9" * 5_000
    )
    assert parse(raw, NOW).problems == ("broken",)
    raw = upsert({"conversation": "a"}).replace(b"1763200000", b"Infinity")
    assert only(raw).occurred_at_estimated


def test_list_with_one_bad_item_gives_the_others():
    body = json.loads(upsert({"conversation": "a"}))
    body["data"] = [body["data"], None, {"key": 7}, {"key": {"id": "q"}}]
    facts = parse(json.dumps(body).encode(), NOW).facts
    assert [type(fact) for fact in facts] == [MessageFact, ItemError, ItemError, ItemError]


@pytest.mark.timeout(60)
def test_five_megabytes_of_text_and_odd_types_are_stored_beside_others(tenant):
    line = make_lines()[INSTANCE]
    deliver(line, upsert({"conversation": "palavra " * 650_000}))
    deliver(line, upsert({"conversation": 5, "imageMessage": []}, pushName={"a": 1}), START)
    for number, message in enumerate(
        ({"conversation": "\U0001f600" * 10}, {"locationMessage": {"degreesLatitude": 1e400}})
    ):
        raw = upsert(message).replace(b'"X1"', b'"Y%d"' % number)
        deliver(line, raw)
    assert work() == 4
    assert Message.objects.count() == 3
    assert len(Message.objects.get(provider_id="X1").text) > 5_000_000


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.lists(st.tuples(st.sampled_from(sorted(KNOWN_EVENTS)), trees), max_size=8))
def test_no_hostile_batch_fails_in_the_database(tenant, data):
    from messaging.models import Connection

    found = Connection.objects.filter(instance=INSTANCE).first()
    line = found.public_id if found else make_lines()[INSTANCE]
    for event, tree in data:
        body = {"event": event, "instance": INSTANCE, "data": tree}
        deliver(line, json.dumps(body).encode())
    work()
    with_errors = _failed()
    assert not with_errors


def _failed():
    from evosense.core.schema import database_cursor

    with database_cursor() as cursor:
        cursor.execute("SELECT error_message FROM public.webhook_events WHERE attempts > 0")
        return cursor.fetchall()
