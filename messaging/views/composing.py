"""What the composer of a thread shows, and how its form is read."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _

from evosense.core.errors import Invalid
from messaging.models import Conversation, Message, Upload
from messaging.selectors.bubbles import Bubble, bubbles, shown
from messaging.selectors.conversations import ConversationRow
from messaging.services.drafts import Attached, Draft, draft_of
from messaging.services.media import media_link
from messaging.services.sending import sending_refusal
from messaging.views.bubbles import TYPE_ICONS, type_words
from messaging.views.common import may, sees_numbers, user_id

# The ones that people use most, by what they are for; WhatsApp shows them natively.
_EMOJI = (
    "😀 😃 😄 😁 😅 😂 🙂 😉 😊 😍 😘 😋 😎 🤔 😐 😴 😮 😢 😭 😡 🙄 😬 🤝 🥳",
    "👍 👎 👌 ✌️ 🙏 👏 💪 🙌 👋 👉 👇 🤞",
    "❤️ 🧡 💚 💙 💔 🔥 ⭐ ✨ 🎉 🎁 🎂 💐",
    "✅ ❌ ⚠️ ❓ ❗ ⏰ 📅 📍 📞 📧 📦 🚚 🚗 🏠 🛒 💰 💳 🧾 🔧 📎 📷 🔒 ☀️ ☕",
)
EMOJI = [group.split() for group in _EMOJI]
QUICK = ("👍", "❤️", "😂", "😮", "😢", "🙏")


@dataclass(frozen=True)
class Chip:
    """An uploaded file in the composer, with the value that names it in the form."""

    value: str
    name: str
    icon: str
    size: int
    seconds: int | None
    listen_url: str


@dataclass(frozen=True)
class QuoteChip:
    """The message that is being answered."""

    id: UUID
    who: str
    words: str
    icon: str


@dataclass(frozen=True)
class ComposerView:
    """The composer as it is drawn. `refusal` says why nothing can be sent now."""

    draft: Draft
    chips: list[Chip] = field(default_factory=list)
    quote: QuoteChip | None = None
    refusal: str = ""
    error: str = ""


def composer_view(
    request: HttpRequest, row: ConversationRow, draft: Draft | None = None, error: str = ""
) -> ComposerView | None:
    """Return the composer with the kept draft, or the given one; None for who only reads."""
    if not may(request, "conversations.reply"):
        return None
    draft = draft or draft_of(row.pk, user_id(request))
    quoted = find_bubble(request, row, draft.quoted) if draft.quoted else None
    return ComposerView(
        draft=draft,
        chips=_chips(draft, user_id(request)),
        quote=quote_chip(quoted) if quoted else None,
        refusal=refusal_of(row),
        error=error,
    )


def refusal_of(row: ConversationRow) -> str:
    """Return in words why nothing can be sent here now, '' when it can."""
    if row.kind == Conversation.Kind.BROADCAST:
        return _("Broadcast lists can only be written to from the phone.")
    refusal = sending_refusal(row.connection.id)
    return str(refusal.message) if refusal else ""


def find_bubble(request: HttpRequest, row: ConversationRow, message_id: UUID) -> Bubble | None:
    """Return a message of this conversation with everything that hangs on it."""
    rows = shown(Message.objects.filter(conversation_id=row.pk, public_id=message_id))
    found = rows.first()
    return bubbles([found], show_numbers=sees_numbers(request))[0] if found else None


def quote_chip(bubble: Bubble) -> QuoteChip:
    message = bubble.message
    return QuoteChip(
        id=bubble.id,
        who=_("You") if bubble.is_self else bubble.author_name,
        words=message.text[:160] or type_words(message.type, message.subtype),
        icon="" if message.type == Message.Type.TEXT else TYPE_ICONS.get(message.type, "help"),
    )


def chip_of(upload: Upload, *, is_voice: bool) -> Chip:
    is_sound = is_voice or upload.kind == "audio"
    return Chip(
        value=str(Attached(upload.public_id, is_voice)),
        name=_("Voice message") if is_voice else upload.name or type_words(upload.kind),
        icon="mic" if is_voice else TYPE_ICONS.get(upload.kind, "file"),
        size=upload.size,
        seconds=upload.seconds,
        listen_url=media_link(upload) if is_sound else "",
    )


def read_draft(data: Any) -> Draft:
    """Read the composer's form; raises Invalid for an id or key that is none."""
    found = (Attached.of(one) for one in data.getlist("uploads"))
    return Draft(
        key=key_of(data),
        # Browsers send line breaks as two characters.
        text=data.get("text", "").replace("\r\n", "\n").replace("\x00", ""),
        uploads=tuple(one for one in found if one),
        quoted=_uuid(data.get("quoted", "")),
    )


def key_of(data: Any) -> UUID:
    """Return the one-time key of a form; raises Invalid for a form that has none."""
    found = _uuid(data.get("key", ""))
    if found is None:
        raise Invalid("required", _("Reload the page and send it again."), field="key")
    return found


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _chips(draft: Draft, person: int) -> list[Chip]:
    if not draft.uploads:
        return []
    own = Upload.objects.filter(actor_user_id=person, used_at=None)
    found = own.in_bulk([one.id for one in draft.uploads], field_name="public_id")
    return [
        chip_of(found[one.id], is_voice=one.is_voice) for one in draft.uploads if one.id in found
    ]
