"""What somebody has typed in a conversation and not sent: kept here, so it is on every device.

A draft has a one-time key, and every window that shows it sends it under that key; the key of the
last sending is remembered, so that a save that was still on its way cannot bring the text back.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from messaging.models import ComposerDraft, Upload

# What WhatsApp takes in one message.
LONGEST = 65_536
MOST_UPLOADS = 10


@dataclass(frozen=True, slots=True)
class Attached:
    """An upload that waits in the composer; a recording leaves as a voice message."""

    id: UUID
    is_voice: bool = False

    @classmethod
    def of(cls, text: str) -> "Attached | None":
        """Read `<id>` or `<id>:voice`, as the form says it; None when it is neither."""
        name, _colon, mark = text.partition(":")
        try:
            return cls(UUID(name), mark == "voice")
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.id}:voice" if self.is_voice else str(self.id)


@dataclass(frozen=True, slots=True)
class Draft:
    """What the composer starts with; `key` is good for one sending."""

    key: UUID
    text: str = ""
    uploads: tuple[Attached, ...] = ()
    quoted: UUID | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.text.strip() or self.uploads or self.quoted)


def draft_of(conversation_pk: int, user_id: int) -> Draft:
    """Return what this person had begun here; an empty draft with a fresh key when nothing."""
    row = _rows(conversation_pk, user_id).first()
    if row is None or row.key is None:
        return Draft(uuid4())
    uploads = tuple(found for one in row.uploads if (found := Attached.of(one)))
    return Draft(row.key, row.text, uploads, row.quoted)


def save_draft(conversation_pk: int, user_id: int, draft: Draft) -> bool:
    """Keep what was typed; False when that key was sent already, and nothing is kept.

    Too long a text is cut, as a draft is nothing to refuse: sending it will say so.
    """
    if draft.is_empty and not _rows(conversation_pk, user_id).exists():
        return False
    with transaction.atomic():
        row = _locked(conversation_pk, user_id)
        if row.sent_key == draft.key:
            return False
        row.key, row.text, row.quoted = draft.key, draft.text[:LONGEST], draft.quoted
        row.uploads = [str(one) for one in draft.uploads[:MOST_UPLOADS]]
        _save(row)
    return True


def close_draft(conversation_pk: int, user_id: int, key: UUID) -> None:
    """Forget the draft that was sent under `key`; runs in the sending's transaction."""
    row = _locked(conversation_pk, user_id)
    # Another window may have begun something else under its own key.
    if row.key in {None, key}:
        row.key, row.text, row.quoted, row.uploads = None, "", None, []
    row.sent_key = key
    _save(row)


def drafts_in(conversation_pks: Collection[int], user_id: int) -> dict[int, str]:
    """Return the texts of this person's drafts by conversation, for a page of the list."""
    rows = ComposerDraft.objects.filter(conversation_id__in=conversation_pks, user_id=user_id)
    begun = rows.exclude(text="").values_list("conversation_id", "text")
    return {pk: text[:200] for pk, text in begun}


def begun_by(user_id: int) -> int:
    """Return how many drafts of this person hold something."""
    return _begun(user_id).count()


def hand_over(user_id: int, to_user_id: int | None) -> int:
    """Give the person's drafts to somebody, and forget the rest; returns how many went.

    Where the heir has begun something in the same conversation, that stays and this one goes.
    """
    moved = 0
    if to_user_id is not None:
        begun = _begun(user_id).select_for_update(no_key=True).order_by("pk")
        moved = sum(_take_over(row, to_user_id) for row in begun)
    ComposerDraft.objects.filter(user_id=user_id).delete()
    return moved


def _take_over(draft: ComposerDraft, to_user_id: int) -> bool:
    own = _locked(draft.conversation_id, to_user_id)
    if own.text.strip() or own.uploads or own.quoted:
        return False
    waiting = [found.id for one in draft.uploads if (found := Attached.of(one))]
    files = Upload.objects.filter(public_id__in=waiting, actor_user_id=draft.user_id, used_at=None)
    files.update(actor_user_id=to_user_id)
    own.key, own.text, own.quoted, own.uploads = draft.key, draft.text, draft.quoted, draft.uploads
    _save(own)
    return True


def _begun(user_id: int) -> QuerySet[ComposerDraft]:
    rows = ComposerDraft.objects.filter(user_id=user_id, key__isnull=False)
    return rows.exclude(text="", uploads=[], quoted=None)


def _rows(conversation_pk: int, user_id: int) -> QuerySet[ComposerDraft]:
    return ComposerDraft.objects.filter(conversation_id=conversation_pk, user_id=user_id)


def _locked(conversation_pk: int, user_id: int) -> ComposerDraft:
    """Return the row, made if need be, so that a save and a sending wait for each other."""
    ComposerDraft.objects.bulk_create(
        [ComposerDraft(conversation_id=conversation_pk, user_id=user_id)], ignore_conflicts=True
    )
    return _rows(conversation_pk, user_id).select_for_update(no_key=True).get()


def _save(row: ComposerDraft) -> None:
    row.updated_at = timezone.now()
    row.save(update_fields=["key", "sent_key", "text", "quoted", "uploads", "updated_at"])
