"""A comparison as the page draws it: rows with words, geometry of the plot, cells of the matrix."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from analytics.experiments import words
from analytics.experiments.gate import Condition, Gate
from analytics.models.choices import Emotion
from analytics.providers.money import money_words, sums_words
from evosense.core.charts import heat_level
from evosense.core.templatetags.ui import NOTHING
from evosense.core.wording import number_words

# The plot is 200 wide, its middle no difference; `reach` of a line is 90 away from it.
MIDDLE, REACH, EDGE = 100.0, 90.0, 2.0
FEW = 20


def metric_rows(compared: Mapping[str, Any], *, is_quality: bool) -> list[dict[str, Any]]:
    """Return the lines of the table, the primary one first."""
    lines = sorted(compared["lines"], key=lambda line: not line["is_primary"])
    return [_row(line, is_quality=is_quality) for line in lines]


def _row(line: Mapping[str, Any], *, is_quality: bool) -> dict[str, Any]:
    unit, is_change = line["unit"], line["diff"] is not None
    currency = line.get("currency", "BRL")
    interval = words.between if is_change else words.plain_between
    note = pgettext("measure", "primary") if line["is_primary"] else words.metric_note(line["key"])
    return {
        "name": words.metric_name(line["key"], is_quality=is_quality or is_change),
        "note": note if is_change or line["is_primary"] else _("candidate against baseline"),
        # Agreement is of both sides: no column of one of them may claim it.
        "baseline": words.value(line["baseline"], unit, currency) if is_change else "",
        "candidate": words.value(line["candidate"], unit, currency) if is_change else "",
        "diff": (words.change if is_change else words.value)(
            line["diff"] if is_change else line["candidate"], unit
        ),
        "is_change": is_change,
        "between": interval(line["low"], line["high"], unit),
        "test": words.p_words(line.get("holm", line["p"])) if is_change else NOTHING,
        "is_corrected": "holm" in line,
        "reading": reading(line),
        "plot": _plot(line) if is_change else None,
    }


def reading(line: Mapping[str, Any]) -> dict[str, str] | None:
    """Return what a line says, as a badge."""
    if line["reading"] == "none":
        return None
    if line["reading"] == "worse":
        if line.get("is_tolerable"):
            return {"tone": "warn", "text": _("Worse, acceptable")}
        return {"tone": "bad", "text": _("Worse")}
    if line["reading"] == "better":
        return {"tone": "ok", "text": _("Better")}
    return {"tone": "", "text": _("No difference")}


def _plot(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return places in a box 200 wide; better is always to the right."""
    sign = 1 if line["higher_is_better"] else -1
    low, high = sorted((sign * line["low"], sign * line["high"]))
    # All of the interval is drawn: what were cut would look certain.
    reach = max(line["reach"], abs(low), abs(high))
    left, right, at = (_place(one, reach) for one in (low, high, sign * line["diff"]))
    tone = {"better": "fo", "worse": "fw" if line.get("is_tolerable") else "fb"}
    margin = line["margin"]
    return {
        "left": _svg(left),
        "right": _svg(right),
        "width": _svg(max(right - left, 1.0)),
        "at": _svg(at - 4),
        "tone": tone.get(line["reading"], "f2"),
        "margin": _svg(_place(-margin, reach)) if margin else "",
    }


def _place(value: float, reach: float) -> float:
    return min(200 - EDGE, max(EDGE, MIDDLE + REACH * value / reach))


def _svg(value: float) -> str:
    """Return a coordinate with a point, whatever the person's language writes."""
    return f"{value:.1f}"


def matrix(found: Mapping[str, Any], name: str, *, base: str = "") -> dict[str, Any]:
    """Return the cells of a matrix and its finding as a title.

    With `base`, the name of the baseline, nobody knows who is right: the words are of agreement.
    """
    labels = {key: str(label) for key, label in Emotion.choices}
    most = max((max(row) for row in found["counts"]), default=0)
    rows = [
        {
            "label": labels[key],
            "cells": [
                {"count": count, "level": heat_level(count, most), "is_right": place == column}
                for column, count in enumerate(counts)
            ],
            "f1": "" if base else words.value(found["scores"][place]["f1"], "number"),
            "is_few": not base and 0 < sum(counts) < FEW,
        }
        for place, (key, counts) in enumerate(zip(found["classes"], found["counts"], strict=True))
    ]
    return {
        "title": capfirst(_matrix_title(found, labels, name, base)),
        "columns": [labels[key] for key in found["classes"]],
        "rows": rows,
        "n": found["n"],
        "kappa": words.value(found["kappa"], "number"),
        "alpha": words.value(found["alpha"], "number"),
        "has_few": any(row["is_few"] for row in rows),
    }


def _matrix_title(found: Mapping[str, Any], labels: Mapping[str, str], name: str, base: str) -> str:
    if base:
        return _agreement_title(found.get("most_apart"), labels, name, base)
    pair = found["most_confused"]
    if pair is None:
        return _("%(name)s never takes one emotion for another") % {"name": name}
    return _("%(name)s takes %(first)s for %(second)s most often") % {
        "name": name,
        "first": labels[pair[0]].lower(),
        "second": labels[pair[1]].lower(),
    }


def _agreement_title(
    pair: list[str] | None, labels: Mapping[str, str], name: str, base: str
) -> str:
    if pair is None:
        return _("Emotions: %(name)s beside %(base)s") % {"name": name, "base": base}
    return _("They differ most often where %(base)s says %(first)s and %(name)s %(second)s") % {
        "base": base,
        "name": name,
        "first": labels[pair[0]].lower(),
        "second": labels[pair[1]].lower(),
    }


def gate_rows(gate: Gate) -> list[dict[str, Any]]:
    """Return the conditions with their numbers in words."""
    return [
        {"title": _title(one), "note": _NOTES[one.key](one.facts), "holds": one.holds}
        for one in gate.conditions
    ]


def _title(one: Condition) -> str:
    if one.key == "flips" and not one.facts.get("is_quality", True):
        return words.metric_name("flip_rate", is_quality=False)
    return _TITLES[one.key]()


def _size_note(facts: Mapping[str, Any]) -> str:
    return _("%(n)s of %(planned)s messages") % facts


def _primary_note(facts: Mapping[str, Any]) -> str:
    why = facts["why"]
    if why == "no_labels":
        return _("Without labels there is agreement only. Have people label disagreements.")
    if why == "people":
        return _("People: candidate right in %(c)s disagreements, baseline in %(b)s; %(p)s") % {
            **facts,
            "p": words.p_words(facts["p"]),
        }
    if why == "no_value":
        return _("The measure has no value yet.")
    between = words.between(facts["low"], facts["high"], facts["unit"])
    if why == "spares":
        return _("Not worse beyond the margin, and a fifth cheaper or faster: %(between)s") % {
            "between": between
        }
    return _("95%% CI: %(between)s") % {"between": between}


def _flips_note(facts: Mapping[str, Any]) -> str:
    if "more" not in facts:
        return _("The measure has no value yet.")
    return _("%(more)s; the limit is %(most)s") % {
        "more": words.change(facts["more"], "share"),
        "most": words.change(facts["most"], "share"),
    }


def _invalid_note(facts: Mapping[str, Any]) -> str:
    return _("%(rate)s; the limit is %(most)s") % {
        "rate": words.value(facts["rate"], "share"),
        "most": words.value(facts["most"], "share"),
    }


def _slowness_note(facts: Mapping[str, Any]) -> str:
    if "after" not in facts:
        return _("Nothing was timed.")
    times = facts["times"]
    numbers = {
        "after": words.seconds(facts["after"]),
        "before": words.seconds(facts["before"]),
        "times": NOTHING if times is None else number_words(times, 2),
        "most": number_words(facts["most"], 2),
        "limit": words.seconds(facts["most"] * facts["unnoticed"]),
    }
    if facts["before"] < facts["unnoticed"]:
        return _("%(after)s against %(before)s; up to %(limit)s nobody notices") % numbers
    return _("%(after)s against %(before)s, %(times)s times; the limit is %(most)s") % numbers


def _money_note(facts: Mapping[str, Any]) -> str:
    spent = sums_words(facts["spent_by"], facts["currency"])
    if facts["budget"] is None:
        return _("%(spent)s, without a limit") % {"spent": spent}
    budget = money_words(facts["budget"], facts["currency"])
    return _("%(spent)s of %(budget)s") % {"spent": spent, "budget": budget}


_TITLES: dict[str, Callable[[], str]] = {
    "size": lambda: _("Planned sample"),
    "primary": lambda: _("Primary measure"),
    "flips": lambda: _("Polarity turned round"),
    "invalid": lambda: _("Invalid answers"),
    "slowness": lambda: _("Latency p95"),
    "money": lambda: _("Cost within the budget"),
}
_NOTES = {
    "size": _size_note,
    "primary": _primary_note,
    "flips": _flips_note,
    "invalid": _invalid_note,
    "slowness": _slowness_note,
    "money": _money_note,
}
