"""Judging one message now, because somebody asked; by whoever judges new messages.

In two steps: `judge_now` asks networks and must not run inside a transaction, `keep_now` writes.
"""

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from analytics.analysis import claims
from analytics.analysis.context import context_of
from analytics.analysis.items import item_of, version_of
from analytics.analysis.judging import judge
from analytics.analysis.production import embedded_judge, production_judge
from analytics.analysis.provider_arm import Judged
from analytics.analysis.rows import ask_people, store_production, write_rows
from analytics.events import MessagesJudged
from analytics.models import AnalysisJob, Inference
from evosense.core.errors import Conflict
from evosense.core.outbox import emit
from messaging.models import Message
from messaging.selectors.wordings import names_in, wordings_of


@dataclass(frozen=True, slots=True)
class Fresh:
    """What was said of one message, not written yet; `known` was there already.

    `version` is that of the words which were judged.
    """

    message_id: int
    conversation_id: int
    version: str
    judged: Judged
    known: Inference | None = None


def judge_now(message_pk: int) -> Fresh:
    """Return a judgement of a message; one of the same words by the same analyser stays.

    Imported history never goes to a provider, also when asked for.
    Raises Conflict `nothing_said` for a message without words.
    """
    found = wordings_of([message_pk])
    if not found:
        raise Conflict("nothing_said", _("There are no words to analyse in this message."))
    wording = found[0]
    who = embedded_judge() if wording.is_history else production_judge()
    names = names_in([wording.conversation_id])[wording.conversation_id]
    item = item_of(wording, context_of([message_pk])[message_pk], names)
    key = who.mark.row(item).run_key
    known = Inference.objects.filter(message_id=message_pk, run_key=key, arm_key="").first()
    judged = Judged([]) if known else judge([item], who.arm, who.mark, part=who.part)
    return Fresh(message_pk, wording.conversation_id, item.version, judged, known)


def keep_now(fresh: Fresh) -> Inference:
    """Write what was said on the message, unless a person said otherwise; returns the row.

    Of words that were edited meanwhile only the row is kept: the new ones wait to be judged.
    """
    with transaction.atomic():
        is_same = _is_still_said(fresh)
        row = fresh.known or write_rows(fresh.judged.rows)[0]
        if not is_same:
            return row
        store_production([row])
        if fresh.known is None:
            ask_people(fresh.judged.doubted)
            if not row.is_degraded:
                claims.finish([row.message_id])
            emit(MessagesJudged([row.message_id], [fresh.conversation_id]))
    return row


def _is_still_said(fresh: Fresh) -> bool:
    """Lock what waits and the message, in the worker's order, and look at its words again."""
    list(AnalysisJob.objects.select_for_update().filter(message_id=fresh.message_id))
    list(Message.objects.select_for_update(no_key=True).filter(pk=fresh.message_id).values("pk"))
    return any(version_of(one.text) == fresh.version for one in wordings_of([fresh.message_id]))
