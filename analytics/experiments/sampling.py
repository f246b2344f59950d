"""Drawing the messages of a run, and freezing what every side will read."""

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from analytics.analysis.context import context_of
from analytics.models import ExperimentRun, GoldItem, SampleItem
from analytics.values import Turn
from messaging.selectors.samples import Drawable, conversations_of, drawable_messages
from messaging.selectors.wordings import Wording, wordings_of

Drawn = dict[int, tuple[str, float]]
_BATCH = 1_000


def freeze_sample(run: ExperimentRun) -> int:
    """Write the messages of a gold or backfill run once; returns how many there are.

    All or nothing, so a worker that dies here leaves a run that draws the same sample again.
    """
    if run.total_messages:
        return run.total_messages
    items = _gold_items(run) if run.mode == ExperimentRun.Mode.GOLD else _past_items(run)
    with transaction.atomic():
        held = ExperimentRun.objects.select_for_update().get(pk=run.pk)
        if not held.total_messages:
            SampleItem.objects.bulk_create(items, batch_size=_BATCH)
            ExperimentRun.objects.filter(pk=run.pk).update(total_messages=len(items))
        run.total_messages = held.total_messages or len(items)
    return run.total_messages


def draw(messages: Sequence[Drawable], size: int, seed: int) -> Drawn:
    """Return stratum and weight of each drawn message, every stratum by its share.

    The same messages and seed draw the same sample. Weights have the mean 1.
    """
    strata: dict[str, list[int]] = defaultdict(list)
    for one in messages:
        strata[stratum_of(one)].append(one.message_id)
    parts = allot({name: len(ids) for name, ids in strata.items()}, size)
    chance = random.Random(seed)  # noqa: S311  (a sample that can be drawn again)
    total, taken = len(messages), min(size, len(messages))
    drawn: Drawn = {}
    for name in sorted(parts):
        ids = sorted(strata[name])
        weight = len(ids) / parts[name] * taken / total
        drawn |= dict.fromkeys(chance.sample(ids, parts[name]), (name, weight))
    return drawn


def allot(counts: dict[str, int], size: int) -> dict[str, int]:
    """Return how many to take of each stratum, by share, the largest remainders first.

    Strata too small for one are left out only where the size cannot hold them all.
    """
    total = sum(counts.values())
    size = min(size, total)
    exact = {name: size * count / total for name, count in counts.items()} if total else {}
    parts = {name: int(share) for name, share in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (parts[name] - exact[name], name))
    for name in by_remainder[: size - sum(parts.values())]:
        parts[name] += 1
    return {name: part for name, part in parts.items() if part}


def stratum_of(one: Drawable) -> str:
    return f"{one.week:%G-W%V}/{one.judged}/{one.length}/{one.connection_id}"


def frozen(turns: Sequence[Turn]) -> list[dict[str, str]]:
    """Return turns as a row keeps them."""
    return [{"who": turn.who, "text": turn.text} for turn in turns]


def item_rows(
    run: ExperimentRun, wordings: Sequence[Wording], drawn: Drawn, *, first: int = 0
) -> list[SampleItem]:
    """Return unsaved items with text and context as they read now."""
    contexts = context_of([one.message_id for one in wordings])
    return [
        SampleItem(
            run=run,
            message_id=one.message_id,
            conversation_id=one.conversation_id,
            position=first + place,
            text=one.text,
            context=frozen(contexts[one.message_id]),
            stratum=drawn[one.message_id][0],
            weight=drawn[one.message_id][1],
        )
        for place, one in enumerate(wordings)
    ]


def _past_items(run: ExperimentRun) -> list[SampleItem]:
    sample = run.sample
    messages = drawable_messages(
        datetime.fromisoformat(sample["since"]),
        datetime.fromisoformat(sample["until"]),
        [UUID(one) for one in sample["connections"]],
    )
    drawn = draw(messages, int(sample["size"]), run.seed)
    wordings = wordings_of(list(drawn))
    # Not by time: an aborted run should have seen all weeks.
    random.Random(run.seed).shuffle(wordings)  # noqa: S311
    return item_rows(run, wordings, drawn)


def _gold_items(run: ExperimentRun) -> list[SampleItem]:
    rows = list(GoldItem.objects.filter(gold_set=run.gold_set_id).order_by("pk"))
    talks = conversations_of([row.message_id for row in rows])
    return [
        SampleItem(
            run=run,
            message_id=row.message_id,
            conversation_id=talks[row.message_id],
            position=place,
            text=row.text,
            context=row.context,
            stratum=row.stratum,
            weight=row.weight,
        )
        for place, row in enumerate(rows)
        if row.message_id in talks
    ]
