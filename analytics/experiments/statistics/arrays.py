"""Names for what the formulas take and give."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Numbers = Sequence[float] | Floats


def floats(values: Numbers) -> Floats:
    """Return the values as one flat array."""
    return np.asarray(values, dtype=np.float64).ravel()


def paired(first: Numbers, second: Numbers) -> tuple[Floats, Floats]:
    """Return both as arrays; raises ValueError when they are not of the same length."""
    a, b = floats(first), floats(second)
    if a.size != b.size:
        raise ValueError(f"{a.size} values cannot be paired with {b.size}.")
    return a, b
