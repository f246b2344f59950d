"""The judgements of a run as arrays: one row a message, one column a side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db.models import Max, Min

from analytics.experiments.arms import arms_of
from analytics.experiments.metrics import EMOTIONS, MISSING, Values
from analytics.experiments.statistics.arrays import Floats, Ints
from analytics.models import Arm, ExperimentRun, GoldItem, Inference, Label, SampleItem

_PLACE = {name: place for place, name in enumerate(EMOTIONS)}
Said = tuple[float | None, str, int | None]


@dataclass(frozen=True, slots=True)
class Side:
    """What one side did: its values, and how each message ended."""

    arm: Arm
    values: Values
    # True where there is a valid judgement by the side itself.
    ok: np.ndarray[tuple[int], np.dtype[np.bool_]]
    statuses: Mapping[str, int]
    # Of messages that were asked about, in milliseconds; answers from the cache say nothing.
    latencies: Floats
    costs: Floats
    # Who really judged: a run that is older than an analyser's version has rows of both.
    models: Sequence[str]
    began: datetime | None
    ended: datetime | None


@dataclass(frozen=True, slots=True)
class Pairs:
    """The judged messages of a run, by place; `truth` is what people said, if anybody did."""

    messages: Ints
    clusters: Ints
    weights: Floats
    sides: list[Side]
    truth: Values
    is_gold: bool

    @property
    def size(self) -> int:
        return int(self.messages.size)


def load_pairs(run: ExperimentRun) -> Pairs:
    """Read what all sides have finished."""
    rows = SampleItem.objects.filter(run=run, done_at__isnull=False).order_by("position")
    items = list(rows.values_list("message_id", "conversation_id", "weight"))
    messages = np.array([item[0] for item in items], dtype=np.int64)
    place = {int(pk): index for index, pk in enumerate(messages)}
    is_gold = run.mode == ExperimentRun.Mode.GOLD
    said = _gold_words(run) if is_gold else _review_words(messages)
    return Pairs(
        messages=messages,
        clusters=np.array([item[1] for item in items], dtype=np.int64),
        weights=np.array([item[2] for item in items], dtype=np.float64),
        sides=[_side(run, arm, place) for arm in arms_of(run)],
        truth=_values(said, place),
        is_gold=is_gold,
    )


def _side(run: ExperimentRun, arm: Arm, place: Mapping[int, int]) -> Side:
    rows = Inference.objects.filter(run_id=run.run_id, arm_key=arm.key)
    columns = (
        "message_id", "status", "is_degraded", "is_cached", "sentiment", "emotion",
        "satisfaction", "latency_ms", "cost_micros", "model_name",
    )  # fmt: skip
    ok = np.zeros(len(place), dtype=np.bool_)
    costs = np.zeros(len(place))
    statuses: dict[str, int] = {}
    said: dict[int, Said] = {}
    models: set[str] = set()
    latencies = []
    mine = rows.filter(message_id__in=list(place)).values_list(*columns)
    for pk, status, degraded, cached, sentiment, emotion, satisfaction, took, cost, model in mine:
        ended = Inference.Status.ERROR if degraded and status == "ok" else status
        statuses[ended] = statuses.get(ended, 0) + 1
        costs[place[pk]] = cost
        if not cached:
            latencies.append(took)
        if ended == Inference.Status.OK:
            ok[place[pk]] = True
            said[pk] = (sentiment, emotion, satisfaction)
            models.add(model)
    times = rows.aggregate(first=Min("created_at"), last=Max("created_at"))
    return Side(
        arm=arm,
        values=_values(said, place),
        ok=ok,
        statuses=statuses,
        latencies=np.array(latencies, dtype=np.float64),
        costs=costs,
        models=sorted(models),
        began=times["first"],
        ended=times["last"],
    )


def _values(said: Mapping[int, Said], place: Mapping[int, int]) -> Values:
    sentiment = np.full(len(place), np.nan)
    satisfaction = np.full(len(place), np.nan)
    emotion = np.full(len(place), MISSING, dtype=np.int64)
    for pk, (one, two, three) in said.items():
        if pk not in place:
            continue
        sentiment[place[pk]] = np.nan if one is None else one
        emotion[place[pk]] = _PLACE.get(two, MISSING)
        satisfaction[place[pk]] = np.nan if three is None else three
    return Values(sentiment, emotion, satisfaction)


def _gold_words(run: ExperimentRun) -> dict[int, Said]:
    rows = GoldItem.objects.filter(gold_set=run.gold_set_id)
    columns = rows.values_list("message_id", "sentiment", "emotion", "satisfaction")
    return {pk: (one, two, three) for pk, one, two, three in columns}


def _review_words(messages: Ints) -> dict[int, Said]:
    """Return what people said who did not see the analysers; who decided between two counts last.

    Values corrected in the thread were seen beside the analyser's and are not used.
    """
    sources = [Label.Source.REVIEW, Label.Source.ADJUDICATION]
    rows = Label.objects.filter(
        message_id__in=[int(pk) for pk in messages], is_current=True, source__in=sources
    )
    found: dict[int, Said] = {}
    decided: set[int] = set()
    for pk, source, one, two, three in rows.order_by("pk").values_list(
        "message_id", "source", "sentiment", "emotion", "satisfaction"
    ):
        if pk in decided and source != Label.Source.ADJUDICATION:
            continue
        found[pk] = (one, two, three)
        if source == Label.Source.ADJUDICATION:
            decided.add(pk)
    return found
