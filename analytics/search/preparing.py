"""How far the search is on its way to another space."""

from dataclasses import dataclass

from analytics.models import EmbeddingModel
from analytics.search import engines, spaces
from messaging.selectors.matches import keys_below

# No longer list is counted; the page says "and more".
MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Preparation:
    """`left` messages still wait for their place, counted up to MOST_COUNTED."""

    left: int
    is_remote: bool


def preparation() -> Preparation | None:
    """Return the change under way or about to begin; None when the wanted space is in use."""
    code = spaces.wanted_code()
    active = spaces.active_space()
    if active is None or active.code == code:
        return None
    found = EmbeddingModel.objects.filter(code=code, state=EmbeddingModel.State.BUILDING)
    down_to = found.values_list("filled_down_to", flat=True).first()
    left = len(keys_below(down_to, MOST_COUNTED))
    return Preparation(left, code.startswith(engines.REMOTE))
