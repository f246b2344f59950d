"""Messages, sides and runs for tests of experiments; no analyser is loaded by these."""

from datetime import timedelta
from itertools import count
from typing import Any

from django.utils import timezone

from analytics.analysis.items import ArmSpec, Item
from analytics.experiments.arms import BASELINE
from analytics.experiments.creating import planned_size
from analytics.models import Arm, ExperimentRun, GoldItem, GoldSet, Inference, SampleItem
from evosense.core.ids import uuid7
from messaging.tests.factories import START, make_conversation, make_message

_numbers = count(1)


def make_run(*, arms: int = 2, **over: Any) -> ExperimentRun:
    number = next(_numbers)
    fields: dict[str, Any] = {
        "public_id": uuid7(),
        "run_id": f"run_{number}",
        "name": f"Experimento {number}",
        "mode": "backfill",
        "primary_metric": "sentiment_accuracy",
        "seed": number,
        "sample": {
            "planned": planned_size(0.05),
            "size": 100,
            "since": (START - timedelta(days=1)).isoformat(),
            "until": (START + timedelta(days=90)).isoformat(),
            "connections": [],
        },
        **over,
    }
    run = ExperimentRun.objects.create(**fields)
    for place in range(arms):
        key = f"candidate-{place}" if place else BASELINE
        Arm.objects.create(run=run, key=key, is_baseline=not place, model_name=f"model-{place}")
    return ExperimentRun.objects.get(pk=run.pk)


def make_messages(amount: int, *, talks: int = 3, **over: Any) -> list[Any]:
    conversations = [make_conversation() for _ in range(min(talks, amount))]
    return [
        make_message(conversations[place % len(conversations)], **over) for place in range(amount)
    ]


def make_gold(messages: list[Any], values: Any, *, name: str = "") -> GoldSet:
    gold = GoldSet.objects.create(
        public_id=uuid7(), name=name or f"ouro {next(_numbers)}", frozen_at=START
    )
    for message, (sentiment, emotion, satisfaction) in zip(messages, values, strict=True):
        GoldItem.objects.create(
            gold_set=gold,
            message=message,
            text=message.text,
            sentiment=sentiment,
            emotion=emotion,
            satisfaction=satisfaction,
        )
    return gold


def freeze(run: ExperimentRun, messages: list[Any], *, done: bool = True) -> None:
    """Give the run these messages as its sample."""
    SampleItem.objects.bulk_create(
        SampleItem(
            run=run,
            message=message,
            conversation_id=message.conversation_id,
            position=place,
            text=message.text,
            done_at=START if done else None,
        )
        for place, message in enumerate(messages)
    )
    ExperimentRun.objects.filter(pk=run.pk).update(total_messages=len(messages))


def judged(run: ExperimentRun, arm: str, message: Any, sentiment: float, **over: Any) -> Inference:
    row = judgement(message.pk, sentiment, **over)
    row.run_key = row.run_id = run.run_id
    row.arm_key, row.is_shadow = arm, True
    row.save()
    return row


def judgement(message_id: int, sentiment: float, **over: Any) -> Inference:
    fields: dict[str, Any] = {
        "status": "ok",
        "provider": "embedded",
        "model_name": "embedded-pt-2",
        "template_hash": "h",
        "sentiment": sentiment,
        "emotion": "neutro",
        "tone": "neutro",
        "satisfaction": round(50 + 50 * sentiment),
        "confidence": 0.8,
        "latency_ms": 5,
        "run_key": "live:h:m",
        **over,
    }
    return Inference(message_id=message_id, **fields)


class FakeJudge:
    """Stands where analytics.analysis.judging.judge_items does and keeps its contract."""

    def __init__(self, fails: Any = None, sentiment: Any = None) -> None:
        self.calls: list[tuple[str, list[int]]] = []
        self.contexts: list[int] = []
        self.fails = fails or (lambda _item: "")
        self.sentiment = sentiment or (lambda _arm, _item: 0.0)

    def __call__(
        self, items: list[Item], arm: ArmSpec, *, arm_key: str, run_key: str, **mark: Any
    ) -> list[Inference]:
        assert mark.pop("part") == "experiments"
        self.calls.append((arm_key, [item.message_id for item in items]))
        self.contexts += [len(item.context) for item in items]
        rows = []
        for item in items:
            row = judgement(
                item.message_id,
                self.sentiment(arm_key, item),
                run_key=run_key,
                arm_key=arm_key,
                **mark,
            )
            row.status = self.fails(item) or "ok"
            rows.append(row)
        Inference.objects.bulk_create(rows, ignore_conflicts=True)
        return rows


def canary(**over):
    run = make_run(
        mode="canary", status="running", share=0.4,
        start_date=timezone.now() - timedelta(minutes=1), **over,
    )  # fmt: skip
    run.arms.filter(key="candidate-1").update(model_name="embedded-pt-2")
    return run
