"""From an answer to an outcome: one place for what decides whether a message is sent again.

Evolution wraps everything that fails after it began to send into a 400 (also the storing of a
message that has left), so a 400 proves nothing. What is thrown before that comes in forms of its
own: the number check (`exists: false`), the schema (an array inside an array), and 500 with a bare
text while it looks the number up.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from evosense.core.http import EgressBlocked, EgressError, EgressFailed
from messaging.gateway.client.errors import (
    detail_of,
    is_off_whatsapp,
    is_validation,
    messages_of,
    word_of,
)
from messaging.gateway.client.outcome import Effect, Outcome
from messaging.ingest.envelope.scalars import as_map, clean_text, text_of, to_instant, to_int

# Acts that leave nothing behind when they are done twice; their answers carry no id of their own.
_REPEATABLE = frozenset({"edit", "delete", "read"})
# Thrown while the body is looked at, long before a socket.
_BEFORE_SENDING = (
    ("Owned media must be a url or base64", "bad_media"),
    ("For base64 the file name must be informed", "bad_media"),
    ("Method not available on WhatsApp Business", "kind_unsupported"),
)
# Meta: too much at a time, or a fault of theirs that passes.
_META_PASSING = frozenset({1, 2, 4, 80007, 130429, 131000, 131016, 131048, 131056, 133004, 133016})
_REFUSED: dict[int, tuple[str, Effect]] = {
    401: ("unauthorized", "trip_lane"),
    403: ("unauthorized", "trip_lane"),
    429: ("too_many_requests", "none"),
}
# Not 504 and 524: those are silence, as in `of_failure`.
_PROXY_FAULTS = frozenset({502, 503, 520, 521, 522, 523})


def of_failure(error: EgressError) -> Outcome:
    """Classify a request without an answer: only what was never written is certain."""
    if isinstance(error, EgressBlocked):
        return Outcome("not_sent", f"blocked_{error.code}"[:40], effect="server_down")
    if isinstance(error, EgressFailed) and not error.has_written:
        # Those are our own fault.
        is_ours = error.code in {"too_late", "egress_busy"}
        effect: Effect = "none" if is_ours else "server_down"
        return Outcome("not_sent", error.code, effect=effect)
    # Too much of an answer is an answer; and silence is often that of one instance, which must
    # not cost the others of its server theirs.
    effect = "none" if error.code in {"too_large", "timed_out"} else "server_down"
    return Outcome("unknown", error.code, effect=effect)


def of_answer(kind: str, status: int, body: Any) -> Outcome:
    """Classify an answer; `body` is the parsed JSON, or None when it was none. Never raises."""
    if 200 <= status < 300:
        return _of_success(kind, status, body)
    found = _RULES.get(status, _of_odd)(status, body)
    if found is None and status == 400 and kind in _REPEATABLE:
        # "Message not found", "RemoteJid does not match", too old: said before anything is done.
        return Outcome("permanent", "act_refused", detail_of(body), status)
    return found or Outcome(
        "unknown",
        "server_error" if status >= 500 else "unclear_refusal",
        detail_of(body),
        status,
        effect="server_down" if status in _PROXY_FAULTS else "none",
    )


def _of_success(kind: str, status: int, body: Any) -> Outcome:
    answer = as_map(body)
    key = as_map(answer.get("key"))
    is_act = kind in _REPEATABLE
    # The id in the answer to an act may be the one of the message that it is about.
    provider_id = "" if is_act else clean_text(text_of(key.get("id")))[:255]
    if provider_id or is_act:
        return Outcome(
            "accepted",
            http_status=status,
            provider_id=provider_id,
            remote_jid=clean_text(text_of(key.get("remoteJid")))[:255],
            occurred_at=to_instant(answer.get("messageTimestamp"), datetime.now(UTC)),
        )
    meta = _meta_code(answer)
    if meta is not None:
        return Outcome(
            "permanent",
            f"meta_{meta}"[:40],
            _meta_detail(answer),
            status,
            can_retry=meta in _META_PASSING,
        )
    return Outcome("unknown", "no_message_id", detail_of(body), status)


def _meta_code(answer: dict[str, Any]) -> int | None:
    """Return the code of Meta's error object, which Evolution passes on with a 201."""
    error = as_map(answer.get("error")) or answer
    code = to_int(error.get("code"))
    is_error = any(name in error for name in ("error_data", "fbtrace_id", "type", "message"))
    return code if is_error and code is not None and code >= 0 else None


def _meta_detail(answer: dict[str, Any]) -> str:
    error = as_map(answer.get("error")) or answer
    said = as_map(error.get("error_data")).get("details") or error.get("message")
    return detail_of({"message": said})


def _of_refusal(status: int, body: Any) -> Outcome | None:
    code, effect = _REFUSED[status]
    return Outcome("not_sent", code, detail_of(body), status, effect=effect)


def _of_missing(status: int, body: Any) -> Outcome | None:
    word = word_of(body)
    if word == "missing_instance":
        return Outcome("not_sent", word, detail_of(body), status, effect="trip_lane")
    if word == "unsupported":
        # No such route: this release has no such message.
        return Outcome("permanent", "kind_unsupported", detail_of(body), status)
    return None


def _of_bad_request(status: int, body: Any) -> Outcome | None:
    if is_off_whatsapp(body):
        return Outcome("permanent", "not_on_whatsapp", "", status)
    if is_validation(body):
        return Outcome("permanent", "bad_request", detail_of(body), status)
    for text in messages_of(body):
        for start, code in _BEFORE_SENDING:
            if text.startswith(start):
                return Outcome("permanent", code, detail_of(body), status)
    if word_of(body) == "not_connected":
        # The socket closed before or after the message went into it: nobody can tell.
        return Outcome("unknown", "connection_closed", detail_of(body), status)
    return None


def _of_crash(status: int, body: Any) -> Outcome | None:
    """Tell apart what the number look-up throws, which comes before every send."""
    message = as_map(as_map(body).get("response")).get("message")
    if isinstance(message, str) and message == "Connection Closed":
        return Outcome("not_sent", "not_connected", message, status, effect="hold_lane")
    if isinstance(message, str) and "reading 'onWhatsApp'" in message:
        return Outcome("not_sent", "never_connected", "", status, effect="hold_lane")
    return None


def _of_unavailable(status: int, body: Any) -> Outcome | None:
    if word_of(body) == "license_required":
        return Outcome("not_sent", "license_required", "", status, effect="server_down")
    return None


def _of_size(status: int, body: Any) -> Outcome | None:
    return Outcome("permanent", "too_large", detail_of(body), status)


def _of_odd(status: int, _body: Any) -> Outcome | None:
    if 300 <= status < 400:
        # Not followed: where it leads was not looked at when the server was saved.
        return Outcome("not_sent", "redirected", "", status, effect="server_down")
    return None


_RULES: dict[int, Callable[[int, Any], Outcome | None]] = {
    400: _of_bad_request,
    401: _of_refusal,
    403: _of_refusal,
    404: _of_missing,
    413: _of_size,
    429: _of_refusal,
    500: _of_crash,
    503: _of_unavailable,
}
