"""The blind queue: one message at a time, held for one person, without what analysers said.

Some are asked of two people. Where the two differ, a third decides, and sees that it is a dispute
but not what was said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, When
from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.analysis.context import context_of
from analytics.labelling.keeping import keep
from analytics.labelling.words import Word, check, word_of
from analytics.models import Label, ReviewItem
from analytics.values import Turn
from evosense.core.errors import Conflict, NotFound

HELD = timedelta(minutes=10)
# Two people agree when the levels are neighbours on the same side and the emotion is the same.
NEAR = 0.5
# Nobody reads a larger number otherwise, and counting it would read every row.
COUNTED = 1_000
State = ReviewItem.State


@dataclass(frozen=True, slots=True)
class Question:
    """What a reviewer sees: never a value that an analyser gave."""

    id: UUID
    text: str
    context: Sequence[Turn]
    is_dispute: bool
    left: int


def next_question(
    user_id: int, *, run_id: str | None = None, skipped: UUID | None = None
) -> Question | None:
    """Hold the next message for this person and return it; None when nothing is left for them.

    What they hold already comes first, so that a second tab shows the same message; the one that
    they `skipped` comes last.
    """
    with transaction.atomic():
        item = _take(user_id, run_id, skipped)
        if item is None:
            return None
        item.held_by, item.held_until = user_id, timezone.now() + HELD
        item.save(update_fields=["held_by", "held_until"])
    context = context_of([item.message_id]).get(item.message_id, [])
    return Question(
        item.public_id, item.message.text, context, item.state == State.DISPUTED,
        _counted(_open_for(user_id, run_id)),
    )  # fmt: skip


def answer(item_id: UUID, word: Word, *, user_id: int, seconds: int | None = None) -> ReviewItem:
    """Keep a person's word; raises NotFound, Invalid, or Conflict when somebody was faster."""
    check(word, needs_all=True)
    with transaction.atomic():
        item = _held(item_id)
        if item.state == State.DONE:
            raise Conflict("already_done", _("Others have answered this one meanwhile."))
        if item.held_by not in (None, user_id) and _is_held(item):
            raise Conflict("held", _("Somebody else has this one now."))
        is_dispute = item.state == State.DISPUTED
        if item.labels.filter(user_id=user_id).exists():
            raise Conflict("already_answered", _("You have answered this one."))
        source = Label.Source.ADJUDICATION if is_dispute else Label.Source.REVIEW
        keep(item.message_id, user_id, source, word, item=item, seconds=seconds)
        item.state = State.DONE if is_dispute else _state_after(item)
        item.held_by = item.held_until = None
        item.save(update_fields=["state", "held_by", "held_until"])
    return item


def skip(item_id: UUID, *, user_id: int) -> None:
    """Let go of a message, so that others may have it at once."""
    held = ReviewItem.objects.filter(public_id=item_id, held_by=user_id)
    held.update(held_by=None, held_until=None)


def _take(user_id: int, run_id: str | None, skipped: UUID | None) -> ReviewItem | None:
    first = When(held_by=user_id, then=0), When(public_id=skipped, then=3)
    order = Case(*first, When(state=State.DISPUTED, then=1), default=2, output_field=IntegerField())
    rows = _open_for(user_id, run_id).select_for_update(skip_locked=True, of=("self",))
    return rows.select_related("message").order_by(order, "pk").first()


def _open_for(user_id: int, run_id: str | None) -> QuerySet[ReviewItem]:
    rows = ReviewItem.objects.exclude(state=State.DONE).filter(message__deleted_at=None)
    if run_id is not None:
        rows = rows.filter(run_id=run_id)
    said = Label.objects.filter(item=OuterRef("pk"), user_id=user_id)
    free = Q(held_until=None) | Q(held_until__lt=timezone.now()) | Q(held_by=user_id)
    return rows.filter(free, ~Exists(said))


def _held(item_id: UUID) -> ReviewItem:
    item = ReviewItem.objects.select_for_update().filter(public_id=item_id).first()
    if item is None:
        raise NotFound("review_item_not_found", _("There is no such message to review."))
    return item


def _is_held(item: ReviewItem) -> bool:
    return item.held_until is not None and item.held_until > timezone.now()


def _state_after(item: ReviewItem) -> str:
    words = [word_of(label) for label in item.labels.filter(source=Label.Source.REVIEW)]
    if len(words) < item.wanted:
        return State.OPEN
    return State.DONE if all(agree(words[0], other) for other in words[1:]) else State.DISPUTED


def agree(one: Word, other: Word) -> bool:
    """Tell whether two people said the same: same side, at most a level apart, same emotion."""
    if one.sentiment is None or other.sentiment is None:
        return False
    same_side = (one.sentiment > 0) == (other.sentiment > 0) and (one.sentiment < 0) == (
        other.sentiment < 0
    )
    near = abs(one.sentiment - other.sentiment) <= NEAR
    return same_side and near and one.emotion == other.emotion


def counts() -> dict[str, int]:
    """Return how many wait, are disputed and are done; COUNTED stands for that many or more."""
    return {state: _counted(ReviewItem.objects.filter(state=state)) for state in State.values}


def _counted(rows: QuerySet[ReviewItem]) -> int:
    return rows.order_by("pk")[:COUNTED].count()
