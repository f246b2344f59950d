"""Messages that the sides read differently, and asking people about them."""

import random
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from analytics.experiments.statistics.classes import sentiment_levels
from analytics.models import ExperimentRun, ReviewItem
from evosense.core.errors import Conflict, Invalid
from evosense.core.ids import uuid7
from evosense.core.schema import database_cursor
from tenancy.services import audit

ASKED_AT_ONCE = 100
LONGEST_TEXT = 600
# The five levels of statistics.classes.sentiment_levels, in SQL.
_LEVEL = """CASE WHEN {0}.sentiment < -0.5 THEN 1 WHEN {0}.sentiment <= -0.1 THEN 2
    WHEN {0}.sentiment < 0.1 THEN 3 WHEN {0}.sentiment <= 0.5 THEN 4 ELSE 5 END"""
_DIFFER = f"""
    FROM analytics_sampleitem i
    JOIN analytics_inference b ON b.message_id = i.message_id AND b.run_id = %(run)s
        AND b.run_key = %(run)s AND b.arm_key = 'baseline' AND b.status = 'ok'
    JOIN analytics_inference c ON c.message_id = i.message_id AND c.run_id = %(run)s
        AND c.run_key = %(run)s AND c.arm_key = %(arm)s AND c.status = 'ok'
    WHERE i.run_id = %(pk)s AND i.done_at IS NOT NULL
      AND NOT b.is_degraded AND NOT c.is_degraded
      AND {_LEVEL.format("b")} <> {_LEVEL.format("c")}"""

_SELECTED = f"""SELECT i.* {_DIFFER} AND i.position > %(after)s
    ORDER BY i.position LIMIT %(most)s"""


@dataclass(frozen=True, slots=True)
class Vote:
    """What one side, or people, said of a message."""

    level: int
    sentiment: float
    emotion: str
    satisfaction: int | None


@dataclass(frozen=True, slots=True)
class Disagreement:
    position: int
    message_id: UUID
    conversation_id: UUID
    text: str
    occurred_at: datetime
    connection: str
    baseline: Vote
    candidate: Vote
    people: Vote | None


@dataclass(frozen=True, slots=True)
class Disagreements:
    """One page; `next` is the position to go on after, None on the last."""

    rows: list[Disagreement]
    next: int | None


def disagreements(
    run: ExperimentRun, arm: str, *, after: int = -1, limit: int = 20
) -> Disagreements:
    """Return messages whose level of sentiment differs, in the sample's order."""
    statement = f"""
        SELECT i.position, m.public_id, t.public_id, i.text, m.occurred_at, n.name,
               {_LEVEL.format("b")}, b.sentiment, b.emotion, b.satisfaction,
               {_LEVEL.format("c")}, c.sentiment, c.emotion, c.satisfaction, i.message_id
        FROM ({_SELECTED}) i
        JOIN analytics_inference b ON b.message_id = i.message_id AND b.run_key = %(run)s
            AND b.arm_key = 'baseline'
        JOIN analytics_inference c ON c.message_id = i.message_id AND c.run_key = %(run)s
            AND c.arm_key = %(arm)s
        JOIN messaging_message m ON m.id = i.message_id
        JOIN messaging_conversation t ON t.id = m.conversation_id
        JOIN messaging_connection n ON n.id = m.connection_id
        ORDER BY i.position"""  # noqa: S608  (only our constants)
    values = {
        "run": run.run_id, "arm": arm, "pk": run.pk, "after": after, "most": limit + 1,
    }  # fmt: skip
    with database_cursor() as cursor:
        cursor.execute(statement, values)
        found = cursor.fetchall()
    said = _people(run, [row[14] for row in found[:limit]])
    rows = [_row(row, said.get(row[14])) for row in found[:limit]]
    return Disagreements(rows, rows[-1].position if len(found) > limit else None)


_ALL = f"SELECT i.message_id {_DIFFER} ORDER BY i.position"
_PEOPLE_GOLD = """SELECT message_id, sentiment, emotion, satisfaction FROM analytics_golditem
    WHERE gold_set_id = %s AND message_id = ANY(%s) AND sentiment IS NOT NULL"""
_PEOPLE_REVIEW = """SELECT DISTINCT ON (message_id) message_id, sentiment, emotion, satisfaction
    FROM analytics_label WHERE is_current AND source IN ('review', 'adjudication')
      AND message_id = ANY(%s) AND sentiment IS NOT NULL
    ORDER BY message_id, (source = 'adjudication') DESC, id DESC"""


def ask_people(run: ExperimentRun, arm: str) -> int:
    """Put up to a hundred disagreements into the blind review; returns how many are new.

    Drawn by the run's seed, so asking twice asks about the same ones.
    """
    with database_cursor() as cursor:
        values = {"run": run.run_id, "arm": arm, "pk": run.pk}
        cursor.execute(_ALL, values)
        all_of_them = [row[0] for row in cursor.fetchall()]
    if not all_of_them:
        raise Conflict("no_disagreements", _("The sides agree on every message."))
    drawn = random.Random(run.seed).sample(  # noqa: S311  (the same ones again)
        all_of_them, min(ASKED_AT_ONCE, len(all_of_them))
    )
    chance = len(drawn) / len(all_of_them)
    rows = [_review_item(run, message_id, chance) for message_id in sorted(drawn)]
    with transaction.atomic():
        before = ReviewItem.objects.filter(run_id=run.run_id).count()
        ReviewItem.objects.bulk_create(rows, ignore_conflicts=True)
        added = ReviewItem.objects.filter(run_id=run.run_id).count() - before
        if added:
            audit.record(
                "experiment.review_asked",
                object_type="experiment",
                object_id=run.public_id,
                object_label=run.name,
                changes={"messages": [0, added]},
            )
    return added


def check_arm(run: ExperimentRun, key: str) -> str:
    """Return the key of a candidate, the first one for ""; raises Invalid."""
    keys = list(run.arms.filter(is_baseline=False).order_by("pk").values_list("key", flat=True))
    if not key and keys:
        return keys[0]
    if key not in keys:
        raise Invalid("invalid", _("Choose one of the candidates."), field="arm")
    return key


def _review_item(run: ExperimentRun, message_id: int, chance: float) -> ReviewItem:
    return ReviewItem(
        public_id=uuid7(),
        message_id=message_id,
        run_id=run.run_id,
        stratum=ReviewItem.Stratum.DISAGREEMENT,
        probability=chance,
    )


def _people(run: ExperimentRun, message_ids: list[int]) -> dict[int, Vote]:
    with database_cursor() as cursor:
        if run.gold_set_id:
            cursor.execute(_PEOPLE_GOLD, [run.gold_set_id, message_ids])
        else:
            cursor.execute(_PEOPLE_REVIEW, [message_ids])
        return {
            pk: Vote(level_of(sentiment), sentiment, emotion, satisfaction)
            for pk, sentiment, emotion, satisfaction in cursor.fetchall()
        }


def level_of(sentiment: float) -> int:
    """Return 1 to 5, as the statistics count them."""
    return int(sentiment_levels([sentiment])[0]) + 1


def _row(row: tuple[Any, ...], people: Vote | None) -> Disagreement:
    position, message, conversation, text, at, connection, *votes, _pk = row
    return Disagreement(
        position,
        message,
        conversation,
        str(text)[:LONGEST_TEXT],
        at,
        str(connection),
        Vote(*votes[:4]),
        Vote(*votes[4:]),
        people,
    )
