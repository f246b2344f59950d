"""What tools/train_orders.py learns from: orders to a judge, honest messages, and both in one.

Everything is in analytics/embedded/training: orders/orders_*.txt (by kind; `{mood}` is any of that
line of orders/parts.txt), orders/honest.txt (what only looks like orders), and the messages that
the analyser and the space learn from. Choices are made by hashes: there is no chance in it.
"""

from __future__ import annotations

import hashlib
import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from analytics.embedded.pieces import CLAUSE, clauses, sentences  # noqa: E402
from analytics.embedded.text import clean  # noqa: E402

TRAINING = ROOT / "analytics" / "embedded" / "training"
ORDERS = TRAINING / "orders"
FOLDS = 5
# Orders whose parts say nothing of themselves.
WHOLE = frozenset({"fewshot", "long", "delimiter"})
_BETWEEN = ("\n", " ", "\n\n", " ")
_UNPUNCTUATED = ("\n", ". ", " - ", ", ", "\n\n")


@dataclass(frozen=True)
class Order:
    """A way to give orders, in one language, with parts to be filled in."""

    kind: str
    language: str
    text: str

    def filled(self, by: str) -> str:
        """Return it with parts chosen by `by`."""

        def chosen(match: re.Match[str]) -> str:
            parts = PARTS.get((self.language, match.group(1)))
            number = hashed(f"{self.text}|{match.start()}|{by}")
            return parts[number % len(parts)] if parts else match.group()

        return clean(re.sub(r"\{(\w+)\}", chosen, self.text))


@dataclass(frozen=True)
class Honest:
    """What a customer says to a company; `hard` if it only looks like an order."""

    text: str
    is_hard: bool

    @property
    def fold(self) -> int:
        """The part of the material it belongs to."""
        return hashed(self.text) % FOLDS


@dataclass(frozen=True)
class Mixed:
    """An order with an honest message; `given` says which characters are the order."""

    order: Order
    text: str
    given: list[bool]
    honest: str


def hashed(text: str) -> int:
    """Return a number that is always the same for a text."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:12], 16)


def digest() -> str:
    """Return the hash of the material that is about orders, kept with the weights."""
    files = [*sorted(ORDERS.glob("*.txt")), ORDERS.parents[1] / "data" / "judging.txt"]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def _parts() -> dict[tuple[str, str], list[str]]:
    lines = (ORDERS / "parts.txt").read_text("utf-8").splitlines()
    named = [line.split(": ", 1) for line in lines]
    return {(name[:2], name[3:]): told.split(" | ") for name, told in named}


PARTS = _parts()


def orders() -> list[Order]:
    """Return all ways to give orders."""
    found, kind = [], ""
    for path in sorted(ORDERS.glob("orders_*.txt")):
        for line in path.read_text("utf-8").splitlines():
            if re.fullmatch(r"\[\w+\]", line):
                kind = line[1:-1]
            elif line:
                found.append(Order(kind, line[:2], line[3:].replace("\\n", "\n")))
    return found


def graded() -> list[tuple[int, str]]:
    """Return the analyser's training messages with their grades, those sure to be honest."""
    lines = [
        line.split("|", 4)
        for path in sorted(TRAINING.glob("*.txt"))
        if "retrieval" not in path.name
        for line in path.read_text("utf-8").splitlines()
    ]
    return [(int(line[0]), clean(line[4])) for line in lines]


def honest() -> list[Honest]:
    """Return everything that gives no orders."""
    found = [Honest(text, is_hard=False) for _grade, text in graded()]
    for path in sorted(TRAINING.glob("retrieval_*.txt")):
        lines = path.read_text("utf-8").splitlines()
        said = [line[2:] for line in lines if line[:2] in {"D|", "L|", "P|"}]
        found += [Honest(clean(text), is_hard=False) for text in said]
    lines = (ORDERS / "honest.txt").read_text("utf-8").splitlines()
    found += [Honest(clean(line.replace("\\n", "\n")), is_hard=True) for line in lines]
    return [one for one in dict.fromkeys(found) if one.text]


def taken_apart(text: str, *, whole: bool = False) -> list[str]:
    """Return the text, its sentences, and unless it counts as a whole, their parts."""
    pieces = [*sentences(text), *(() if whole else clauses(text))]
    said = [text, *(text[piece.start : piece.end].strip() for piece in pieces)]
    return [one for one in dict.fromkeys(said) if any(c.isalnum() for c in one)]


def mixed(order: Order, by: str, fold: int) -> Mixed:
    """Return the order before, behind or within a message of that part of the material."""
    number = hashed(f"{by}|{order.kind}|{order.text}")
    message = _message(number, fold)
    said = order.filled(by)
    first, second = _halves(message)
    if number // 7 % 3 == 2 and second:
        gap = (" ", " ", "\n", " ")[number // 31 % 4]
        return _put(order, [(first, 0), (gap, 0), (said, 1), (gap, 0), (second, 0)])
    if number // 7 % 3 == 0:
        gap = _BETWEEN[number // 31 % 4]
        if gap == " " and said[-1] not in ".!?>}]`":
            gap = ("\n", ". ")[number // 97 % 2]
        return _put(order, [(said, 1), (gap, 1), (message, 0)])
    is_apart = message[-1] in ".!?…" or not said[0].isalnum()
    gaps = _BETWEEN if is_apart else _UNPUNCTUATED
    return _put(order, [(message, 0), (gaps[number // 31 % len(gaps)], 1), (said, 1)])


def _put(order: Order, parts: list[tuple[str, int]]) -> Mixed:
    text = "".join(part for part, _given in parts)
    given = [bool(is_given) for part, is_given in parts for _character in part]
    kept = " ".join(part.strip() for part, is_given in parts if not is_given and part.strip())
    return Mixed(order, text, given, kept)


def _bases() -> list[tuple[int, str]]:
    """Return what orders are put beside: training messages, and what only looks like orders."""
    found = graded()
    hard = [one.text for one in honest() if one.is_hard and "\n" not in one.text]
    return [*found, *((1, text) for text in hard if text[0].isalnum())]


def _message(number: int, fold: int) -> str:
    """Return a message of the fold; neutral ones are rare, for there is little to move in them."""
    for step in range(60):
        grade, text = MESSAGES[(number + step * 7919) % len(MESSAGES)]
        if hashed(text) % FOLDS == fold and len(text) > 4 and (grade or step > 3):
            return text
    return MESSAGES[number % len(MESSAGES)][1]


def _halves(text: str) -> tuple[str, str]:
    cuts = [piece.start for piece in clauses(text) if piece.start and piece.joint >= CLAUSE]
    middle = cuts[len(cuts) // 2] if cuts else len(text)
    return text[:middle].strip(), text[middle:].strip()


MESSAGES = _bases()
