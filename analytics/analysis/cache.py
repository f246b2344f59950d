"""Answers that are kept for texts that come again in the same context; never shared by companies.

A cache of the whole house would tell one company what customers write to another.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import orjson
from django.db.models import F
from django.utils import timezone

from analytics.analysis.calls import Asked
from analytics.analysis.items import Item, plain
from analytics.models import CachedJudgement
from analytics.values import Judgement, Turn
from evosense.core.schema import current_tenant

KEPT = timedelta(days=60)


def context_hash(context: Sequence[Turn]) -> str:
    """Return the hash of what was said before; "" for nothing."""
    if not context:
        return ""
    return _digest([[turn.who, plain(turn.text)] for turn in context]).hex()


def key_of(item: Item, asked: Asked) -> bytes:
    """Return the key of an answer: all that decides it, and whose it is."""
    return _digest(
        [
            str(current_tenant().id),
            str(asked.ref.id),
            asked.model,
            asked.prompt.hash,
            context_hash(item.context),
            plain(item.text),
        ]
    )


def known(keys: Collection[bytes]) -> dict[bytes, Judgement]:
    """Return the answers that are there, and count their use."""
    rows = CachedJudgement.objects.filter(key__in=list(keys), created_at__gt=timezone.now() - KEPT)
    found = {bytes(row.key): _judgement(row.values) for row in rows}
    if found:
        CachedJudgement.objects.filter(key__in=list(found)).update(hits=F("hits") + 1)
    return found


def keep(answers: Mapping[bytes, tuple[int, Judgement]], model_returned: str) -> None:
    """Keep answers; `answers` says of which message each is. The first one of a key stays."""
    CachedJudgement.objects.bulk_create(
        [
            CachedJudgement(
                key=key,
                message_id=message_id,
                values=asdict(judgement),
                model_returned=model_returned[:120],
            )
            for key, (message_id, judgement) in sorted(answers.items())
        ],
        ignore_conflicts=True,
    )


def forget(message_ids: Collection[int]) -> None:
    """Delete the answers that were given for messages, whose words are no longer said."""
    if message_ids:
        CachedJudgement.objects.filter(message_id__in=message_ids).delete()


def forget_old() -> int:
    """Delete answers whose time is over; returns how many."""
    return CachedJudgement.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]


def _judgement(values: dict[str, Any]) -> Judgement:
    return Judgement(**{**values, "cues": ()})


def _digest(parts: Any) -> bytes:
    return hashlib.sha256(orjson.dumps(parts)).digest()
