"""Find what a message says: the content key, its wrappers, its text, media and context."""

from collections.abc import Callable
from typing import Any

from messaging.ingest.envelope.cards import (
    contact_card,
    contact_cards,
    group_invite,
    interactive,
    list_reply,
    location,
    order,
    payment,
    poll,
    product,
    reply,
    response,
)
from messaging.ingest.envelope.facts import Content, Quote
from messaging.ingest.envelope.jids import norm_jid
from messaging.ingest.envelope.media import media_of
from messaging.ingest.envelope.scalars import as_list, as_map, text_of, to_int

DEPTH_LIMIT = 5
Reader = Callable[[dict[str, Any]], dict[str, Any]]

SIBLINGS = frozenset(
    {
        "messageContextInfo",
        "contextInfo",
        "base64",
        "mediaUrl",
        "speechToText",
        "senderKeyDistributionMessage",
        "fastRatchetKeySenderKeyDistributionMessage",
    }
)
_VIEW_ONCE = frozenset({"viewOnceMessage", "viewOnceMessageV2", "viewOnceMessageV2Extension"})
WRAPPERS = _VIEW_ONCE | {
    "ephemeralMessage",
    "documentWithCaptionMessage",
    "editedMessage",
    "deviceSentMessage",
    "groupMentionedMessage",
    "botInvokeMessage",
    "lottieStickerMessage",
    "associatedChildMessage",
    "groupStatusMessage",
    "groupStatusMessageV2",
    "statusMentionMessage",
    "groupStatusMentionMessage",
    "pollCreationMessageV4",
    "questionMessage",
    "limitSharingMessage",
    "spoilerMessage",
    "eventCoverImage",
    "pollCreationOptionImageMessage",
}
_TEMPLATES = (
    "hydratedTemplate",
    "hydratedFourRowTemplate",
    "fourRowTemplate",
    "interactiveMessageTemplate",
)

# Content that is an effect on another message, or housekeeping between devices: never a bubble.
EFFECTS = frozenset(
    {
        "reactionMessage",
        "pollUpdateMessage",
        "protocolMessage",
        "secretEncryptedMessage",
        "pinInChatMessage",
        "keepInChatMessage",
        "encReactionMessage",
        "encEventResponseMessage",
        "encCommentMessage",
        "stickerSyncRmrMessage",
        "messageHistoryBundle",
        "messageHistoryNotice",
        "call",
        "chat",
    }
)

Found = tuple[str, Any, frozenset[str]]


def unwrap_content(message: dict[str, Any]) -> Found:
    """Return (content key, its value, wrappers passed), looking through at most five wrappers."""
    passed: set[str] = set()
    for _ in range(DEPTH_LIMIT + 1):
        key, value = _content_key(message)
        inner = _inner(key, value)
        if inner is None:
            return key, value, frozenset(passed)
        passed.add(key)
        message = inner
    return "", None, frozenset(passed)


def _content_key(message: dict[str, Any]) -> tuple[str, Any]:
    """Choose the content key; an empty ``conversation`` gives way to anything else."""
    spare: tuple[str, Any] = ("", None)
    for key, value in message.items():
        if key in SIBLINGS or value is None:
            continue
        if (key == "conversation" and not value) or not _is_known(key):
            spare = spare if spare[0] else (key, value)
            continue
        return key, value
    return spare


def _is_known(key: str) -> bool:
    return key in _READERS or key in WRAPPERS or key in EFFECTS or key in _TEXT_KEYS


def _inner(key: str, value: object) -> dict[str, Any] | None:
    if key not in WRAPPERS or not isinstance(value, dict):
        return None
    inner = value.get("message")
    return inner if isinstance(inner, dict) else None


def content_type_and_text(
    message: dict[str, Any],
    *,
    outer_context: object = None,
    message_type: str = "",
    found: Found | None = None,
) -> Content:
    """Read a message body into a Content; an unknown body becomes an upgradeable placeholder.

    `found` is what `unwrap_content` said of the body, where that is known already.
    """
    key, value, passed = found or unwrap_content(message)
    contexts = _contexts(value, message, outer_context)
    fields = _fields(key, value, message_type)
    if "associatedChildMessage" in passed:
        fields.setdefault("subtype", "album_item")
    media = media_of(key, value, message)
    if media is not None and fields["type"] == "video" and media.is_gif:
        fields["subtype"] = "gif"
    is_once = isinstance(value, dict) and value.get("viewOnce") is True
    return Content(
        media=media,
        view_once=is_once or bool(passed and passed & _VIEW_ONCE),
        **_context_fields(contexts),
        **fields,
    )


def _context_fields(contexts: list[dict[str, Any]]) -> dict[str, Any]:
    if not contexts:
        return {}
    score = _first(contexts, "forwardingScore", to_int) or 0
    is_forwarded = _first(contexts, "isForwarded", lambda flag: flag is True or None)
    expires = _first(contexts, "expiration", to_int) or 0
    return {
        "expires_in": expires if 0 < expires < 2**31 else None,
        "forwarding_score": min(max(score, 1 if is_forwarded else 0), 32000),
        "quote": _quote(contexts),
        "mentions": _mentions(contexts),
        "ad": _ad(contexts),
    }


def _fields(key: str, value: Any, message_type: str) -> dict[str, Any]:
    if key == "albumMessage":
        return {"type": "unsupported", "subtype": "album", "is_hidden": True}
    if not key or key == "placeholderMessage":
        return {"type": "unsupported", "subtype": "unknown", "is_placeholder": True}
    if key in _TEXT_KEYS:
        return _text(key, value, message_type)
    reader = _READERS.get(key)
    if reader is None or not isinstance(value, dict):
        return {"type": "unsupported", "subtype": key[:64]}
    return reader(value)


_TEXT_KEYS = frozenset({"conversation", "extendedTextMessage"})
# The Cloud bridge flattens replies into text and keeps only the name of what they were.
_CLOUD_REPLIES = {"interactiveMessage": "interactive", "buttonMessage": "button"}


def _text(key: str, value: Any, message_type: str) -> dict[str, Any]:
    text = text_of(value) if key == "conversation" else text_of(as_map(value).get("text"))
    if key == "conversation" and message_type in _CLOUD_REPLIES:
        return {"type": "interactive_reply", "subtype": _CLOUD_REPLIES[message_type], "text": text}
    extra = _link(value) if key == "extendedTextMessage" else {}
    return {"type": "text", "text": text, "extra": {"link": extra} if extra else {}}


def _link(value: object) -> dict[str, str]:
    link = as_map(value)
    return {
        name: link[name][:2000]
        for name in ("matchedText", "title", "description")
        if isinstance(link.get(name), str) and link[name]
    }


def _captioned(kind: str, subtype: str = "") -> Reader:
    def read(value: dict[str, Any]) -> dict[str, Any]:
        return {"type": kind, "subtype": subtype, "text": text_of(value.get("caption"))}

    return read


def _audio(value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "audio", "subtype": "voice" if value.get("ptt") is True else ""}


def _sticker(value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "sticker", "subtype": "animated" if value.get("isAnimated") is True else ""}


def _template(value: dict[str, Any]) -> dict[str, Any]:
    for name in _TEMPLATES:
        if isinstance(value.get(name), dict):
            return interactive("template", value[name])
    return interactive("template", value)


def _interactive(subtype: str) -> Reader:
    return lambda value: interactive(subtype, value)


def _reply(subtype: str, text: str, ident: str) -> Reader:
    return lambda value: reply(subtype, value, text, ident)


_READERS: dict[str, Reader] = {
    "imageMessage": _captioned("image"),
    "videoMessage": _captioned("video"),
    "ptvMessage": lambda _value: {"type": "video", "subtype": "ptv"},
    "audioMessage": _audio,
    "documentMessage": _captioned("document"),
    "stickerMessage": _sticker,
    "locationMessage": lambda value: location("", value),
    "liveLocationMessage": lambda value: location("live", value),
    "contactMessage": contact_card,
    "contactsArrayMessage": contact_cards,
    "pollCreationMessage": poll,
    "pollCreationMessageV2": poll,
    "pollCreationMessageV3": poll,
    "pollCreationMessageV4": poll,
    "pollCreationMessageV5": poll,
    "buttonsMessage": _interactive("buttons"),
    "listMessage": _interactive("list"),
    "templateMessage": _template,
    "highlyStructuredMessage": _template,
    "interactiveMessage": _interactive("interactive"),
    "buttonsResponseMessage": _reply("button", "selectedDisplayText", "selectedButtonId"),
    "templateButtonReplyMessage": _reply("button", "selectedDisplayText", "selectedId"),
    "listResponseMessage": list_reply,
    "interactiveResponseMessage": response,
    "productMessage": product,
    "orderMessage": order,
    "groupInviteMessage": group_invite,
    "requestPaymentMessage": payment,
    "sendPaymentMessage": payment,
    "paymentInviteMessage": payment,
    "declinePaymentRequestMessage": payment,
    "cancelPaymentRequestMessage": payment,
}


def _contexts(value: object, message: dict[str, Any], outer: object) -> list[dict[str, Any]]:
    """Every place where the versions put the context, nearest to the content first."""
    inner = value.get("contextInfo") if isinstance(value, dict) else None
    found = (inner, outer, message.get("contextInfo"))
    return [context for context in found if isinstance(context, dict) and context]


def _first(contexts: list[dict[str, Any]], name: str, read: Callable[[Any], Any]) -> Any:
    for context in contexts:
        found = read(context.get(name))
        if found:
            return found
    return None


def _quote(contexts: list[dict[str, Any]]) -> Quote | None:
    for context in contexts:
        ident = text_of(context.get("stanzaId"))[:255]
        if ident:
            quoted = as_map(context.get("quotedMessage"))
            key, value, _ = unwrap_content(quoted)
            fields = _fields(key, value, "") if key else {"type": "", "text": ""}
            return Quote(
                provider_id=ident,
                author=norm_jid(context.get("participant")),
                type=fields["type"],
                text=fields.get("text", "")[:1000],
            )
    return None


def _mentions(contexts: list[dict[str, Any]]) -> tuple[str, ...]:
    for context in contexts:
        jids = [norm_jid(jid) for jid in as_list(context.get("mentionedJid"))[:1024]]
        found = tuple(jid for jid in jids if jid)
        if found:
            return found
    return ()


_AD_TEXT = (
    "title",
    "body",
    "sourceUrl",
    "sourceId",
    "sourceType",
    "thumbnailUrl",
    "mediaUrl",
    "ctwaClid",
)
_AD_CONTEXT = (
    "ctwaClid",
    "conversionSource",
    "entryPointConversionSource",
    "entryPointConversionApp",
)


def _ad(contexts: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Click-to-WhatsApp attribution, which the first message of a lead carries, often alone."""
    found: dict[str, Any] = {}
    for context in contexts:
        reply_to = as_map(context.get("externalAdReply"))
        for source, names in ((reply_to, _AD_TEXT), (context, _AD_CONTEXT)):
            for name in names:
                text = text_of(source.get(name))[:2000]
                if text:
                    found.setdefault(name, text)
    is_ad = (
        found.get("ctwaClid")
        or found.get("sourceType") == "ad"
        or "entryPointConversionSource" in found
    )
    if not is_ad and not found.get("conversionSource"):
        return None
    return found
