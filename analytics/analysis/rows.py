"""Writing judgements: once per message, key and side, whoever comes with them again."""

from collections.abc import Collection, Sequence

from analytics.analysis.items import EMBEDDED
from analytics.models import Inference, ReviewItem
from evosense.core.ids import uuid7
from messaging.services.judgements import MessageJudgement, store_judgements


def write_rows(rows: Sequence[Inference]) -> list[Inference]:
    """Insert rows that are not there yet and return those that are there now, by message.

    The row that was written first stays, so what comes back may differ from what was brought.
    """
    if not rows:
        return []
    Inference.objects.bulk_create(rows, ignore_conflicts=True)
    return _found(rows)


def write_held(rows: Sequence[Inference]) -> list[Inference]:
    """As `write_rows`, for messages that nobody else can be writing about: their claim is locked.

    What is there already is looked up first, which is nearly always nothing.
    """
    there = _found(rows)
    known = {_key(row) for row in there}
    new = [row for row in rows if _key(row) not in known]
    Inference.objects.bulk_create(new, ignore_conflicts=True)
    return [*there, *new]


def store_production(rows: Sequence[Inference]) -> list[int]:
    """Write the values of whole rows on their messages; returns the ids that took them."""
    return store_judgements([_judgement(row) for row in rows if row.status == Inference.Status.OK])


def ask_people(message_ids: Collection[int]) -> None:
    """Put messages in the review queue whose judgement may be an attack or a fault of the model."""
    items = [
        ReviewItem(message_id=pk, public_id=uuid7(), stratum=ReviewItem.Stratum.SUSPICIOUS)
        for pk in sorted(message_ids)
    ]
    ReviewItem.objects.bulk_create(items, ignore_conflicts=True)


def _found(rows: Sequence[Inference]) -> list[Inference]:
    wanted = {_key(row) for row in rows}
    found = Inference.objects.filter(
        message_id__in={row.message_id for row in rows},
        run_key__in={row.run_key for row in rows},
        arm_key__in={row.arm_key for row in rows},
    )
    return [row for row in found if _key(row) in wanted]


def _key(row: Inference) -> tuple[int, str, str]:
    return row.message_id, row.run_key, row.arm_key


def _judgement(row: Inference) -> MessageJudgement:
    return MessageJudgement(
        message_id=row.message_id,
        sentiment=row.sentiment or 0.0,
        emotion=row.emotion,
        satisfaction=50 if row.satisfaction is None else row.satisfaction,
        tone=row.tone,
        summary=row.summary,
        confidence=row.confidence or 0.0,
        judged_by=_who(row),
    )


def _who(row: Inference) -> str:
    if row.is_degraded:
        return "degraded"
    return "embedded" if row.provider == EMBEDDED else "provider"
