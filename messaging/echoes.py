"""How something of ours is known again when the server tells of it and its answer was lost.

A neutral room: the service that queues, the engine that sends and apply all compute the same.
"""

import hashlib
import secrets
import unicodedata
from uuid import UUID

PLACEHOLDER = "evs:"
# Servers put titles, descriptions and names together in their own ways; the kind must do there.
_WORDLESS = frozenset({"template", "contact", "location", "audio", "sticker"})


def content_hash(message_type: str, text: str) -> bytes:
    """Return what an outgoing message and its echo have in common.

    Of `Message.type` and of the text or caption; line ends and outer white space do not count.
    """
    words = "" if message_type in _WORDLESS else _plain(text)
    return hashlib.sha256(f"{message_type}|{words}".encode()).digest()


def placeholder(public_id: UUID) -> str:
    """Return the id that stands in `Message.provider_id` until the server has told the real one."""
    return f"{PLACEHOLDER}{public_id}"


def is_placeholder(provider_id: str) -> bool:
    return provider_id.startswith(PLACEHOLDER)


def new_message_id() -> str:
    """Return an id as WhatsApp's own clients make them (Baileys `generateMessageIDV2`)."""
    return "3EB0" + secrets.token_hex(9).upper()


def is_of_a_server(provider_id: str) -> bool:
    """Tell whether an id was made by a linked device, as servers are, and not by a phone."""
    return provider_id.startswith(("3EB0", "BAE5", PLACEHOLDER))


def _plain(text: str) -> str:
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    return lines.strip()
