"""From a page of bubbles to the lines of a thread: day lines, the unread line, runs of one author.

Pure presentation; it never asks the database, so fifty bubbles cost no more queries than one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from evosense.core.wording import day_words, number_words
from messaging.models import Message
from messaging.selectors.bubbles import Bubble
from messaging.selectors.judged import face_of
from messaging.selectors.outgoing import SendingView
from messaging.views.media_parts import MediaPart

# Bubbles of one author within this time stand close together.
RUN = timedelta(minutes=5)
TYPE_ICONS = {
    "image": "image",
    "video": "play",
    "audio": "mic",
    "document": "file",
    "sticker": "smile",
    "location": "target",
    "contact": "user",
    "poll": "chart",
    "interactive_reply": "reply",
    "order": "card",
    "group_invite": "users",
    "template": "text",
    "unsupported": "help",
    # Not a type of message: what a conversation's preview says of a deleted one.
    "deleted": "ban",
}
PICTURES = frozenset({"photo", "video", "sticker"})
# These print their parts instead of the text that stands for them in lists.
FILES = frozenset({"image", "video", "audio", "document", "sticker"})
STRUCTURED = frozenset({"location", "contact", "poll", "group_invite"})


@dataclass(frozen=True)
class Line:
    """One line of a thread: a day, the unread line or a bubble."""

    kind: str
    key: str
    words: str = ""
    shown: "ShownBubble | None" = None


@dataclass(frozen=True)
class ThreadStyle:
    """What a page of bubbles looks like to this person at this time."""

    now: datetime
    is_group: bool = False
    read_until: datetime | None = None
    unread_count: int = 0
    target: UUID | None = None
    # What became of our own messages, by key; only of those that were sent from here.
    sending: Mapping[int, SendingView] = field(default_factory=dict)
    is_waiting_for_number: bool = False


@dataclass(frozen=True)
class ShownBubble:
    """A bubble with the words and marks of its page."""

    bubble: Bubble
    is_continued: bool
    is_target: bool
    author: str
    extra: Mapping[str, Any] = field(default_factory=dict)
    sending: SendingView | None = None
    is_waiting_for_number: bool = False

    @property
    def message(self) -> Message:
        return self.bubble.message

    @property
    def css(self) -> str:
        message = self.message
        marks = {
            "out": self.bubble.is_self,
            "cont": self.is_continued,
            "phone": message.source == Message.Source.PHONE,
            "auto": message.source in {Message.Source.DISPATCH, Message.Source.FLOW},
            "gone": message.deleted_at is not None,
            "fail": self.is_failed,
            "has-react": bool(self.bubble.reactions),
            "is-target": self.is_target,
        }
        return " ".join(["msg", *(name for name, holds in marks.items() if holds)])

    @property
    def version(self) -> str:
        """Text that changes whenever the bubble must be drawn again."""
        message = self.message
        parts = (
            message.status,
            self.sending.state if self.sending else "",
            self.sending.failure.code if self.sending and self.sending.failure else "",
            self.waits,
            message.type,
            len(message.text),
            _stamp(message.edited_at),
            _stamp(message.deleted_at),
            self.file.version if self.file else "",
            sum(option.votes for option in self.bubble.poll),
            "".join(f"{one.emoji}{one.count}" for one in self.bubble.reactions),
            self.face or "",
        )
        return "|".join(str(part) for part in parts)

    @property
    def face(self) -> int | None:
        """The level 1 to 5 of what was found out; None where there is nothing to see."""
        return None if self.message.deleted_at else face_of(self.message)

    @property
    def icon(self) -> str:
        return TYPE_ICONS.get(self.message.type, "help")

    @property
    def type_words(self) -> str:
        return type_words(self.message.type, self.message.subtype)

    @property
    def text(self) -> str:
        return "" if self.message.type in STRUCTURED else self.message.text

    @property
    def file(self) -> MediaPart | None:
        return MediaPart(self.bubble.media) if self.bubble.media else None

    @property
    def is_without_file(self) -> bool:
        """Say so of a message that is a file of which nothing came."""
        message = self.message
        return self.bubble.media is None and message.type in FILES and not message.view_once

    @property
    def is_picture(self) -> bool:
        return self.file is not None and self.file.shape in PICTURES

    @property
    def quote_words(self) -> str:
        quote = self.bubble.quote
        if quote is None:
            return ""
        if quote.is_deleted:
            return _("Deleted message")
        return quote.text or type_words(quote.type) or _("Quoted message")

    @property
    def quote_icon(self) -> str:
        quote = self.bubble.quote
        return TYPE_ICONS.get(quote.type, "") if quote else ""

    @property
    def reaction_words(self) -> str:
        return "; ".join(
            f"{one.emoji} {', '.join(_reacted(one.is_own, [who.name for who in one.people]))}"
            for one in self.bubble.reactions
        )

    @property
    def options(self) -> list[tuple[str, int, int, str]]:
        """Each option of a poll: text, votes, percent of all votes, who voted."""
        total = sum(option.votes for option in self.bubble.poll)
        return [
            (
                option.text,
                option.votes,
                round(100 * option.votes / total) if total else 0,
                ", ".join(who.name for who in option.voters),
            )
            for option in self.bubble.poll
        ]

    @property
    def media_words(self) -> str:
        return self.file.words if self.file else ""

    @property
    def map_url(self) -> str:
        """A link to a map, made of two numbers; a link that was sent is never used."""
        place = _part(self.extra, "location")
        latitude, longitude = place.get("latitude"), place.get("longitude")
        if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
            return ""
        mark = f"mlat={latitude:.6f}&mlon={longitude:.6f}"
        return f"https://www.openstreetmap.org/?{mark}#map=17/{latitude:.6f}/{longitude:.6f}"

    @property
    def amount(self) -> str:
        order = _part(self.extra, "order")
        thousandths, currency = order.get("amount_1000"), str(order.get("currency", ""))
        if not isinstance(thousandths, int):
            return ""
        value = number_words(thousandths / 1000, 2)
        return f"{'R$' if currency == 'BRL' else currency} {value}".strip()

    @property
    def invite_until(self) -> datetime | None:
        expires = _part(self.extra, "invite").get("expires_at")
        try:
            return datetime.fromtimestamp(expires, tz=UTC) if isinstance(expires, int) else None
        except (OverflowError, OSError, ValueError):
            return None

    @property
    def is_failed(self) -> bool:
        one = self.sending
        if one is None:
            return self.message.status == Message.Status.FAILED
        return one.state in {"failed", "dead"}

    @property
    def waits(self) -> str:
        """Why a message of ours has not left, in words; '' for one that is on its way."""
        one = self.sending
        if one is None or one.state != "queued":
            return ""
        if self.is_waiting_for_number:
            return _("Waiting for the number to be connected")
        return str(one.failure.words) if one.failure else ""

    @property
    def failure(self) -> str:
        if self.sending and self.sending.failure:
            return str(self.sending.failure.words)
        failure = self.message.failure
        if not isinstance(failure, dict):
            return ""
        return str(failure.get("message") or failure.get("title") or failure.get("code") or "")[
            :200
        ]

    @property
    def status_words(self) -> str:
        """The receipt with its time, as the tick's text and tooltip."""
        message = self.message
        if message.status == Message.Status.RECEIVED:
            return ""
        words = str(Message.Status(message.status).label)
        if message.status_at is None:
            return words
        moment = timezone.localtime(message.status_at)
        return _("%(status)s at %(time)s") % {"status": words, "time": f"{moment:%d/%m %H:%M}"}


def thread_lines(bubbles: Sequence[Bubble], style: ThreadStyle) -> list[Line]:
    """Return the lines of a thread, oldest first, as the bubbles are."""
    lines: list[Line] = []
    before: Bubble | None = None
    unread = _first_unread(bubbles, style)
    for one in bubbles:
        day = timezone.localtime(one.occurred_at).date()
        if before is None or timezone.localtime(before.occurred_at).date() != day:
            lines.append(Line("day", f"day-{day}", day_words(one.occurred_at, style.now)))
            before = None
        if one is unread:
            lines.append(Line("unread", "unread", str(style.unread_count)))
            before = None
        lines.append(Line("bubble", f"m-{one.id}", shown=shown_bubble(one, before, style)))
        before = one
    return lines


def shown_bubble(one: Bubble, before: Bubble | None, style: ThreadStyle) -> ShownBubble:
    """Return a bubble as it stands below `before`; None starts a new run."""
    continued = before is not None and _same_run(before.message, one.message)
    return ShownBubble(
        bubble=one,
        is_continued=continued,
        is_target=one.id == style.target,
        author=one.author_name if style.is_group and not one.is_self and not continued else "",
        extra=one.message.extra if isinstance(one.message.extra, dict) else {},
        sending=style.sending.get(one.message.pk),
        is_waiting_for_number=style.is_waiting_for_number,
    )


def type_words(kind: str, subtype: str = "") -> str:
    """Return what stands for a message without text: Photo, Voice message, Live location."""
    special = {
        ("audio", "voice"): _("Voice message"),
        ("video", "ptv"): _("Video note"),
        ("video", "gif"): pgettext("kind of message", "GIF"),
        ("location", "live"): _("Live location"),
        ("order", "product"): _("Product"),
        ("order", "payment"): _("Payment"),
    }
    plain = {
        "image": _("Photo"),
        "video": _("Video"),
        "audio": _("Audio"),
        "document": _("Document"),
        "sticker": _("Sticker"),
        "location": _("Location"),
        "contact": _("Contact card"),
        "poll": _("Poll"),
        "interactive_reply": _("Chosen option"),
        "order": _("Order"),
        "group_invite": _("Group invitation"),
        "template": _("Message with buttons"),
        "unsupported": _("Message of an unknown kind"),
        "deleted": _("Message deleted"),
    }
    return special.get((kind, subtype)) or plain.get(kind, "")


def _first_unread(bubbles: Sequence[Bubble], style: ThreadStyle) -> Bubble | None:
    """Return the first of the last `unread_count` received messages that nobody read yet."""
    if not style.unread_count:
        return None
    received = [
        one
        for one in bubbles
        if not one.is_self and (style.read_until is None or one.occurred_at > style.read_until)
    ]
    return received[-style.unread_count :][0] if received else None


def _same_run(before: Message, message: Message) -> bool:
    return (
        before.direction == message.direction
        and before.source == message.source
        and before.author_id == message.author_id
        and message.occurred_at - before.occurred_at < RUN
    )


def _reacted(is_own: bool, names: list[str]) -> list[str]:  # noqa: FBT001
    return [_("You"), *names] if is_own else names or [_("Someone")]


def _part(extra: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = extra.get(name)
    return found if isinstance(found, dict) else {}


def _stamp(moment: datetime | None) -> int:
    return int(moment.timestamp()) if moment else 0
