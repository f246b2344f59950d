"""Doing errands: the slow thing itself, by kind, and what is kept of it."""

import logging
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from analytics.analysis.conversations import analyse_conversation
from analytics.analysis.on_demand import judge_now, keep_now
from analytics.analysis.paid import BROKEN
from analytics.analysis.replies import suggest_replies
from analytics.errands import rows, trial
from analytics.models import Errand
from analytics.providers.probe import probe
from evosense.core.errors import DomainError
from messaging.selectors.wordings import conversation_pk, message_pk

logger = logging.getLogger(__name__)

Kind = Errand.Kind
Result = dict[str, Any]
# What each kind may take once it was begun: the deadline of its calls, and a little to write.
SECONDS = {
    Kind.PLAYGROUND: 110,
    Kind.JUDGE: 110,
    Kind.CONVERSATION: 55,
    Kind.REPLIES: 30,
    Kind.PROBE: 100,
}


def do_errand(errand_pk: int) -> None:
    """Do an errand that waits, and keep what came of it; one that was begun before is left alone.

    Never raises for what it does: whoever waits is told.
    """
    errand = _begin(errand_pk)
    if errand is None:
        return
    try:
        result = _HANDLERS[errand.kind](errand)
    except DomainError as refusal:
        rows.end(errand, rows.State.FAILED, error=str(refusal.code))
    except Exception:
        logger.exception("an errand broke: %s", errand.kind)
        rows.end(errand, rows.State.FAILED, error=BROKEN)
    else:
        rows.end(errand, rows.State.DONE, result=result)


def _begin(errand_pk: int) -> Errand | None:
    """Take an errand, unless somebody did or its time is too short by now."""
    errand = Errand.objects.filter(pk=errand_pk).first()
    if errand is None:
        return None
    ends = timezone.now() + timedelta(seconds=SECONDS[Kind(errand.kind)])
    waiting = Errand.objects.filter(
        pk=errand_pk, state=rows.State.WAITING, expires_at__gte=ends - timedelta(seconds=1)
    )
    return errand if waiting.update(state=rows.State.RUNNING) else None


def _judge(errand: Errand) -> Result:
    row = keep_now(judge_now(message_pk(UUID(errand.subject))))
    return {"inference": row.pk, "error": "" if row.status == row.Status.OK else row.error}


def _conversation(errand: Errand) -> Result:
    row = analyse_conversation(conversation_pk(UUID(errand.subject)), "asked")
    return {"analysis": row.pk}


def _replies(errand: Errand) -> Result:
    agent = str(errand.request.get("agent", ""))
    return asdict(suggest_replies(conversation_pk(UUID(errand.subject)), agent=agent))


def _probe(errand: Errand) -> Result:
    report = asdict(probe(UUID(errand.subject)))
    # The attempts are calls, which are kept as such.
    return {name: value for name, value in report.items() if name != "attempts"}


_HANDLERS: dict[str, Callable[[Errand], Result]] = {
    Kind.PLAYGROUND: trial.try_out,
    Kind.JUDGE: _judge,
    Kind.CONVERSATION: _conversation,
    Kind.REPLIES: _replies,
    Kind.PROBE: _probe,
}
