"""Seeded chance: the same words give the same throw on every machine."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T")


class Dice(random.Random):
    """A generator of its own, with the few throws that the simulator needs."""

    def chance(self, probability: float) -> bool:
        return self.random() < probability

    def pick(self, options: Sequence[T]) -> T:
        return options[int(self.random() * len(options))]

    def weighted(self, weights: Mapping[T, float]) -> T:
        mark = self.random() * sum(weights.values())
        for option, weight in weights.items():
            mark -= weight
            if mark < 0:
                return option
        return next(iter(weights))

    def around(self, median: float, spread: float = 0.8) -> float:
        """Waiting times: mostly near the median, with a long tail."""
        return median * self.lognormvariate(0.0, spread)

    def hex(self, digits: int) -> str:
        return f"{self.getrandbits(digits * 4):0{digits}X}"


def dice(*words: object) -> Dice:
    """`hash()` differs per process, so the seed is a digest of the words."""
    digest = hashlib.blake2b("|".join(map(str, words)).encode(), digest_size=8).digest()
    return Dice(int.from_bytes(digest, "big"))


def fixed_uuid(*words: object) -> str:
    digits = hashlib.blake2b("|".join(map(str, words)).encode(), digest_size=16).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-9{digits[17:20]}-{digits[20:]}"


def row_id(message_id: str) -> str:
    """Evolution's own row id (a cuid), which must never be mistaken for the WhatsApp id."""
    return "cm" + hashlib.blake2b(message_id.encode(), digest_size=12).hexdigest()[:23]
