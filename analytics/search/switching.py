"""From one space to another: filled beside the old one, then taken over in one transaction.

Every step reads where the last one ended, so the whole may be killed anywhere and goes on.
"""

import structlog
from django.db import transaction
from django.utils import timezone

from analytics.models import EmbeddingModel, MessageEmbedding
from analytics.search import engines, filling, index, spaces

log = structlog.get_logger(__name__)
State = EmbeddingModel.State
PURGED_AT_ONCE = 2_000


def tend() -> bool:
    """Do the next piece of what is to do; returns whether there is more."""
    active = spaces.ensure_active()
    building = _wanted_building(active)
    if building is None:
        return _fill(active) or purge()
    if _fill(building):
        return True
    return flip(building) or purge()


def _wanted_building(active: EmbeddingModel) -> EmbeddingModel | None:
    """Return the space that is to replace the active one; begin it, give up on another."""
    code = spaces.wanted_code()
    rows = EmbeddingModel.objects.filter(state=State.BUILDING)
    rows.exclude(code=code).update(state=State.RETIRED)
    if code == active.code:
        rows.update(state=State.RETIRED)
        return None
    found = rows.filter(code=code).first()
    return found or _begin(code)


def _begin(code: str) -> EmbeddingModel | None:
    """Begin a space; None while rows of an earlier one with this code are still being purged."""
    provider = code.split(":")[1] if code.startswith(engines.REMOTE) else None
    with transaction.atomic():
        space, is_new = EmbeddingModel.objects.get_or_create(
            code=code, defaults={"state": State.BUILDING, "provider_id": provider}
        )
    return space if is_new or space.state == State.BUILDING else None


def _fill(space: EmbeddingModel) -> bool:
    try:
        return filling.fill_older(space)
    except engines.PlacingFailed as error:
        log.warning("placing_failed", space=space.pk, code=error.code)
        return False


def flip(building: EmbeddingModel) -> bool:
    """Let a filled space take over; False while it is not filled or another one was faster."""
    if not EmbeddingModel.objects.filter(pk=building.pk, filled_down_to=0).exists():
        return False
    # Built before it is needed: the first searches would scan everything.
    index.ensure_index(building)
    rows = EmbeddingModel.objects.all()
    with transaction.atomic():
        rows.filter(state=State.ACTIVE).update(state=State.RETIRED)
        ready = rows.filter(pk=building.pk, state=State.BUILDING, filled_down_to=0)
        done = ready.update(state=State.ACTIVE, activated_at=timezone.now())
        if not done:
            transaction.set_rollback(True)
    return bool(done)


def purge() -> bool:
    """Delete the next rows of spaces no longer in use, at last the space; False when clean."""
    space = EmbeddingModel.objects.filter(state=State.RETIRED).order_by("pk").first()
    if space is None:
        return False
    index.drop_index(space)
    rows = MessageEmbedding.objects.filter(model_id=space.pk).order_by("message_id")
    keys = list(rows.values_list("message_id", flat=True)[:PURGED_AT_ONCE])
    MessageEmbedding.objects.filter(model_id=space.pk, message_id__in=keys).delete()
    if len(keys) < PURGED_AT_ONCE:
        # A worker that still held the space may have stored a row meanwhile: it goes with it.
        EmbeddingModel.objects.filter(pk=space.pk, state=State.RETIRED).delete()
    return True
