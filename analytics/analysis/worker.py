"""Works the queue off: claims, judges outside of any transaction, writes everything at once."""

import logging
import time
from collections.abc import Sequence

from django.db import InterfaceError, OperationalError, transaction

from analytics.analysis import claims
from analytics.analysis.claims import Claim
from analytics.analysis.context import context_of
from analytics.analysis.dialogue import DEADLINE_SECONDS
from analytics.analysis.enqueue import is_wanted
from analytics.analysis.items import Item, item_of
from analytics.analysis.judging import is_passing, judge
from analytics.analysis.production import Judge, embedded_judge, judges_of, production_judge
from analytics.analysis.provider_arm import Judged
from analytics.analysis.rows import ask_people, store_production, write_held
from analytics.analysis.settings import ai_settings
from analytics.events import MessagesJudged
from analytics.models import AiSettings, Inference
from evosense.core.outbox import emit
from messaging.selectors.wordings import Wording, names_in, wordings_of

logger = logging.getLogger(__name__)

# A turn: what people wait for, and the noting of what is new, waits no longer for a worker. A
# request to a provider that is under way is not cut.
TURN_SECONDS = 5.0
EMBEDDED_BATCH = 256
# Of a provider: one request holds them all (reference ai.md §1.3).
PROVIDER_BATCH = 20


def work_off(*, seconds: float = TURN_SECONDS) -> bool:
    """Judge waiting messages for about so long; tells whether some are left."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        settings = ai_settings()
        standing = production_judge(settings)
        size = PROVIDER_BATCH if standing.arm.kind == "provider" else EMBEDDED_BATCH
        held = claims.claim(size)
        if not held.attempts:
            return False
        judge_claim(held, settings, standing)
    return claims.due()


def judge_claim(
    held: Claim, settings: AiSettings, standing: Judge, until: float | None = None
) -> None:
    """Judge what is held and write it; what breaks is looked for one message at a time.

    Only the message that broke goes back with its attempt counted: its neighbours did nothing.
    All of it ends at `until`, before the lease does.
    """
    until = until or time.monotonic() + DEADLINE_SECONDS
    try:
        _judge_held(held, settings, standing, until)
    except (OperationalError, InterfaceError):
        # Not of a message's making: no message's attempt.
        claims.give_back(held, "database_away", counts=False)
        raise
    except Exception as error:
        if len(held.attempts) == 1:
            claims.give_back(held, type(error).__name__[:40])
            logger.exception("a message could not be judged")
            return
        logger.warning("a claim broke, each message is judged alone", exc_info=True)
        for message_id in held.message_ids:
            judge_claim(held.of(message_id), settings, standing, until)


def _judge_held(held: Claim, settings: AiSettings, standing: Judge, until: float) -> None:
    wordings = _wanted(held.message_ids, settings)
    _write(held, _judged(wordings, standing, until), wordings)


def _judged(wordings: Sequence[Wording], standing: Judge, until: float) -> Judged:
    found = Judged([])
    for who, items in _by_judge(wordings, standing):
        judged = judge(items, who.arm, who.mark, part=who.part, until=until)
        found.rows += judged.rows
        found.doubted += judged.doubted
    return found


def _wanted(message_ids: Sequence[int], settings: AiSettings) -> list[Wording]:
    """Look again: a message may have been deleted, or analysis switched off, while it waited."""
    return [one for one in wordings_of(message_ids) if is_wanted(one, settings)]


def _by_judge(wordings: Sequence[Wording], standing: Judge) -> list[tuple[Judge, list[Item]]]:
    """Divide messages among who judges them; imported history is never sent to a provider."""
    judges = judges_of(sorted({one.conversation_id for one in wordings}), standing)
    past = embedded_judge() if any(one.is_history for one in wordings) else standing
    contexts = context_of([one.message_id for one in wordings])
    names = names_in(one.conversation_id for one in wordings)
    found: dict[int, tuple[Judge, list[Item]]] = {}
    for one in sorted(wordings, key=lambda each: (each.conversation_id, each.occurred_at)):
        who = past if one.is_history else judges[one.conversation_id]
        item = item_of(one, contexts[one.message_id], names.get(one.conversation_id, ()))
        found.setdefault(id(who), (who, []))[1].append(item)
    return list(found.values())


def _write(held: Claim, judged: Judged, wordings: Sequence[Wording]) -> None:
    """Write rows, values, the end of the waiting and the news of it in one transaction.

    Only for what is still held: whoever took it over meanwhile writes it.
    """
    with transaction.atomic():
        mine = claims.still_held(held)
        rows = write_held([row for row in judged.rows if row.message_id in mine])
        store_production(rows)
        ask_people(mine.intersection(judged.doubted))
        again = {row.message_id: row.error for row in rows if is_passing(row)}
        claims.defer(held, again)
        claims.finish(mine - set(again))
        ids = sorted({row.message_id for row in rows})
        if ids:
            talks = {one.conversation_id for one in wordings if one.message_id in mine}
            emit(MessagesJudged(ids, sorted(talks)))
    if _has_answers(rows) and not again:
        claims.ask_early(PROVIDER_BATCH)


def _has_answers(rows: Sequence[Inference]) -> bool:
    """Tell whether a provider was asked, and answered: what waits for it may be asked about."""
    return any(row.call_id and not row.is_degraded for row in rows)
