"""The hand that types: the same sentence never looks the same from two people."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from messaging.simulator.dice import Dice
    from messaging.simulator.people import Habits

SLANG = {
    "você": "vc",
    "vocês": "vcs",
    "porque": "pq",
    "também": "tb",
    "hoje": "hj",
    "quando": "qdo",
    "muito": "mt",
    "não": "n",
    "comigo": "cmg",
    "mensagem": "msg",
    "beleza": "blz",
    "obrigado": "obg",
    "obrigada": "obgd",
    "quanto": "qto",
    "está": "tá",
    "estou": "tô",
    "para": "pra",
}
LAUGHS = ("kkk", "kkkk", "kkkkkk", "rsrs", "haha")


def write(die: Dice, habits: Habits, text: str, mood: str, emoji: tuple[str, ...]) -> str:
    """Put one sentence into a customer's own spelling."""
    if habits.slang > 0.15:
        text = _shorten(die, text, habits.slang)
    if mood == "furious" and die.chance(0.22):
        return text.upper() + die.pick(("!", "!!", "!!!"))
    if die.chance(habits.lower):
        text = text[0].lower() + text[1:]
        text = text.removesuffix(".")
    if die.chance(habits.typos):
        text = _slip(die, text)
    if mood in {"happy", "ironic"} and die.chance(habits.slang * 0.4):
        text = f"{text} {die.pick(LAUGHS)}"
    if die.chance(habits.emoji):
        text = f"{text} {die.pick(emoji)}"
    return text


def _shorten(die: Dice, text: str, share: float) -> str:
    words = text.split(" ")
    return " ".join(
        SLANG[word.lower()] if word.lower() in SLANG and die.chance(share) else word
        for word in words
    )


def _slip(die: Dice, text: str) -> str:
    """One of the usual slips: swapped letters, a lost letter, no accents."""
    if die.chance(0.5):
        plain = unicodedata.normalize("NFD", text)
        return "".join(letter for letter in plain if not unicodedata.combining(letter))
    if len(text) < 6:
        return text
    at = die.randrange(1, len(text) - 2)
    if not (text[at].isalpha() and text[at + 1].isalpha()):
        return text
    if die.chance(0.5):
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + text[at + 1 :]


def split_burst(die: Dice, text: str) -> list[str]:
    """Some people send one thought in several messages."""
    for mark in (", ", ". ", "? "):
        head, found, tail = text.partition(mark)
        if found and len(head) > 4 and len(tail) > 4:
            kept = "" if mark == ", " else mark.strip()
            return [head + kept, tail]
    words = text.split(" ")
    if len(words) < 6:
        return [text]
    at = die.randrange(2, len(words) - 2)
    return [" ".join(words[:at]), " ".join(words[at:])]
