"""Experiments as programs read and ask for them."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from analytics.experiments.arms import Choice
from analytics.experiments.creating import NewRun
from analytics.experiments.metrics import PRIMARIES
from analytics.models import ExperimentRun
from evosense.core.rest import Fields, NumberField, PageQuery, UtcDateTimeField


class SideSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    is_baseline = serializers.BooleanField()
    prompt_version = serializers.CharField(source="template.version", default="")
    provider_id = serializers.UUIDField(allow_null=True)
    model_name = serializers.CharField()
    processed = serializers.IntegerField()
    failed = serializers.IntegerField()
    spent_micros = serializers.IntegerField()


class SampleField(serializers.JSONField):
    """What was drawn; a window is stored in the company's time zone and told in UTC."""

    def to_representation(self, value: Any) -> Any:
        times = {
            name: UtcDateTimeField().to_representation(datetime.fromisoformat(value[name]))
            for name in ("since", "until")
            if value.get(name)
        }
        return {**value, **times}


class ExperimentSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    run_id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    mode = serializers.ChoiceField(choices=ExperimentRun.Mode.values)
    status = serializers.ChoiceField(choices=ExperimentRun.Status.values)
    error = serializers.CharField(help_text="Why it stopped: a code, empty when nothing is wrong.")
    prompt_version = serializers.CharField(help_text="Of the baseline.")
    primary_metric = serializers.CharField()
    min_effect = serializers.FloatField()
    sample = SampleField()
    seed = serializers.IntegerField()
    share = serializers.FloatField()
    arms = SideSerializer(many=True, source="arms.all")
    total_messages = serializers.IntegerField()
    processed_messages = serializers.IntegerField()
    estimated_micros = serializers.IntegerField()
    budget_micros = serializers.IntegerField(allow_null=True)
    spent_micros = serializers.IntegerField()
    start_date = UtcDateTimeField(allow_null=True)
    end_date = UtcDateTimeField(allow_null=True)
    created_by = serializers.CharField()
    created_at = UtcDateTimeField()


class ReportSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=ExperimentRun.Status.values)
    computed_at = UtcDateTimeField(allow_null=True, source="report_at")
    report = serializers.JSONField(
        allow_null=True,
        help_text="`kind` quality: measured by people; agreement: by each other only.",
    )
    decision = serializers.JSONField(allow_null=True)


class VoteSerializer(serializers.Serializer[Any]):
    level = serializers.IntegerField(help_text="1 very negative to 5 very positive.")
    sentiment = serializers.FloatField()
    emotion = serializers.CharField()
    satisfaction = serializers.IntegerField(allow_null=True)


class DisagreementSerializer(serializers.Serializer[Any]):
    message_id = serializers.UUIDField()
    conversation_id = serializers.UUIDField()
    text = serializers.CharField()
    occurred_at = UtcDateTimeField()
    baseline = VoteSerializer()
    candidate = VoteSerializer()
    people = VoteSerializer(allow_null=True)


class ComparisonSerializer(serializers.Serializer[Any]):
    run1 = serializers.CharField()
    run2 = serializers.CharField()
    messages = serializers.IntegerField()
    agreement = serializers.JSONField(help_text="Low, estimate and high of each measure.")
    mean_sentiment = serializers.ListField(child=serializers.FloatField())
    mean_satisfaction = serializers.ListField(child=serializers.FloatField())


class ExperimentStatsSerializer(serializers.Serializer[Any]):
    experiments = serializers.DictField(child=serializers.IntegerField())
    shadow_judgements = serializers.IntegerField()
    spent_micros = serializers.IntegerField()


class ExperimentQuery(PageQuery):
    mode = serializers.ChoiceField(choices=ExperimentRun.Mode.values, required=False)
    state = serializers.ChoiceField(choices=["open", "done"], required=False)


class DisagreementQuery(PageQuery):
    arm = serializers.CharField(required=False, max_length=20, help_text="A candidate's key.")


class SideInputSerializer(Fields):
    engine = serializers.CharField(
        max_length=60, help_text="embedded, words, booster:<number> or a provider's id."
    )
    model = serializers.CharField(max_length=120, required=False, default="", allow_blank=True)
    prompt = serializers.UUIDField(required=False, default=None, allow_null=True)


class ExperimentInputSerializer(Fields):
    name = serializers.CharField(max_length=200)
    description = serializers.CharField(
        max_length=2000, required=False, default="", allow_blank=True
    )
    mode = serializers.ChoiceField(choices=ExperimentRun.Mode.values)
    baseline = SideInputSerializer()
    candidates = SideInputSerializer(many=True)
    primary_metric = serializers.ChoiceField(
        choices=PRIMARIES, required=False, default="sentiment_accuracy"
    )
    min_effect = NumberField(required=False, default=0.05)
    since = UtcDateTimeField(required=False, default=None, allow_null=True)
    until = UtcDateTimeField(required=False, default=None, allow_null=True)
    connections = serializers.ListField(
        child=serializers.UUIDField(), required=False, default=list, max_length=50
    )
    size = serializers.IntegerField(required=False, default=0, min_value=0, max_value=20_000)
    share = NumberField(required=False, default=0.0)
    gold_set = serializers.UUIDField(required=False, default=None, allow_null=True)
    budget_micros = serializers.IntegerField(
        required=False, default=None, allow_null=True, min_value=1, max_value=2**53
    )
    seed = serializers.IntegerField(
        required=False, default=None, allow_null=True, min_value=0, max_value=2**53 - 1
    )


class ResumeInputSerializer(Fields):
    budget_micros = serializers.IntegerField(
        required=False, default=None, allow_null=True, min_value=1, max_value=2**53
    )


class ReplayInputSerializer(Fields):
    start = UtcDateTimeField()
    end = UtcDateTimeField()
    prompt_version = serializers.CharField(max_length=64)


def asked_of(fields: dict[str, Any]) -> NewRun:
    """Return what a body asks for."""
    return NewRun(
        **{
            **fields,
            "baseline": _choice(fields["baseline"]),
            "candidates": [_choice(one) for one in fields["candidates"]],
        }
    )


def _choice(side: dict[str, Any]) -> Choice:
    return Choice(side["engine"], side["model"], side["prompt"])
