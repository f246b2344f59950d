"""From probabilities to a sign: calling good bad costs more than saying neither."""

import numpy as np
from numpy.typing import NDArray

# A flip costs this many plain errors on top of one. Chosen by cross-validation.
FLIP_COSTS = 3.0


def sign_of(shares: NDArray[np.float32], flip_costs: float = FLIP_COSTS) -> int:
    """Return -1, 0 or 1: the sign whose expected cost is the least."""
    bad, even, good = (float(share) for share in shares)
    costs = {0: bad + good, -1: even + (1 + flip_costs) * good, 1: even + (1 + flip_costs) * bad}
    return min(costs, key=lambda sign: costs[sign])
