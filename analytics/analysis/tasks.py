"""Judging in fair order, and what is swept."""

from typing import Any

from celery import shared_task

from analytics.analysis import budget, cache, claims, retention
from analytics.analysis.calls import answered_lately
from analytics.analysis.conversations import analyse_conversation, due_conversations
from analytics.analysis.enqueue import note_messages
from analytics.analysis.production import production_judge
from analytics.analysis.worker import PROVIDER_BATCH, work_off
from analytics.search import jobs
from analytics.search.tasks import fill_embeddings
from analytics.transcribing.tasks import begin_if_due
from evosense.core.errors import Conflict
from evosense.core.schema import current_tenant, enqueue_later
from tenancy.db.tickets import fair_call, fair_enqueue

# New messages of a provider wait so long for others that share their request (ai.md §1.3).
GATHER_SECONDS = 1.5
# Messages of a company that wait; conversations are not added to more.
BUSY = 50


@shared_task(name="analytics.note_messages", allow_suspended=True)
def note_stored_messages(*, event_id: int, payload: dict[str, Any]) -> None:  # noqa: ARG001
    """Queue new messages, or changed ones as far as their words changed.

    Subscriber of MessagesStored, MessagesChanged and MediaChanged, in a lane before the judging:
    behind it a new message would not even be known while a backlog is worked off. What a suspended
    company receives waits until it may work again.
    """
    if note_messages(payload["message_ids"]):
        begin_judging()
    if jobs.is_due():
        fair_call("ai", fill_embeddings)


def begin_judging() -> None:
    """Have a worker look at the queue, after a moment where a provider charges per request."""
    if production_judge().arm.kind == "provider":
        enqueue_later(join_queue, GATHER_SECONDS)
    else:
        fair_call("ai", judge_waiting)


@shared_task(name="analytics.join_queue", expires=600, queue="ai")
def join_queue() -> None:
    """Take a place in the fair order."""
    fair_call("ai", judge_waiting)


@shared_task(name="analytics.judge_waiting")
def judge_waiting() -> None:
    """Judge what waits, the newest first; goes on in a turn of its own while some are left."""
    if work_off():
        fair_call("ai", judge_waiting)


@shared_task(name="analytics.sweep_analysis", expires=300)
def sweep_analysis() -> None:
    """Pick up what was lost: messages of dead workers, and those due to be asked about again."""
    claims.put_aside()
    if claims.deferred() and answered_lately():
        # One batch: the others follow when it has its answers.
        claims.ask_early(PROVIDER_BATCH)
    if claims.due():
        fair_call("ai", judge_waiting)
    begin_if_due()


@shared_task(name="analytics.sweep_conversations", expires=300)
def sweep_conversations() -> None:
    """Have conversations analysed that were closed or fell silent."""
    if claims.waiting(current_tenant()) > BUSY:
        # Messages first; what is due stays due.
        return
    for conversation_pk, trigger in due_conversations():
        fair_enqueue(
            "ai", analyse_silent_conversation, conversation_pk=conversation_pk, trigger=trigger
        )


@shared_task(name="analytics.analyse_conversation")
def analyse_silent_conversation(*, conversation_pk: int, trigger: str) -> None:
    """Analyse one conversation as far as it went; a second time does nothing."""
    try:
        analyse_conversation(conversation_pk, trigger)
    except Conflict:
        # All that was said in it was deleted meanwhile.
        return


@shared_task(name="analytics.forget_old_judgements", expires=3600)
def forget_old_judgements() -> None:
    """Delete judgements and calls whose time is over."""
    retention.forget_judgements()
    retention.forget_calls()


@shared_task(name="analytics.tidy_analysis", expires=3600)
def tidy_analysis() -> None:
    """Book what dead workers held of the budget, and forget old answers."""
    budget.book_forgotten()
    cache.forget_old()
