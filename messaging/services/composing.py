"""What the composer sends: text and files become messages, each of them once.

A form comes twice when somebody clicks twice, presses Enter twice, or has the draft open in two
windows: it carries the draft's one-time key, and the same content under the same key is done once.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Invalid
from evosense.core.idempotency import answer_once
from messaging.models import Upload
from messaging.selectors.connections import connection_model
from messaging.services.drafts import LONGEST, MOST_UPLOADS, Draft, close_draft
from messaging.services.numbers import check_numbers
from messaging.services.sending import SendRequest, send_message

# Which kinds show their caption in WhatsApp.
_CAPTIONED = {"image", "video", "document"}
_LONGEST_CAPTION = 4_096


@dataclass(frozen=True, slots=True)
class Composer:
    """Whose composer, and where."""

    conversation_pk: int
    conversation_id: UUID
    user_id: int

    @property
    def place(self) -> tuple[str, ...]:
        return ("conversations", str(self.conversation_id))


def send_draft(composer: Composer, draft: Draft) -> bool:
    """Queue what was composed, in order; False when this very thing was sent before.

    Raises Invalid for nothing, too much or files that are gone, and what `send_message` refuses.
    """
    files = _files(draft, composer.user_id)
    requests = _requests(composer.conversation_id, draft, files)
    # By what they hold: without script a form that comes twice brings its files anew.
    held = [(bytes(one.sha256).hex(), one.name, is_voice) for one, is_voice in files]
    content = [held, draft.text, str(draft.quoted or "")]

    def work() -> list[str]:
        sent = [str(send_message(one).public_id) for one in requests]
        close_draft(composer.conversation_pk, composer.user_id, draft.key)
        return sent

    return not _once(composer.user_id, draft.key, composer.place, content, work)[1]


def send_one(composer: Composer, kind: str, payload: dict[str, Any], key: UUID) -> bool:
    """Queue a place, a contact card or a poll; False when this form came before."""
    request = SendRequest(kind=kind, payload=payload, conversation=composer.conversation_id)

    def work() -> list[str]:
        return [str(send_message(request).public_id)]

    return not _once(composer.user_id, key, composer.place, payload, work)[1]


def open_conversation(*, connection: UUID, to: str, text: str, user_id: int, key: UUID) -> UUID:
    """Write to a number; returns its conversation, the old one when there is one.

    Raises Invalid at `to` for what is no number or is not on WhatsApp, as far as a server told.
    """
    text = text.strip()
    if not text:
        raise Invalid("required", _("Write a message."), field="text")
    jid = _reachable(connection, to)
    request = SendRequest(kind="text", payload={"text": text}, connection=connection, to=jid)

    def work() -> list[str]:
        return [str(send_message(request).conversation.public_id)]

    place = ("conversations", str(connection), to)
    return UUID(_once(user_id, key, place, text, work)[0][0])


def _reachable(connection: UUID, to: str) -> str:
    """Return the address to write to, once WhatsApp said that the number is there."""
    try:
        (found,) = check_numbers(connection_model(connection), [to])
    except Invalid as error:
        raise Invalid(error.code, error.message, field="to") from error
    if not found.exists:
        message = _("This number is not on WhatsApp.")
        raise Invalid("not_on_whatsapp", message, field="to")
    return found.jid or to


def _once(
    user_id: int, key: UUID, place: tuple[str, ...], content: Any, work: Callable[[], list[str]]
) -> tuple[list[str], bool]:
    """Do `work` in a transaction unless the same content came under the same key before.

    Other content under that key is something else that somebody wants to say, so it is done: the
    key that counts is of both.
    """
    digest = hashlib.sha256(repr((place, content)).encode()).hexdigest()
    return answer_once(
        key=f"{key}:{digest[:32]}",
        # API keys are counted upwards, people downwards: neither answers the other.
        caller=-user_id,
        request=("POST", "/".join(place), content),
        work=work,
    )


def _files(draft: Draft, user_id: int) -> list[tuple[Upload, bool]]:
    """Return the uploads in the order of the draft; only one's own can be sent."""
    if len(draft.uploads) > MOST_UPLOADS:
        message = _("Send at most %(n)d files at once.") % {"n": MOST_UPLOADS}
        raise Invalid("too_many_files", message, field="uploads")
    own = Upload.objects.filter(actor_user_id=user_id)
    found = own.in_bulk([one.id for one in draft.uploads], field_name="public_id")
    if len(found) != len({one.id for one in draft.uploads}):
        raise Invalid("upload_gone", _("A file is no longer here. Add it again."), field="uploads")
    return [(found[one.id], one.is_voice) for one in draft.uploads]


def _requests(
    conversation: UUID, draft: Draft, files: list[tuple[Upload, bool]]
) -> list[SendRequest]:
    text = draft.text.strip()
    if len(text) > LONGEST:
        message = _("A message holds at most %(n)d characters.") % {"n": LONGEST}
        raise Invalid("text_too_long", message, field="text")
    parts = [_file_part(one, is_voice=voice) for one, voice in files]
    if text:
        # The caption stands below the first file; sounds have none.
        if parts and parts[0][0] in _CAPTIONED and len(text) <= _LONGEST_CAPTION:
            parts[0][1]["caption"] = text
        else:
            parts.insert(0, ("text", {"text": text}))
    if not parts:
        raise Invalid("nothing_to_send", _("Write a message or add a file."), field="text")
    return [
        SendRequest(
            kind=kind,
            payload=payload,
            conversation=conversation,
            reply_to=draft.quoted if index == 0 else None,
        )
        for index, (kind, payload) in enumerate(parts)
    ]


def _file_part(upload: Upload, *, is_voice: bool) -> tuple[str, dict[str, Any]]:
    media = {
        "key": upload.storage_key,
        "name": upload.name,
        "mime": upload.mime,
        "size": upload.size,
    }
    # A WebP that somebody attached is a picture to them.
    kind = "voice" if is_voice else upload.kind.replace("sticker", "image")
    return kind, {"media": media}
