"""Any JSON under any status: classified, never an exception, and nothing private in words."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging.gateway.client import answers
from messaging.gateway.client.classify import of_answer
from messaging.gateway.client.errors import (
    LONGEST_DETAIL,
    EvolutionError,
    detail_of,
    messages_of,
    word_of,
)
from messaging.gateway.client.transport import error_of, parse

WORDS = st.sampled_from(
    [
        "key", "id", "remoteJid", "message", "response", "code", "error", "exists", "instance",
        "messageTimestamp", "low", "high", "LICENSE_REQUIRED", "Connection Closed", "qrcode",
        "error_data", "records", "messages", "base64", "webhook", "headers", "events", "hash",
    ]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | WORDS
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=25,
)
REFUSALS = st.builds(lambda said: {"response": {"message": said}}, ANYTHING)
KLASSES = {"accepted", "not_sent", "permanent", "unknown"}
patient = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


@patient
@given(
    status=st.integers(100, 599), body=ANYTHING | REFUSALS, kind=st.sampled_from(["text", "edit"])
)
def test_any_answer_to_a_send_is_classified(status: int, body: Any, kind: str) -> None:
    outcome = of_answer(kind, status, body)

    assert outcome.klass in KLASSES
    assert len(outcome.code) <= 40
    assert len(outcome.detail) <= LONGEST_DETAIL
    if outcome.klass == "accepted" and kind == "text":
        assert outcome.provider_id
        assert 200 <= status < 300
    if outcome.klass != "accepted":
        assert outcome.code


@patient
@given(body=ANYTHING | REFUSALS, status=st.integers(300, 599))
def test_any_refusal_is_put_in_words(body: Any, status: int) -> None:
    assert all(isinstance(text, str) for text in messages_of(body))
    assert isinstance(word_of(body), str)
    assert error_of(status, body).code


@patient
@given(body=ANYTHING)
@pytest.mark.parametrize(
    "read",
    [
        answers.connect_answer,
        answers.created_instance,
        answers.remote_instances,
        answers.remote_webhook,
        answers.settings_of,
        answers.number_answers,
        answers.messages_page,
        answers.media_answer,
    ],
)
def test_readers_take_any_answer(read: Any, body: Any) -> None:
    # Anything but our own refusal fails the test.
    with suppress(EvolutionError):
        read(body)


@patient
@given(raw=st.binary(max_size=200))
def test_any_bytes_are_parsed_or_are_none(raw: bytes) -> None:
    parse(raw)


def test_depth_is_no_weapon() -> None:
    deep = b'{"response":{"message":' + b"[" * 100_000 + b"]" * 100_000 + b"}}"

    assert of_answer("text", 400, parse(deep)).klass == "unknown"
    nested: Any = "Error: deep"
    for _ in range(200):
        nested = [nested]
    assert detail_of({"response": {"message": nested}}) == ""


def test_words_carry_no_numbers_no_keys_and_no_contents() -> None:
    said = [
        "Error: number 5511900001234 and +55 (11) 90000-1234 failed",
        "5511900001234@s.whatsapp.net unreachable at https://evo.example/x?apikey=abc",
        "token B3844804-481D-47A4-B69C-F14B4206EB56",
        "Invalid `prisma.message.create()` invocation:\n\n data: {conversation: 'segredo'}",
    ]
    shown = detail_of({"response": {"message": said}})

    for secret in ("90000", "5511", "s.whatsapp", "apikey", "B3844804", "segredo"):
        assert secret not in shown
    assert "Error: number" in shown
    assert json.loads(json.dumps(shown)) == shown
