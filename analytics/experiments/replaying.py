"""The two calls of the source system: judge a window again, and compare two runs."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from analytics.analysis.settings import ai_settings
from analytics.experiments.arms import Choice
from analytics.experiments.creating import MOST_MESSAGES, NewRun, create_run
from analytics.experiments.metrics import BY_KEY, cut, taken
from analytics.experiments.pairs import Side, load_pairs
from analytics.experiments.running import start_run
from analytics.experiments.statistics.bootstrap import interval
from analytics.models import AiSettings, ExperimentRun, PromptTemplate
from analytics.models.choices import Task
from analytics.prompting.labels import resolve
from analytics.providers.refs import providers_for_tenant
from evosense.core.errors import Conflict, Invalid
from messaging.selectors.samples import count_drawable


def replay(
    *, start: datetime, end: datetime, prompt_version: str, author_id: int | None, author: str
) -> ExperimentRun:
    """Judge a window by `prompt_version` beside what judges now; begins at once.

    Production's values stay. Raises Invalid for an unknown version and Conflict without a provider.
    """
    template = PromptTemplate.objects.filter(version=prompt_version, task=Task.MESSAGE).first()
    if template is None:
        message = _("There is no such prompt for messages.")
        raise Invalid("invalid", message, field="prompt_version")
    if start >= end:
        raise Invalid("invalid", _("The window ends before it begins."), field="end")
    asked = NewRun(
        name=_("Replay of %(version)s") % {"version": prompt_version},
        mode=ExperimentRun.Mode.BACKFILL,
        baseline=_present(),
        candidates=[Choice(_provider(), template=template.public_id)],
        since=start,
        until=end,
        size=max(1, min(MOST_MESSAGES, count_drawable(start, end))),
    )
    run = create_run(asked, author_id=author_id, author=author)
    start_run(run)
    return run


def compare_runs(first: ExperimentRun, second: ExperimentRun) -> dict[str, Any]:
    """Return how much the first candidates of two runs agree on the messages that both judged.

    Raises Conflict when there is none.
    """
    sides = [_candidate(run) for run in (first, second)]
    shared = np.intersect1d(sides[0][0], sides[1][0])
    if not shared.size:
        raise Conflict("nothing_shared", _("No message was judged by both."))
    values, talks = [], np.empty(0, dtype=np.int64)
    for messages, side, clusters in sides:
        order = np.argsort(messages)
        chosen = order[np.searchsorted(messages, shared, sorter=order)]
        values.append(taken(side.values, chosen))
        talks = clusters[chosen]
    weights = np.ones(shared.size)
    figures: dict[str, Any] = {}
    for key in ("sentiment_accuracy", "sentiment_mae", "sentiment_kappa", "emotion_accuracy"):
        measure = BY_KEY[key]
        sums = measure.sums(values[1], values[0], weights)
        found = interval(talks, sums, measure.value, seed=first.seed)
        figures[key] = [found.low, found.estimate, found.high] if found else None
    return {
        "run1": first.run_id,
        "run2": second.run_id,
        "messages": int(shared.size),
        "agreement": figures,
        "mean_sentiment": [float(one.sentiment.mean()) for one in values],
        "mean_satisfaction": [float(one.satisfaction.mean()) for one in values],
    }


def _candidate(run: ExperimentRun) -> tuple[Any, Side, Any]:
    pairs = load_pairs(run)
    side = pairs.sides[1]
    return pairs.messages[side.ok], _only_ok(side), pairs.clusters[side.ok]


def _only_ok(side: Side) -> Side:
    return replace(side, values=cut(side.values, side.ok), ok=side.ok[side.ok])


def _present() -> Choice:
    settings = ai_settings()
    if settings.engine != AiSettings.Engine.PROVIDER or settings.provider_id is None:
        return Choice("embedded")
    template = resolve(Task.MESSAGE)
    return Choice(str(settings.provider_id), template=template.public_id if template else None)


def _provider() -> str:
    settings = ai_settings()
    if settings.provider_id is not None:
        return str(settings.provider_id)
    found = [row for row in providers_for_tenant() if row.is_active]
    if not found:
        raise Conflict("no_provider", _("Add a provider first: a prompt needs a model."))
    return str(found[0].pk)
