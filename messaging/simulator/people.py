"""Invented people, groups and business lines, all derived from (seed, index).

Nothing is remembered between calls: the history and the live traffic meet the same
people because both ask with the same seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from messaging.simulator.dice import dice, fixed_uuid
from messaging.simulator.names import FIRST_NAMES, NICKNAMES, SURNAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messaging.simulator.dice import Dice

OLD_AREA_CODES = ("31", "41", "48", "51", "61", "62", "71", "81", "85", "92")
NEW_AREA_CODES = ("11", "13", "19", "21", "27")


class Addressing(StrEnum):
    """How WhatsApp names this person to the instance."""

    PHONE = "pn"
    LID = "lid"
    HIDDEN = "hidden"
    """Only ever a LID: the phone stays unknown."""
    LATE = "late"
    """A LID at first; the phone becomes known at the second attendance."""


@dataclass(frozen=True, slots=True)
class Line:
    """One WhatsApp number of a business, on one Evolution instance."""

    instance: str
    number: str
    profile_name: str
    vertical: str
    themes: tuple[str, ...] = ()
    weight: float = 1.0

    @property
    def jid(self) -> str:
        return f"{self.number}@s.whatsapp.net"

    @property
    def lid(self) -> str:
        return f"{lid_digits('line', self.number)}@lid"

    @property
    def instance_id(self) -> str:
        return fixed_uuid("instance", self.instance)


@dataclass(frozen=True, slots=True)
class Habits:
    """How a person writes."""

    lower: float
    slang: float
    emoji: float
    burst: float
    typos: float
    audio: float


@dataclass(frozen=True, slots=True)
class Person:
    index: int
    name: str
    push_name: str | None
    phone: str
    jid: str
    lid: str
    addressing: Addressing
    platform: str
    habits: Habits
    reads_receipts: bool

    @property
    def first_name(self) -> str:
        return self.name.split(" ", 1)[0]


@dataclass(frozen=True, slots=True)
class Group:
    jid: str
    subject: str
    members: tuple[Person, ...]
    created: int


def lid_digits(*words: object) -> str:
    return str(10**14 + dice("lid", *words).randrange(9 * 10**14))


def person(seed: int, index: int, area_code: str = "11") -> Person:
    die = dice(seed, "person", index)
    name = f"{die.pick(FIRST_NAMES)} {die.pick(SURNAMES)}"
    phone, user = _numbers(die, seed, index, area_code)
    platform = die.weighted({"android": 62, "ios": 30, "web": 8})
    return Person(
        index=index,
        name=name,
        push_name=_push_name(die, name),
        phone=phone,
        jid=f"{user}@s.whatsapp.net",
        lid=f"{lid_digits(seed, index)}@lid",
        addressing=die.weighted(
            {
                Addressing.PHONE: 60,
                Addressing.LID: 31,
                Addressing.HIDDEN: 4,
                Addressing.LATE: 5,
            }
        ),
        platform=platform,
        habits=_habits(die),
        reads_receipts=die.chance(0.86),
    )


def _numbers(die: Dice, seed: int, index: int, area_code: str) -> tuple[str, str]:
    """Phone with thirteen digits, and the user part of the JID (twelve for old accounts)."""
    area = area_code
    if die.chance(0.34):
        area = die.pick(NEW_AREA_CODES + OLD_AREA_CODES)
    size = 100_000 if index < 99_000 else 10_000_000
    # A bijection over the index: two people never share a number.
    serial = (index * 7919 + seed * 104_729) % size
    if int(area) >= 31 and die.chance(0.28):
        local = f"8{serial:07d}" if size > 100_000 else f"800{serial:05d}"
        return f"55{area}9{local}", f"55{area}{local}"
    local = f"9{serial:08d}" if size > 100_000 else f"9000{serial:05d}"
    return f"55{area}{local}", f"55{area}{local}"


def _push_name(die: Dice, name: str) -> str | None:
    kind = die.weighted({"full": 58, "first": 22, "nick": 14, "lower": 4, "none": 2})
    first = name.split(" ", 1)[0]
    if kind == "full":
        return name
    if kind == "nick":
        return die.pick(NICKNAMES).format(first=first)
    return {"first": first, "lower": name.lower(), "none": None}[kind]


def _habits(die: Dice) -> Habits:
    careless = die.random()
    return Habits(
        lower=careless * 0.9,
        slang=careless * die.random(),
        emoji=die.random() ** 2 * 0.5,
        burst=die.random() * 0.45,
        typos=careless**2 * 0.25,
        audio=die.random() ** 3 * 0.4,
    )


def group(seed: int, line: Line, index: int, members: Sequence[Person], created: int) -> Group:
    die = dice(seed, "group", line.instance, index)
    subject = die.pick(GROUP_SUBJECTS).format(
        business=line.profile_name, who=members[0].first_name, number=die.randint(2, 48)
    )
    serial = 41_000_000_000 + die.randrange(900_000_000)
    return Group(f"1203630{serial}@g.us", subject, tuple(members), created)


GROUP_SUBJECTS = (
    "Equipe {business}",
    "Entregas {business}",
    "Montagem e assistência",
    "Obra do {who}",
    "Plantão {number}",
    "Parceiros {business}",
    "Turma {number}",
    "Condomínio Jardim {number}",
)

VERTICAL_LINES = (
    Line("evs-sim-clinica", "5511900004200", "Clínica Sorriso Leve", "dental"),
    Line("evs-sim-moveis", "5541900122210", "Móveis Aurora", "furniture"),
    Line("evs-sim-cantina", "5521900311870", "Cantina da Praça", "restaurant"),
    Line("evs-sim-loja", "5511900455563", "Loja Vereda", "ecommerce"),
    Line("evs-sim-idiomas", "5531900277140", "Escola Ponte Idiomas", "school"),
    Line("evs-sim-oficina", "5551900629035", "Oficina Motor Certo", "workshop"),
    Line("evs-sim-fibra", "5571900833412", "Fibra Norte Internet", "provider"),
)


@lru_cache(maxsize=200_000)
def known_person(seed: int, index: int, area_code: str) -> Person:
    return person(seed, index, area_code)
