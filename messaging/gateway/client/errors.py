"""What a server's refusals say, out of every shape in which they come."""

import re
from collections.abc import Iterator
from typing import Any

from messaging.ingest.envelope.scalars import clean_text

_DEEPEST = 6
_MOST_PARTS = 12
_LONGEST_PART = 140
LONGEST_DETAIL = 300
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
# Addresses, links, numbers of five digits and more, and whatever looks like a key.
_PRIVATE = re.compile(
    r"https?://\S+|\S+@\S+|\+?\d[\d ().-]{3,}\d|\b(?=\w*\d)[\w+/-]{16,}={0,2}|\b\w{32,}"
)
# (pattern, code): what a message says whatever the status that it came with.
_WORDS = (
    (re.compile(r"instance.* does not exist", re.IGNORECASE), "missing_instance"),
    (re.compile(r"already in use", re.IGNORECASE), "name_taken"),
    (re.compile(r"reading 'onWhatsApp'"), "never_connected"),
    (re.compile(r"is not connected|Connection Closed", re.IGNORECASE), "not_connected"),
    (re.compile(r"not available on WhatsApp Business", re.IGNORECASE), "unsupported"),
    (re.compile(r"^Cannot (GET|POST|PUT|DELETE) /"), "unsupported"),
    (
        re.compile(r"bad decrypt|Unsupported state or unable to authenticate", re.IGNORECASE),
        "bad_decrypt",
    ),
    (re.compile(r"not of the media type", re.IGNORECASE), "not_media"),
    (re.compile(r"message not found|not found", re.IGNORECASE), "not_found"),
    (re.compile(r"requires property|is not one of enum|does not meet m", re.IGNORECASE), "invalid"),
)


class EvolutionError(Exception):
    """A call that is not a send failed; `code` is ours, `detail` carries no numbers and no keys."""

    def __init__(
        self,
        code: str,
        *,
        http_status: int | None = None,
        detail: str = "",
        can_retry: bool = False,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.http_status = http_status
        self.detail = detail
        # Whether the same call may succeed later without anybody changing anything.
        self.can_retry = can_retry


def messages_of(body: Any) -> list[str]:
    """Return every text of an error body: `response.message` nests, or is missing altogether."""
    found: list[str] = []
    for text in _texts(_message(body), 0):
        found.append(text)
        if len(found) == _MOST_PARTS:
            break
    return found


def detail_of(body: Any) -> str:
    """Return what the server said in short: first lines only, because traces quote contents."""
    parts = [_first_line(clean_text(text))[:_LONGEST_PART] for text in messages_of(body)]
    return _PRIVATE.sub("…", "; ".join(part for part in parts if part))[:LONGEST_DETAIL]


def word_of(body: Any) -> str:
    """Return our code for what an error body says; "" when it says nothing that is known."""
    if isinstance(body, dict) and body.get("code") == "LICENSE_REQUIRED":
        return "license_required"
    if is_off_whatsapp(body):
        return "not_on_whatsapp"
    if is_validation(body):
        return "invalid"
    for text in messages_of(body):
        for pattern, code in _WORDS:
            if pattern.search(text):
                return code
    return ""


def is_off_whatsapp(body: Any) -> bool:
    """Tell whether the number check said that nobody is there: `[{"exists": false, …}]`."""
    message = _message(body)
    return isinstance(message, list) and any(
        isinstance(one, dict) and one.get("exists") is False for one in message
    )


def is_validation(body: Any) -> bool:
    """Tell whether the body was refused before anything was done: an array INSIDE an array."""
    message = _message(body)
    return (
        isinstance(message, list)
        and bool(message)
        and all(
            isinstance(inner, list) and bool(inner) and all(isinstance(one, str) for one in inner)
            for inner in message
        )
    )


def _message(body: Any) -> Any:
    if not isinstance(body, dict):
        return body if isinstance(body, str) else None
    response = body.get("response")
    if isinstance(response, dict) and "message" in response:
        return response["message"]
    return body.get("message")


def _texts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict) and depth < _DEEPEST:
        # {"message": …} inside; other values are data (a JID, a number), not words.
        yield from _texts(value.get("message"), depth + 1)
    elif isinstance(value, list) and depth < _DEEPEST:
        for one in value:
            yield from _texts(one, depth + 1)


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return _CONTROL.sub(" ", lines[0]).strip() if lines else ""
