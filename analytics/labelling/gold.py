"""Gold sets: messages with what people said of them, frozen to measure experiments by."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from statistics import median
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.analysis.context import context_of
from analytics.experiments.statistics.alpha import krippendorff_alpha
from analytics.labelling.words import Word, word_of
from analytics.models import Emotion, GoldItem, GoldSet, Label, ReviewItem
from evosense.core.errors import Conflict, Invalid, NotFound
from evosense.core.ids import uuid7
from messaging.models import Message
from tenancy.services import audit
from tenancy.services.names import clean_name, clean_note

FEWEST, MOST = 10, 5_000
# Answers that the figures of the page are of.
LOOKED_AT = 2_000
LONGEST_NAME = 80
LONGEST_DESCRIPTION = 1_000
# Below it people read the same message differently: the question, not the analyser, is at fault.
CLEAR_FROM = 0.4


@dataclass(frozen=True, slots=True)
class Said:
    """What people came to about one message, and with what weight it counts."""

    message_id: int
    word: Word
    stratum: str
    weight: float


def freeze(name: str, *, created_by: str, description: str = "") -> GoldSet:
    """Make a set of everything that is labelled and not disputed; raises Invalid or Conflict."""
    name = clean_name(name, field="name", length=LONGEST_NAME)
    description = clean_note(description, field="description", length=LONGEST_DESCRIPTION)
    said = settled()
    if len(said) < FEWEST:
        message = _("At least %(number)s messages must be labelled.") % {"number": FEWEST}
        raise Invalid("too_few", message, field="name")
    try:
        with transaction.atomic():
            return _write(name, description, created_by, said)
    except IntegrityError as error:
        raise Conflict("name_taken", _("There is a set of this name."), field="name") from error


def gold_set(public_id: UUID) -> GoldSet:
    """Return one set; raises NotFound."""
    row = GoldSet.objects.filter(public_id=public_id).first()
    if row is None:
        raise NotFound("gold_set_not_found", _("There is no such set."))
    return row


def settled(most: int = MOST) -> list[Said]:
    """Return what people said of the newest `most` messages of the queue that are done.

    A decision between two goes before both; corrections in the thread were not blind and stay out.
    """
    items = ReviewItem.objects.filter(state=ReviewItem.State.DONE, message__deleted_at=None)
    found: dict[int, Said] = {}
    for item in items.prefetch_related("labels").order_by("-pk")[:most]:
        word = _verdict(list(item.labels.all()))
        if word and item.message_id not in found:
            weight = 1 / item.probability if item.probability else 1.0
            found[item.message_id] = Said(item.message_id, word, item.stratum, weight)
    return list(found.values())


def sets(most: int) -> QuerySet[GoldSet]:
    """Return the newest sets with the `size` of each, counted for these alone."""
    items = GoldItem.objects.filter(gold_set=OuterRef("pk")).order_by().values("gold_set")
    size = Subquery(items.annotate(size=Count("pk")).values("size"))
    return GoldSet.objects.annotate(size=Coalesce(size, 0)).order_by("-pk")[:most]


def figures(of: Collection[int] | None = None) -> dict[str, float | int | None]:
    """Return people, messages, the share asked twice, and Krippendorff's alpha of each value.

    Of the messages named, or of the newest LOOKED_AT answers of the review.
    """
    rows = Label.objects.filter(source=Label.Source.REVIEW, is_current=True)
    # Along the index of the items: labels of the thread have none, and may be many more.
    recent = rows.filter(item__isnull=False).order_by("-item_id")[:LOOKED_AT]
    labels = list(recent if of is None else rows.filter(message_id__in=of))
    units: dict[int, list[Label]] = defaultdict(list)
    for label in labels:
        units[label.message_id].append(label)
    pairs = [group for group in units.values() if len(group) > 1]
    return {
        "answers": len(labels),
        "people": len({label.user_id for label in labels}),
        "messages": len(units),
        "twice": len(pairs) / len(units) if units else None,
        "alpha_sentiment": krippendorff_alpha(
            [[one.sentiment for one in pair] for pair in pairs], "interval"
        ),
        "alpha_emotion": krippendorff_alpha(
            [[_code(one.emotion) for one in pair] for pair in pairs], "nominal"
        ),
        "alpha_satisfaction": krippendorff_alpha(
            [[one.satisfaction for one in pair] for pair in pairs], "interval"
        ),
    }


def _write(name: str, description: str, created_by: str, said: list[Said]) -> GoldSet:
    ids = [one.message_id for one in said]
    row = GoldSet.objects.create(
        public_id=uuid7(), name=name, description=description, figures=figures(ids),
        created_by=created_by[:100], frozen_at=timezone.now(),
    )  # fmt: skip
    contexts = context_of(ids)
    texts = _texts(ids)
    GoldItem.objects.bulk_create(
        GoldItem(
            gold_set=row,
            message_id=one.message_id,
            text=texts[one.message_id],
            context=[
                {"who": turn.who, "text": turn.text} for turn in contexts.get(one.message_id, [])
            ],
            stratum=one.stratum,
            weight=one.weight,
            sentiment=one.word.sentiment,
            emotion=one.word.emotion,
            satisfaction=one.word.satisfaction,
            tone=one.word.tone,
        )
        for one in said
    )
    audit.record(
        "gold_set.frozen", object_type="gold_set", object_id=row.public_id, object_label=name
    )
    return row


def _texts(ids: Iterable[int]) -> dict[int, str]:
    return dict(Message.objects.filter(pk__in=list(ids)).values_list("pk", "text"))


def _verdict(labels: list[Label]) -> Word | None:
    decided = [one for one in labels if one.source == Label.Source.ADJUDICATION]
    words = [word_of(one) for one in decided or labels if one.is_current]
    if not words:
        return None
    if len(words) == 1:
        return words[0]
    satisfactions = [one.satisfaction for one in words if one.satisfaction is not None]
    return Word(
        sentiment=float(median(one.sentiment for one in words if one.sentiment is not None)),
        emotion=words[0].emotion,
        satisfaction=round(median(satisfactions)) if satisfactions else None,
        tone=words[0].tone,
    )


def _code(word: str) -> float | None:
    return float(Emotion.values.index(word)) if word in Emotion.values else None
