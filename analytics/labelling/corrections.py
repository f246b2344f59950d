"""Correcting a judgement in the thread: the person's value counts at once and for good."""

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from analytics.events import MessagesJudged
from analytics.labelling.keeping import keep
from analytics.labelling.words import Word, check
from analytics.models import Label
from evosense.core.errors import Conflict, NotFound
from evosense.core.outbox import emit
from messaging.models import Message
from messaging.services.judgements import PERSON, MessageJudgement, store_judgements
from tenancy.services import audit


@transaction.atomic
def correct(public_id: UUID, word: Word, *, user_id: int) -> Message:
    """Put a person's values on a message; what they leave out stays as it was judged.

    Raises NotFound, Invalid, or Conflict `not_judged` when nothing is there to complete it.
    """
    check(word)
    message = Message.objects.select_for_update(of=("self",)).filter(public_id=public_id).first()
    if message is None or message.deleted_at or message.is_hidden:
        raise NotFound("message_not_found", _("There is no such message."))
    before = Word(message.sentiment, message.emotion, message.satisfaction, message.tone)
    whole = word.over(before)
    values = _judgement(message, whole)
    keep(message.pk, user_id, Label.Source.THREAD, word)
    store_judgements([values])
    _note(message, before, whole)
    message.refresh_from_db()
    return message


def _judgement(message: Message, word: Word) -> MessageJudgement:
    if word.sentiment is None or word.satisfaction is None or not word.emotion:
        reason = _("This message is not judged yet: say sentiment, emotion and satisfaction.")
        raise Conflict("not_judged", reason, field="sentiment")
    return MessageJudgement(
        message.pk,
        word.sentiment,
        word.emotion,
        word.satisfaction,
        word.tone or "neutro",
        message.summary,
        # A person who looked at it is sure.
        1.0,
        PERSON,
    )


def _note(message: Message, before: Word, after: Word) -> None:
    names = ("sentiment", "emotion", "satisfaction", "tone")
    changes = {
        name: [getattr(before, name), getattr(after, name)]
        for name in names
        if getattr(before, name) != getattr(after, name)
    }
    emit(MessagesJudged([message.pk], [message.conversation_id]))
    audit.record(
        "analysis.corrected",
        object_type="message",
        object_id=message.public_id,
        changes=changes,
    )
