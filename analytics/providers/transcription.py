"""Asking a model for the words of a recording. Call it outside transactions.

One request: tries and pauses are the queue's, because a recording may be paid for each time.
"""

import secrets
from dataclasses import dataclass
from typing import Any

from analytics.providers import breaker, client, limits, rests
from analytics.providers.attempts import Attempt
from analytics.providers.breaker import Gate
from analytics.providers.client import Reply
from analytics.providers.failures import FINAL, OF_EVERYBODY, OF_THE_SERVER
from analytics.providers.limits import Permit
from analytics.providers.plain import plain
from analytics.providers.refs import ProviderRef

__all__ = ["TranscriptOutcome", "transcribe"]

LONGEST_ANSWER = 1024 * 1024
LONGEST_TRANSCRIPT = 20_000
# What cannot be done for one recording is not tried with the next at once.
REST_SECONDS = 60.0
# A server that hangs would hold a worker for each recording.
HANGING_REST_SECONDS = 300.0
_PATIENCE = 10.0
# Servers know the format by the name's ending; the customer's own name for it stays here.
_ENDINGS = {
    "audio/ogg": "ogg",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
    "audio/amr": "amr",
    "audio/wav": "wav",
    "audio/webm": "webm",
}


@dataclass(frozen=True, slots=True)
class TranscriptOutcome:
    """`text` "" for a recording in which nobody speaks; None, and a code of ours, otherwise.

    Without an attempt nobody was asked: the provider rests, or its limits are used up.
    """

    text: str | None
    error: str = ""
    attempt: Attempt | None = None
    retry_after: float | None = None


def transcribe(ref: ProviderRef, sound: bytes, *, mime: str, seconds: float) -> TranscriptOutcome:
    """Ask once for the words of `sound`; never raises for what the provider does."""
    resting = rests.left(_rest_key(ref))
    if resting > 0:
        return TranscriptOutcome(None, "breaker_open", retry_after=resting)
    gate = breaker.gate(ref, ref.transcription_model)
    if not gate.is_open:
        return TranscriptOutcome(None, "breaker_open", retry_after=gate.wait_seconds or None)
    permit = limits.wait_for(ref, 0, _PATIENCE)
    if permit.wait_seconds > 0:
        if gate.is_trial:
            breaker.hand_back(ref)
        return TranscriptOutcome(None, "rate_limited", retry_after=permit.wait_seconds)
    body, content_type = _form(ref.transcription_model, sound, mime)
    reply = client.post_form(
        ref,
        "audio/transcriptions",
        body,
        content_type=content_type,
        seconds=seconds,
        longest=LONGEST_ANSWER,
    )
    _tell(ref, gate, permit, reply)
    return _read(reply)


def _form(model: str, sound: bytes, mime: str) -> tuple[bytes, str]:
    """Return the fields as multipart/form-data (RFC 7578), and their content type."""
    boundary = secrets.token_hex(24)
    kind = mime.split(";", maxsplit=1)[0].strip().lower()
    kind = kind if kind in _ENDINGS else "application/octet-stream"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="'
    fields = "".join(
        f'{head}{name}"\r\n\r\n{value}\r\n'
        for name, value in (("model", model), ("response_format", "json"))
    )
    file = f'file"; filename="recording.{_ENDINGS.get(kind, "ogg")}"\r\nContent-Type: {kind}'
    parts = (f"{fields}{head}{file}\r\n\r\n".encode(), sound, f"\r\n--{boundary}--\r\n".encode())
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"


def _tell(ref: ProviderRef, gate: Gate, permit: Permit, reply: Reply) -> None:
    """Let limits and breaker know what came of it.

    Only what would happen to every question gives everybody a rest: a model for sound that is
    missing, or slow, must not stop the judging of texts.
    """
    limits.leave(
        ref,
        permit,
        used_tokens=0,
        is_good=not reply.error,
        is_limited=reply.error == "rate_limited",
        headers=reply.headers,
        pause_seconds=reply.retry_after or 0.0,
    )
    model = ref.transcription_model
    if not reply.error:
        breaker.note_success(ref, is_trial=gate.is_trial, model=model)
    elif reply.error in OF_EVERYBODY:
        breaker.note_failure(ref, reply.error, is_trial=gate.is_trial, model=model)
    elif gate.is_trial:
        breaker.hand_back(ref)
    if reply.error in FINAL | OF_THE_SERVER:
        is_slow = reply.error == "timed_out"
        rests.begin(_rest_key(ref), HANGING_REST_SECONDS if is_slow else REST_SECONDS)


def _read(reply: Reply) -> TranscriptOutcome:
    text = reply.data.get("text") if isinstance(reply.data, dict) and not reply.error else None
    error = reply.error or ("" if isinstance(text, str) else "invalid_answer")
    # Of the answer; the word is taken for recordings.
    error = "invalid_answer" if error == "too_large" else error
    attempt = Attempt(
        http_status=reply.status,
        error=error,
        latency_ms=reply.latency_ms,
        model_returned=_model_in(reply.data),
    )
    if error:
        return TranscriptOutcome(None, error, attempt, reply.retry_after)
    # Text columns refuse NUL.
    words = str(text).replace("\x00", "").strip()[:LONGEST_TRANSCRIPT]
    return TranscriptOutcome(words, "", attempt)


def _model_in(data: Any) -> str:
    return plain(data.get("model") if isinstance(data, dict) else None, 120)


def _rest_key(ref: ProviderRef) -> str:
    return f"{ref.memory_of(ref.transcription_model)}:sound"
