"""Templates and slots: the words people use, read once from `phrases/*.toml`."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from messaging.simulator.dice import Dice

FOLDER = Path(__file__).parent / "phrases"
SLOT = re.compile(r"\{(~?)([a-z_]+)\}")
MOODS = ("happy", "neutral", "thankful", "annoyed", "furious", "ironic")

Part = tuple[str, str]
"""('', literal), ('=', sticky slot) or ('~', slot drawn anew)."""
Template = tuple[Part, ...]


class Line(NamedTuple):
    """Something to say, and what the other side answers to exactly that."""

    words: Template
    replies: tuple[Template, ...]


Lines = tuple[Line, ...]


def compile_template(text: str) -> Template:
    parts: list[Part] = []
    position = 0
    for match in SLOT.finditer(text):
        if match.start() > position:
            parts.append(("", text[position : match.start()]))
        parts.append((match[1] or "=", match[2]))
        position = match.end()
    if position < len(text):
        parts.append(("", text[position:]))
    return tuple(parts)


def compile_line(text: str) -> Line:
    words, _, replies = text.partition(" => ")
    answers = tuple(compile_template(reply) for reply in replies.split(" | ") if reply)
    return Line(compile_template(words), answers)


def _compile_all(texts: Iterable[str]) -> Lines:
    return tuple(compile_line(text) for text in texts)


@dataclass(frozen=True, slots=True)
class Theme:
    name: str
    weight: float
    moods: Mapping[str, float]
    lines: Mapping[str, Lines]


@dataclass(frozen=True, slots=True)
class Mood:
    say: Lines
    close: Lines
    emoji: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Book:
    """Everything one vertical can say."""

    slots: Mapping[str, tuple[str, ...]]
    themes: Mapping[str, Theme]
    customer: Mapping[str, Lines]
    agent: Mapping[str, Lines]
    group: Mapping[str, Lines]
    moods: Mapping[str, Mood]
    reactions: tuple[str, ...]


@dataclass(slots=True)
class Speaker:
    """Fills templates; what was said once in a conversation stays the same."""

    book: Book
    die: Dice
    known: dict[str, str] = field(default_factory=dict)
    replies: tuple[Template, ...] = ()
    """What answers the last sentence; empty when anything fits."""

    def fill(self, template: Template) -> str:
        return "".join(text if not kind else self._word(kind, text) for kind, text in template)

    def say(self, lines: Lines) -> str:
        line = self.die.pick(lines)
        self.replies = line.replies
        return capital(self.fill(line.words))

    def reply(self, replies: tuple[Template, ...], otherwise: Lines) -> str:
        """What was bound to an earlier sentence, else any of `otherwise`."""
        if not replies:
            return self.say(otherwise)
        return capital(self.fill(self.die.pick(replies)))

    def _word(self, kind: str, slot: str) -> str:
        if kind == "=" and slot in self.known:
            return self.known[slot]
        word = self.die.pick(self.book.slots[slot])
        if kind == "=":
            self.known[slot] = word
        return word


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


@lru_cache
def book(vertical: str) -> Book:
    common, own = _read("common"), _read(vertical)
    slots = {**common["slots"], **own["slots"]}
    return Book(
        slots={name: tuple(words) for name, words in slots.items()},
        themes={name: _theme(name, body) for name, body in own["themes"].items()},
        customer={name: _compile_all(texts) for name, texts in common["customer"].items()},
        agent={name: _compile_all(texts) for name, texts in common["agent"].items()},
        group={name: _compile_all(texts) for name, texts in common["group"].items()},
        moods={name: _mood(name, common) for name in MOODS},
        reactions=tuple(common["emoji"]["reaction"]),
    )


def _theme(name: str, body: dict[str, Any]) -> Theme:
    lines = {key: _compile_all(value) for key, value in body.items() if isinstance(value, list)}
    return Theme(name=name, weight=body["weight"], moods=body["moods"], lines=lines)


def _mood(name: str, common: dict[str, Any]) -> Mood:
    words = common["moods"][name]
    return Mood(
        say=_compile_all(words["say"]),
        close=_compile_all(words["close"]),
        emoji=tuple(common["emoji"][name]),
    )


@lru_cache
def verticals() -> tuple[str, ...]:
    return tuple(
        sorted(path.stem for path in FOLDER.glob("*.toml") if path.stem not in {"common", "names"})
    )
