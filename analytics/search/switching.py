"""From one space to another: filled beside the old one, then taken over in one transaction.

Every step reads where the last one ended, so the whole may be killed anywhere and goes on.
"""

from contextlib import suppress

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from analytics.models import EmbeddingModel, MessageEmbedding
from analytics.search import engines, filling, index, remote, spaces

log = structlog.get_logger(__name__)
State = EmbeddingModel.State
PURGED = 2_000


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
    """Begin a space; None while its rows of an earlier time are purged, or another was first."""
    known = EmbeddingModel.objects.filter(code=code).first()
    if known is not None:
        if MessageEmbedding.objects.filter(model_id=known.pk).exists():
            return None
        rows = EmbeddingModel.objects.filter(pk=known.pk, state=State.RETIRED)
        rows.update(state=State.BUILDING, filled_down_to=None, measured_at=None, recall_at=None)
        known.refresh_from_db()
        return known
    provider = remote.provider_of(code) if code.startswith(engines.REMOTE) else None
    with suppress(IntegrityError), transaction.atomic():
        return spaces.make_space(code, state=State.BUILDING, provider_id=provider)
    return None


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
    """Delete the next rows of spaces no longer in use; False when there are none."""
    for space in EmbeddingModel.objects.filter(state=State.RETIRED).order_by("pk"):
        rows = MessageEmbedding.objects.filter(model_id=space.pk)
        keys = list(rows.order_by("message_id").values_list("message_id", flat=True)[:PURGED])
        if keys:
            index.drop_index(space)
            rows.filter(message_id__in=keys).delete()
            return True
    return False
