"""The demonstration's laboratory: prompts, labels, two finished experiments, drift; offline.

The labels are the moods in which the simulator wrote its phrases. They come from whoever wrote the
messages, not from an analyser, and the set says that no person labelled it.
"""

import re
import time
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.analysis.context import context_of
from analytics.experiments import demo_drift
from analytics.experiments.arms import WORDS, Choice
from analytics.experiments.creating import NewRun, create_run
from analytics.experiments.disagreements import ask_people
from analytics.experiments.report import compute_report
from analytics.experiments.running import Status, start_run
from analytics.experiments.sampling import frozen
from analytics.experiments.worker import take_turn
from analytics.models import ExperimentRun, GoldItem, GoldSet
from analytics.prompting import demo as prompts
from analytics.prompting.versions import Author
from evosense.core.ids import uuid7
from messaging.selectors.samples import Drawable, drawable_messages
from messaging.selectors.wordings import wordings_of
from messaging.simulator.phrasebook import Template, book

AUTHOR = "EvoSense"
SEED = 20251103
GOLD_SIZE = 700
# Of one phrase: a set of nothing but "Ok" would measure nothing.
MOST_OF_A_PHRASE = 12
DAYS = 365
VERTICAL = "furniture"
PATIENCE_SECONDS = 300
Truth = tuple[float, str, int]
# What each mood of the simulator means; ironic phrases say the opposite of their words.
MOODS: dict[str, Truth] = {
    "happy": (1.0, "alegria", 90),
    "thankful": (1.0, "gratidao", 90),
    "neutral": (0.0, "neutro", 50),
    "annoyed": (-0.5, "frustracao", 30),
    "furious": (-1.0, "raiva", 10),
    "ironic": (-0.5, "frustracao", 30),
}
NEUTRAL_LINES = ("ack", "wait")


@dataclass(frozen=True, slots=True)
class Phrase:
    """One phrase of the simulator as a pattern of plain words, and what it means."""

    pattern: re.Pattern[str]
    truth: Truth


def ensure(people: Sequence[Author] = ()) -> dict[str, Any]:
    """Make what is missing of the active company's demonstration; safe to repeat.

    `people` of the company appear as authors of prompts.
    """
    prompts.ensure(Author(None, AUTHOR), people)
    gold = _gold_set()
    runs = []
    if gold is not None:
        runs.append(_finished(_gold_run(gold)))
    past = _finished(_past_run())
    runs.append(past)
    if past.report and past.report["n"]:
        _ask(past)
    return {
        "labels": gold.items.count() if gold else 0,
        "experiments": [run.run_id for run in runs],
        "readings": demo_drift.ensure(),
    }


def phrases() -> list[Phrase]:
    """Return what customers of the demonstration say whose meaning is known."""
    words = book(VERTICAL)
    found = [
        Phrase(_pattern(line.words), MOODS[name])
        for name, mood in words.moods.items()
        for line in (*mood.say, *mood.close)
    ]
    for key in NEUTRAL_LINES:
        found += [Phrase(_pattern(line.words), MOODS["neutral"]) for line in words.customer[key]]
    # The longest first: "ok" is also how angry sentences begin.
    return sorted(found, key=lambda one: -len(one.pattern.pattern))


def truth_of(text: str, known: Iterable[Phrase]) -> tuple[str, Truth] | None:
    """Return the phrase and the meaning of a text that is one; None for anything else."""
    plain = _plain(text)
    if not plain:
        return None
    meanings = [one for one in known if one.pattern.fullmatch(plain)]
    # A phrase of two moods says nothing for certain.
    if len({one.truth for one in meanings}) != 1:
        return None
    return meanings[0].pattern.pattern, meanings[0].truth


def _gold_set() -> GoldSet | None:
    existing = GoldSet.objects.filter(created_by=AUTHOR).first()
    if existing is not None:
        return existing
    chosen = _labelled()
    if not chosen:
        return None
    contexts = context_of(list(chosen))
    texts = {one.message_id: one.text for one in wordings_of(list(chosen))}
    with transaction.atomic():
        gold = GoldSet.objects.create(
            public_id=uuid7(),
            name=_("Demonstration"),
            description=_("Moods in which the simulator wrote; no person labelled them"),
            frozen_at=timezone.now(),
            created_by=AUTHOR,
        )
        GoldItem.objects.bulk_create(
            GoldItem(
                gold_set=gold,
                message_id=pk,
                text=texts[pk],
                context=frozen(contexts[pk]),
                sentiment=truth[0],
                emotion=truth[1],
                satisfaction=truth[2],
            )
            for pk, truth in chosen.items()
            if pk in texts
        )
    return gold


def _labelled() -> dict[int, Truth]:
    """Return messages with a known meaning, not too many of one phrase."""
    known = phrases()
    chosen: dict[int, Truth] = {}
    used: dict[str, int] = {}
    messages = [one.message_id for one in _received()]
    for start in range(0, len(messages), 1_000):
        for one in wordings_of(messages[start : start + 1_000]):
            found = truth_of(one.text, known)
            if found is None or used.get(found[0], 0) >= MOST_OF_A_PHRASE:
                continue
            used[found[0]] = used.get(found[0], 0) + 1
            chosen[one.message_id] = found[1]
            if len(chosen) >= GOLD_SIZE:
                return chosen
    return chosen


def _received() -> list[Drawable]:
    now = timezone.now()
    return drawable_messages(now - timedelta(days=DAYS), now)


def _gold_run(gold: GoldSet) -> ExperimentRun:
    return _run(
        NewRun(
            name=_("Demonstration: the embedded analyser against a list of words"),
            description=_("Whoever does not beat a plain list of words is worth nothing"),
            mode=ExperimentRun.Mode.GOLD,
            baseline=Choice(WORDS),
            candidates=[Choice("embedded")],
            gold_set=gold.public_id,
            seed=SEED,
        )
    )


def _past_run() -> ExperimentRun:
    return _run(
        NewRun(
            name=_("Demonstration: agreement on past messages"),
            description=_("Without labels: how often both say the same, not who is right"),
            mode=ExperimentRun.Mode.BACKFILL,
            baseline=Choice(WORDS),
            candidates=[Choice("embedded")],
            since=timezone.now() - timedelta(days=DAYS),
            seed=SEED,
        )
    )


def _run(asked: NewRun) -> ExperimentRun:
    # Not by name, which is in the language of whoever made it.
    existing = ExperimentRun.objects.filter(created_by=AUTHOR, mode=asked.mode).first()
    return existing or create_run(asked, author_id=None, author=AUTHOR)


def _finished(run: ExperimentRun) -> ExperimentRun:
    """Judge all of it here and now: both sides are offline and take milliseconds."""
    if run.status == Status.DRAFT:
        start_run(run)
    until = time.monotonic() + PATIENCE_SECONDS
    while run.status == Status.RUNNING and time.monotonic() < until:
        # A worker of the house may have taken it already.
        if not take_turn(run.pk):
            run.refresh_from_db()
            time.sleep(0.2 if run.status == Status.RUNNING else 0)
    run.refresh_from_db()
    if run.report is None and run.status == Status.COMPLETED:
        run.report = compute_report(run)
        rows = ExperimentRun.objects.filter(pk=run.pk, report__isnull=True)
        rows.update(report=run.report, report_at=timezone.now())
    return run


def _ask(run: ExperimentRun) -> None:
    key = next(iter(run.report["compared"])) if run.report else ""
    if key and run.report and run.report["compared"][key]["pairs"]["differ"]:
        ask_people(run, key)


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFD", text.casefold())
    letters = "".join(c for c in folded if not unicodedata.combining(c))
    return " ".join(re.findall(r"[a-z0-9]+", letters))


def _pattern(template: Template) -> re.Pattern[str]:
    """Return the template as plain words; a slot is any words, {o} the end of one."""
    parts = []
    for kind, text in template:
        if kind:
            parts.append("[ao]" if text == "o" else r"\w+(?: \w+){0,3}")
        else:
            lead = "" if text[:1].isalnum() else " "
            tail = "" if text[-1:].isalnum() else " "
            parts.append(lead + re.escape(_plain(text)).replace(r"\ ", " ") + tail)
    return re.compile(" ".join("".join(parts).split()))
