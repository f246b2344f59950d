"""Training a booster from a company's own labels. It judges nobody before it won an experiment."""

from typing import Any

import numpy as np
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from analytics.analysis.boosting import boost, learn, packed, side_of
from analytics.analysis.embedded_arm import the_analyser
from analytics.labelling.gold import Said, settled
from analytics.models import Booster
from analytics.values import Judgement
from evosense.core.errors import Conflict
from messaging.models import Message
from tenancy.services import audit

FEWEST_LABELS = 500
# Of which the features fit into a worker's memory.
MOST_LABELS = 20_000
FOLDS = 5


def train() -> Booster:
    """Learn from the newest MOST_LABELS settled ones; Conflict `too_few_labels` for too few.

    Computes for some seconds: call it outside transactions and requests.
    """
    said = [one for one in settled(MOST_LABELS) if one.word.sentiment is not None]
    if len(said) < FEWEST_LABELS:
        message = _("%(number)s labels are needed, there are %(have)s.") % {
            "number": FEWEST_LABELS,
            "have": len(said),
        }
        raise Conflict("too_few_labels", message)
    rows, judged, groups = _seen(said)
    sides = [side_of(one.word.sentiment or 0) for one in said]
    weights = [one.weight for one in said]
    figures = _cross_validated(rows, judged, sides, weights, groups)
    return _write(packed(learn(rows, sides, weights)), len(said), figures)


def _seen(said: list[Said]) -> tuple[Any, list[Judgement], Any]:
    # Imported late: it loads the encoder.
    from analytics.embedded.features import features  # noqa: PLC0415

    ids = [one.message_id for one in said]
    found = Message.objects.filter(pk__in=ids).values_list("pk", "text", "conversation_id")
    texts = {pk: text for pk, text, _conversation in found}
    rooms = {pk: conversation for pk, _text, conversation in found}
    ordered = [texts[pk] for pk in ids]
    return features(ordered), the_analyser().judge(ordered), np.array([rooms[pk] for pk in ids])


def _cross_validated(
    rows: Any, judged: list[Judgement], sides: list[int], weights: list[float], groups: Any
) -> dict[str, float]:
    """Compare with and without the booster on conversations that it did not learn from."""
    wanted = np.array(sides)
    alone = np.array([side_of(one.sentiment) for one in judged])
    boosted = alone.copy()
    for fold in range(FOLDS):
        held = groups % FOLDS == fold
        if not held.any() or held.all():
            continue
        kept = np.flatnonzero(~held)
        learnt = learn(rows[kept], [sides[at] for at in kept], [weights[at] for at in kept])
        changed = boost(learnt, rows[held], [judged[at] for at in np.flatnonzero(held)])
        boosted[held] = [side_of(one.sentiment) for one in changed]
    return {
        "accuracy_alone": float((alone == wanted).mean()),
        "accuracy_boosted": float((boosted == wanted).mean()),
        "flips_alone": float((alone * wanted == -1).mean()),
        "flips_boosted": float((boosted * wanted == -1).mean()),
    }


def _write(weights: bytes, labels: int, figures: dict[str, float]) -> Booster:
    last = Booster.objects.aggregate(last=Max("version"))["last"] or 0
    try:
        with transaction.atomic():
            row = Booster.objects.create(
                version=last + 1,
                analyser=the_analyser().version,
                labels=labels,
                weights=weights,
                figures=figures,
            )
            audit.record(
                "booster.trained",
                object_type="booster",
                object_id=row.version,
                object_label=f"booster {row.version}",
            )
    except IntegrityError as error:
        raise Conflict("already_trained", _("Another training was faster.")) from error
    return row
