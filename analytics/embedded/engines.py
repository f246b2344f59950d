"""The ways to turn text into vectors, by the code that is stored with each vector."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from analytics.embedded import encoder, former_space, hashing, space

Engine = Callable[[Sequence[str]], NDArray[np.float32]]

_ENGINES: dict[str, Engine] = {
    space.CODE: space.embed,
    former_space.CODE: former_space.embed,
    hashing.CODE: hashing.embed,
}


def engine(code: str) -> Engine:
    """Return the engine of a code; raise KeyError for one that is not embedded."""
    return _ENGINES[code]


def default_code() -> str:
    """Return the better engine that can run here."""
    return space.CODE if encoder.is_installed() else hashing.CODE
