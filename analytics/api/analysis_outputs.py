"""What the API says about judgements, conversations, calls and their cost."""

from typing import Any

from rest_framework import serializers

from analytics.models import ConversationAnalysis, Inference, ModelCall
from evosense.core.rest import RowSerializer


class CueSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    weight = serializers.FloatField(help_text="Above 0 for the better.")


class InferenceSerializer(RowSerializer[Inference]):
    """One judgement. Values are null unless `status` is `ok`."""

    message_id = serializers.SerializerMethodField()
    cues = CueSerializer(many=True)
    call_id = serializers.IntegerField(
        read_only=True,
        allow_null=True,
        help_text="The call that was paid for, also where its answer is not believed.",
    )

    class Meta:
        model = Inference
        fields = (
            "id", "message_id", "status", "error", "provider", "model_name", "prompt_version",
            "template_hash", "context_hash", "run_id", "arm_key", "is_shadow", "sentiment",
            "emotion", "satisfaction", "tone", "summary", "confidence", "cues", "is_degraded",
            "is_cached", "is_suspicious", "latency_ms", "attempt", "input_tokens", "output_tokens",
            "cost_micros", "call_id", "created_at",
        )  # fmt: skip

    def get_message_id(self, row: Inference) -> str:
        """Return the public id; `messages` of the context maps the keys of a page to them."""
        return str(self.context["messages"][row.message_id])


class ConversationAnalysisSerializer(RowSerializer[ConversationAnalysis]):
    """What a conversation came to. `evidence` are ids of messages that show it."""

    conversation_id = serializers.SerializerMethodField()
    through_message_id = serializers.SerializerMethodField()
    evidence = serializers.SerializerMethodField()

    class Meta:
        model = ConversationAnalysis
        fields = (
            "conversation_id", "through_message_id", "trigger", "status", "error", "provider",
            "model_name", "prompt_version", "is_degraded", "category", "sentiment", "satisfaction",
            "trend", "resolved", "summary", "next_step", "evidence", "confidence", "messages",
            "created_at",
        )  # fmt: skip

    def get_conversation_id(self, _row: ConversationAnalysis) -> str:
        return str(self.context["conversation"])

    def get_through_message_id(self, row: ConversationAnalysis) -> str | None:
        found = self.context["messages"].get(row.through_message_id)
        return str(found) if found else None

    def get_evidence(self, row: ConversationAnalysis) -> list[str]:
        known = self.context["messages"]
        return [str(known[pk]) for pk in row.evidence if pk in known]


class CallSerializer(RowSerializer[ModelCall]):
    """One attempt of a call to a provider; never what was said in it."""

    class Meta:
        model = ModelCall
        fields = (
            "id", "purpose", "provider_id", "provider_name", "model_requested", "model_returned",
            "prompt_version", "template_hash", "run_id", "arm_key", "items", "input_tokens",
            "cached_tokens", "output_tokens", "is_estimated", "cost_micros", "currency",
            "latency_ms", "attempt", "http_status", "error", "finish_reason", "structured",
            "repairs", "created_at",
        )  # fmt: skip


class UsageSerializer(serializers.Serializer[Any]):
    day = serializers.DateField()
    purpose = serializers.CharField()
    provider = serializers.CharField()
    model = serializers.CharField()
    currency = serializers.CharField()
    calls = serializers.IntegerField()
    failed = serializers.IntegerField()
    items = serializers.IntegerField()
    input_tokens = serializers.IntegerField()
    cached_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cost_micros = serializers.IntegerField(help_text="Millionths of `currency`.")


class LimitsSerializer(serializers.Serializer[Any]):
    tokens = serializers.IntegerField(allow_null=True)
    micros = serializers.IntegerField(allow_null=True)


class BudgetSerializer(serializers.Serializer[Any]):
    part = serializers.CharField()
    used_tokens = serializers.IntegerField()
    used_micros = serializers.IntegerField()
    limits = LimitsSerializer()


class UsageAnswerSerializer(serializers.Serializer[Any]):
    results = UsageSerializer(many=True)
    budget = BudgetSerializer(many=True)


class BacklogSerializer(serializers.Serializer[Any]):
    waiting = serializers.IntegerField()
    deferred = serializers.IntegerField()
    failed = serializers.IntegerField()
    embedding = serializers.IntegerField()


class StatsSerializer(serializers.Serializer[Any]):
    """Received messages of the period. Means leave out judgements that are not sure enough."""

    messages = serializers.IntegerField()
    judged = serializers.IntegerField()
    degraded = serializers.IntegerField()
    by_people = serializers.IntegerField()
    counted = serializers.IntegerField(help_text="With a confidence of at least 0.3.")
    positive = serializers.IntegerField(help_text="Sentiment above 0.1.")
    negative = serializers.IntegerField(help_text="Sentiment below -0.1.")
    satisfied = serializers.IntegerField(help_text="Satisfaction of at least 70.")
    sentiment = serializers.FloatField(allow_null=True)
    satisfaction = serializers.FloatField(allow_null=True)
    backlog = BacklogSerializer()


class SuggestionSerializer(serializers.Serializer[Any]):
    tone = serializers.ChoiceField(choices=["formal", "cordial", "informal"])
    text = serializers.CharField()


class SuggestionsSerializer(serializers.Serializer[Any]):
    suggestions = SuggestionSerializer(many=True)
    provider = serializers.CharField(help_text='"embedded" or the name of the provider.')
    error = serializers.CharField(help_text="Why it was not the provider; empty when it was.")


class RouteSerializer(serializers.Serializer[Any]):
    queue_id = serializers.CharField(help_text="Empty for the default queue.")
    confidence = serializers.FloatField()
    decision = serializers.ChoiceField(choices=["accept", "ask", "default"])
    priority = serializers.ChoiceField(choices=["low", "normal", "high"])
    intent = serializers.CharField()
    language = serializers.CharField()
    provider = serializers.CharField()
    error = serializers.CharField()


class QueuedAnalysisSerializer(serializers.Serializer[Any]):
    queued = serializers.IntegerField(help_text="Messages that wait for their judgement now.")
