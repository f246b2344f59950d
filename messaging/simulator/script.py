"""Writes one attendance: who says what, how long each one waits, what goes wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from messaging.simulator import voice
from messaging.simulator.names import AGENTS
from messaging.simulator.phrasebook import Book, Lines, Mood, Speaker, Theme, book

if TYPE_CHECKING:
    from messaging.simulator.dice import Dice
    from messaging.simulator.people import Line, Person
    from messaging.simulator.phrasebook import Template

HEATED = frozenset({"annoyed", "furious", "ironic"})
MENU = (
    ("falar", "Falar com atendente"),
    ("pedido", "Acompanhar pedido"),
    ("segunda_via", "2ª via de boleto"),
    ("troca", "Troca ou devolução"),
    ("horario", "Horário e endereço"),
)
LABELS = (("1", "Novo cliente"), ("2", "Aguardando pagamento"), ("3", "Pago"), ("4", "Retornar"))
CORRECTIONS = ("(corrigido)", "Qualquer dúvida me chame.", "Combinado?", "👍")
VIA_PANEL, VIA_PHONE, VIA_BOT = "panel", "phone", "bot"


@dataclass(slots=True)
class Turn:
    """One thing that one side does, `pause` seconds after the turn before."""

    by_customer: bool
    kind: str = "text"
    text: str = ""
    pause: float = 30.0
    via: str = VIA_PANEL
    quotes: int | None = None
    fate: str = ""
    """'' | 'edit' | 'delete': what its author does to it afterwards."""
    new_text: str = ""
    detail: str = ""
    """File name, place, choice or emoji, as the kind needs."""
    author: Person | None = None
    """The member who writes, in a group."""
    waits_for_opening: bool = False


@dataclass(slots=True)
class Playwright:
    """Collects the turns of one attendance."""

    die: Dice
    line: Line
    person: Person
    theme: Theme
    book: Book
    speaker: Speaker
    mood_name: str
    turns: list[Turn] = field(default_factory=list)
    agent_is_slow: bool = True

    @property
    def mood(self) -> Mood:
        return self.book.moods[self.mood_name]

    def customer(
        self, lines: Lines, pause: float = 45.0, *, after: tuple[Template, ...] = ()
    ) -> tuple[Template, ...]:
        """Say one of `lines`, or an answer to `after`; returns what answers it."""
        said = self.speaker.reply(after, lines)
        bound = () if after else self.speaker.replies
        self._type(said, pause)
        return bound

    def _type(self, said: str, pause: float) -> None:
        text = voice.write(self.die, self.person.habits, said, self.mood_name, self.mood.emoji)
        if self.die.chance(self.person.habits.audio):
            seconds = str(self.die.randint(4, 95))
            self.add(Turn(by_customer=True, kind="audio", detail=seconds, pause=pause))
            return
        pieces = [text]
        if self.die.chance(self.person.habits.burst):
            pieces = voice.split_burst(self.die, text)
        for piece in pieces:
            self.add(Turn(by_customer=True, text=piece, pause=max(self.die.around(pause), 1.2)))
            pause = 5.0
        self._second_thoughts()

    def agent(
        self, lines: Lines, pause: float = 70.0, *, after: tuple[Template, ...] = ()
    ) -> tuple[Template, ...]:
        if self.agent_is_slow:
            pause, self.agent_is_slow = 260.0, False
        via = VIA_PHONE if self.die.chance(0.17) else VIA_PANEL
        turn = Turn(
            by_customer=False,
            text=self.speaker.reply(after, lines),
            pause=self.die.around(pause),
            via=via,
            waits_for_opening=True,
        )
        bound = () if after else self.speaker.replies
        if self.turns and self.turns[-1].by_customer and self.die.chance(0.12):
            turn.quotes = len(self.turns) - 1
        self.add(turn)
        if self.die.chance(0.012):
            turn.fate, turn.new_text = "edit", f"{turn.text} {self.die.pick(CORRECTIONS)}"
        elif self.die.chance(0.006):
            turn.fate = "delete"
        return bound

    def add(self, turn: Turn) -> None:
        self.turns.append(turn)

    def _second_thoughts(self) -> None:
        last = self.turns[-1]
        if self.die.chance(0.018):
            last.fate = "edit"
            last.new_text = last.text + self.die.pick((" *", ", aliás", " (corrigindo)", "!"))
        elif self.die.chance(0.012):
            last.fate = "delete"


def daypart(hour: int) -> str:
    if hour < 12:
        return "bom dia"
    return "boa tarde" if hour < 18 else "boa noite"


def _playwright(die: Dice, line: Line, person: Person, hour: int, mood: str = "") -> Playwright:
    words = book(line.vertical)
    names = line.themes or tuple(words.themes)
    theme = words.themes[die.weighted({name: words.themes[name].weight for name in names})]
    speaker = Speaker(words, die)
    speaker.known |= {
        "name": person.first_name,
        "agent": die.pick(AGENTS),
        "business": line.profile_name,
        "daypart": daypart(hour),
        "o": "a" if person.first_name.endswith(("a", "e", "ís")) else "o",
    }
    # Drawn in any case, so that all other throws stay what they are.
    drawn = die.weighted(theme.moods)
    return Playwright(die, line, person, theme, words, speaker, mood or drawn)


def answer(die: Dice, line: Line, person: Person) -> list[Turn]:
    """What a customer says after the business wrote: an acknowledgement or a further question."""
    play = _playwright(die, line, person, hour=10)
    choices = (play.book.customer["ack"], play.mood.say, play.theme.lines["push"])
    play.customer(die.pick(choices), pause=8)
    return play.turns


def attendance(die: Dice, line: Line, person: Person, hour: int = 10, mood: str = "") -> list[Turn]:
    """One attendance begun at this local hour; without a `mood` in one that its theme brings."""
    play = _playwright(die, line, person, hour, mood)
    answers = _open(play)
    outcome = die.weighted({"solved": 76, "unanswered": 7, "dropped": 10, "call": 7})
    if outcome == "unanswered":
        _nudge(play)
        return play.turns
    _work(play, answers)
    if outcome == "call":
        _missed_call(play)
    if outcome == "solved":
        _close(play)
    return play.turns


def _open(play: Playwright) -> tuple[Template, ...]:
    die, theme = play.die, play.theme
    if theme.lines["ad"] and die.chance(0.14):
        text = play.speaker.say(theme.lines["ad"])
        play.add(Turn(by_customer=True, kind="ad", text=text, pause=0))
        return play.speaker.replies
    if die.chance(0.62):
        play.customer(play.book.customer["greeting"], pause=1)
    answers = play.customer(theme.lines["open"], pause=12)
    if die.chance(0.22):
        play.add(
            Turn(
                by_customer=False,
                text=play.speaker.say(play.book.agent["bot"]),
                pause=2.5,
                via=VIA_BOT,
            )
        )
        if die.chance(0.25):
            _choose(play)
    if die.chance(0.12):
        _media(play)
    return answers


def _choose(play: Playwright) -> None:
    """The robot offered a list, and the customer took a row of it."""
    row, title = play.die.pick(MENU)
    quotes = len(play.turns) - 1
    pause = play.die.around(12)
    play.add(
        Turn(by_customer=True, kind="choice", text=title, detail=row, quotes=quotes, pause=pause)
    )


def _nudge(play: Playwright) -> None:
    if play.die.chance(0.5):
        play.customer(play.book.customer["nudge"], pause=3600)


def _work(play: Playwright, answers: tuple[Template, ...]) -> None:
    die, lines = play.die, play.theme.lines
    play.agent(play.book.agent["greeting"])
    if play.mood_name in HEATED and die.chance(0.6):
        play.agent(play.book.agent["sorry"], pause=25)
    asked = play.agent(lines["probe"], pause=20)
    play.customer(lines["detail"], after=asked)
    if asked and die.chance(0.2):
        play.customer(lines["detail"], pause=15)
    if die.chance(0.3):
        _media(play)
    if die.chance(0.4):
        play.agent(play.book.agent["hold"], pause=35)
    play.agent(lines["answer"], pause=150, after=answers)
    if answers and die.chance(0.35):
        play.agent(lines["answer"], pause=30)
    if lines["sends"] and die.chance(0.32):
        _send_file(play)
    for _ in range(die.weighted({0: 3, 1: 5, 2: 3, 3: 1, 5: 0.3})):
        _exchange(play)


def _exchange(play: Playwright) -> None:
    die, lines = play.die, play.theme.lines
    if die.chance(0.55):
        play.customer(play.mood.say)
        if play.mood_name in HEATED:
            play.agent(play.book.agent["sorry"], pause=60)
            play.agent(play.book.agent["recheck"], pause=90)
        return
    asked = play.customer(lines["push"])
    if die.chance(0.14):
        play.customer(play.book.customer["nudge"], pause=900)
        play.agent_is_slow = True
    play.agent(lines["push_answer"], after=asked)


def _close(play: Playwright) -> None:
    die = play.die
    if die.chance(0.3):
        play.customer(play.book.customer["ack"], pause=30)
    play.customer(play.mood.close)
    if die.chance(0.7):
        play.agent(play.book.agent["close"])
        _react(play)
    if die.chance(0.07):
        play.add(Turn(by_customer=True, kind="sticker", pause=20))
    if die.chance(0.08):
        label = die.pick(LABELS)[0]
        play.add(Turn(by_customer=False, kind="label", detail=label, pause=40, via=VIA_PHONE))


def _react(play: Playwright) -> None:
    if play.die.chance(0.14):
        emoji = play.die.pick(play.book.reactions)
        at = len(play.turns) - 1
        play.add(Turn(by_customer=True, kind="reaction", detail=emoji, quotes=at, pause=25))


def _media(play: Playwright) -> None:
    die = play.die
    kind = die.weighted(
        {"image": 60, "video": 6, "document": 10, "location": 9, "contact": 6, "sticker": 9}
    )
    caption = play.speaker.say(play.theme.lines["photo"]) if die.chance(0.6) else ""
    detail = {"document": "comprovante.pdf", "location": "", "contact": ""}.get(kind, "")
    play.add(Turn(by_customer=True, kind=kind, text=caption, detail=detail, pause=40))


def _send_file(play: Playwright) -> None:
    kind, _, rest = play.speaker.say(play.theme.lines["sends"]).partition(":")
    first, _, second = rest.partition(":")
    text, detail = (first, "") if kind.lower() == "image" else (second, first)
    play.add(
        Turn(
            by_customer=False,
            kind=kind.lower(),
            text=text,
            detail=detail,
            pause=play.die.around(30),
            waits_for_opening=True,
        )
    )


def _missed_call(play: Playwright) -> None:
    play.add(Turn(by_customer=True, kind="call", detail="timeout", pause=play.die.around(600)))
    if play.die.chance(0.7):
        play.agent(play.book.agent["follow_up"], pause=500)
        play.customer(play.book.customer["ack"])


def group_chat(die: Dice, line: Line, members: tuple[Person, ...]) -> list[Turn]:
    """A short exchange inside a group; some of it is a poll."""
    words = book(line.vertical)
    speaker = Speaker(words, die)
    turns: list[Turn] = []
    if die.chance(0.1):
        choice = speaker.say(words.group["poll"])
        author = die.pick(members)
        turns.append(Turn(by_customer=True, kind="poll", detail=choice, pause=0, author=author))
        votes = die.sample(members, k=min(len(members), die.randint(1, 4)))
        turns += [
            Turn(
                by_customer=True,
                kind="vote",
                detail=die.pick(choice.split("|")[1:]),
                quotes=0,
                pause=die.around(90),
                author=voter,
            )
            for voter in votes
        ]
    for _ in range(die.randint(2, 9)):
        own = die.chance(0.25)
        author = die.pick(members)
        text = speaker.say(words.group["chat"])
        if not own:
            text = voice.write(die, author.habits, text, "neutral", ("👍", "🙂"))
        turns.append(
            Turn(
                by_customer=not own,
                text=text,
                pause=die.around(80),
                via=VIA_PHONE,
                author=None if own else author,
            )
        )
    return turns
