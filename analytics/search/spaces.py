"""The spaces of meaning of a company: which one counts, and which one should.

One row is active; it counts for every search. Another one may be building, which is filled in the
background and takes over in one transaction (analytics/search/switching.py).
"""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from analytics.models import AiSettings, EmbeddingModel
from analytics.providers.rows import provider_rows
from analytics.search import engines, remote

State = EmbeddingModel.State

# How wide the index is searched: 100 found 98.6 % of the nearest, 200 99.9 % at 2 ms more.
EF_SEARCH = 200
# Until enough messages were measured: where 99 % and 99.9 % of random pairs usually end.
EMBEDDED_CUTS = (0.24, 0.45)
REMOTE_CUTS = (0.55, 0.70)


def active_space() -> EmbeddingModel | None:
    """Return the space that searches use, None before the first message was placed."""
    return EmbeddingModel.objects.filter(state=State.ACTIVE).first()


def filled_spaces() -> list[EmbeddingModel]:
    """Return the spaces in which new messages are placed, the active one first."""
    rows = EmbeddingModel.objects.filter(state__in=[State.ACTIVE, State.BUILDING])
    return list(rows.order_by("state", "pk"))


def ensure_active() -> EmbeddingModel:
    """Return the active space; a company without one gets the embedded engine's."""
    found = active_space()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            return make_space(
                engines.default_code(), state=State.ACTIVE, activated_at=timezone.now()
            )
    except IntegrityError:
        # Another worker was first.
        return EmbeddingModel.objects.get(state=State.ACTIVE)


def make_space(code: str, **fields: Any) -> EmbeddingModel:
    """Store a space under the next number; raises IntegrityError when another worker was first.

    Rows of spaces are never deleted, so a number never comes to mean another space.
    """
    last = EmbeddingModel.objects.aggregate(last=Max("pk"))["last"] or 0
    wide = {"ef_search": EF_SEARCH, **fields}
    return EmbeddingModel.objects.create(pk=last + 1, code=code, **wide)


def wanted_code() -> str:
    """Return the code of the space that the company's settings ask for.

    A provider that cannot be asked now is no reason to leave its space; one without a model for
    embeddings is.
    """
    chosen = AiSettings.objects.filter(pk=1, embeds_remotely=True, provider_id__isnull=False)
    provider_id = chosen.values_list("provider_id", flat=True).first()
    if provider_id is None:
        return engines.default_code()
    model = _embedding_model(provider_id)
    return remote.code_of(provider_id, model) if model else engines.default_code()


def _embedding_model(provider_id: UUID) -> str:
    found = provider_rows().filter(pk=provider_id).values_list("embedding_model", flat=True)
    return found.first() or ""


def is_preparing() -> bool:
    """Tell whether older messages still wait for their place, so that only words find them."""
    return not EmbeddingModel.objects.filter(state=State.ACTIVE, filled_down_to=0).exists()


def cuts(space: EmbeddingModel) -> tuple[float, float]:
    """Return from which similarity a hit is called medium, and from which strong."""
    if space.medium_from is not None and space.strong_from is not None:
        return space.medium_from, space.strong_from
    return REMOTE_CUTS if space.code.startswith(engines.REMOTE) else EMBEDDED_CUTS
