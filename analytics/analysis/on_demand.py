"""Judging one message now, because somebody asked; by whoever judges new messages.

In two steps: `judge_now` asks networks and must not run inside a transaction, `keep_now` writes.
"""

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from analytics.analysis import claims
from analytics.analysis.context import context_of
from analytics.analysis.items import item_of
from analytics.analysis.judging import judge
from analytics.analysis.production import production_judge
from analytics.analysis.provider_arm import Judged
from analytics.analysis.rows import ask_people, store_production, write_rows
from analytics.events import MessagesJudged
from analytics.models import Inference
from evosense.core.errors import Conflict
from evosense.core.outbox import emit
from messaging.selectors.wordings import names_in, wordings_of


@dataclass(frozen=True, slots=True)
class Fresh:
    """What was said of one message, not written yet; `known` was there already."""

    conversation_id: int
    judged: Judged
    known: Inference | None = None


def judge_now(message_pk: int) -> Fresh:
    """Return a judgement of a message; one of the same words by the same analyser stays.

    Raises Conflict `nothing_said` for a message without words.
    """
    found = wordings_of([message_pk])
    if not found:
        raise Conflict("nothing_said", _("There are no words to analyse in this message."))
    wording = found[0]
    who = production_judge()
    names = names_in([wording.conversation_id])[wording.conversation_id]
    item = item_of(wording, context_of([message_pk])[message_pk], names)
    key = who.mark.row(item).run_key
    known = Inference.objects.filter(message_id=message_pk, run_key=key, arm_key="").first()
    if known is not None:
        return Fresh(wording.conversation_id, Judged([]), known)
    return Fresh(wording.conversation_id, judge([item], who.arm, who.mark, part=who.part))


def keep_now(fresh: Fresh) -> Inference:
    """Write what was said on the message, unless a person said otherwise; returns the row."""
    if fresh.known is not None:
        store_production([fresh.known])
        return fresh.known
    with transaction.atomic():
        row = write_rows(fresh.judged.rows)[0]
        store_production([row])
        ask_people(fresh.judged.doubted)
        if not row.is_degraded:
            claims.finish([row.message_id])
        emit(MessagesJudged([row.message_id], [fresh.conversation_id]))
    return row
