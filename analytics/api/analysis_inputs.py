"""What may be asked of the analysis part of the API."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from analytics.models import AiSettings, Emotion, Inference, Purpose
from evosense.core.errors import Invalid
from evosense.core.rest import Fields, PageQuery, Query, RowSerializer, UtcDateTimeField

MOST_MESSAGES = 100


class _Period(serializers.Serializer[Any]):
    since = UtcDateTimeField(required=False, help_text="At or after this time.")
    until = UtcDateTimeField(required=False, help_text="Before this time.")

    def validate(self, attrs: Any) -> Any:
        if "since" in attrs and "until" in attrs and attrs["since"] > attrs["until"]:
            raise Invalid("invalid_range", _("`since` is after `until`."), field="since")
        return attrs


class PeriodQuery(_Period, Query):
    """The last thirty days without `since`."""


class InferenceQuery(_Period, PageQuery):
    message = serializers.UUIDField(required=False)
    run_id = serializers.CharField(required=False, max_length=64)
    arm_key = serializers.CharField(required=False, max_length=20)
    status = serializers.ChoiceField(choices=Inference.Status.values, required=False)
    provider = serializers.CharField(
        required=False, max_length=80, help_text='"embedded" or the name of a provider.'
    )
    model_name = serializers.CharField(required=False, max_length=120)
    prompt_version = serializers.CharField(required=False, max_length=64)
    emotion = serializers.ChoiceField(choices=Emotion.values, required=False)
    is_shadow = serializers.BooleanField(required=False, allow_null=False)
    is_degraded = serializers.BooleanField(required=False, allow_null=False)
    is_suspicious = serializers.BooleanField(required=False, allow_null=False)


class CallQuery(_Period, PageQuery):
    purpose = serializers.ChoiceField(choices=Purpose.values, required=False)
    provider_id = serializers.UUIDField(required=False)
    run_id = serializers.CharField(required=False, max_length=64)
    failed = serializers.BooleanField(required=False, allow_null=False)


class BatchInputSerializer(Fields):
    message_ids = serializers.ListField(
        child=serializers.UUIDField(), min_length=1, max_length=MOST_MESSAGES
    )


class QueueInputSerializer(Fields):
    id = serializers.CharField(max_length=64)
    name = serializers.CharField(max_length=120)
    description = serializers.CharField(max_length=1_000, required=False, default="")
    examples = serializers.ListField(
        child=serializers.CharField(max_length=500), max_length=20, required=False, default=list
    )
    keywords = serializers.ListField(
        child=serializers.CharField(max_length=60), max_length=50, required=False, default=list
    )


class RouteInputSerializer(Fields):
    texts = serializers.ListField(
        child=serializers.CharField(max_length=4_000), min_length=1, max_length=4
    )
    queues = serializers.ListField(child=QueueInputSerializer(), min_length=1, max_length=50)

    def validate_queues(self, queues: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len({queue["id"] for queue in queues}) < len(queues):
            raise serializers.ValidationError(_("Each queue needs an id of its own."))
        return queues


class SettingsSerializer(RowSerializer[AiSettings]):
    """Choices of the company. Money in millionths of `currency`, shares in percent."""

    # Checked by the service, which says more than a serializer can.
    provider_id = serializers.UUIDField(allow_null=True, required=False)

    class Meta:
        model = AiSettings
        fields: tuple[str, ...] = (
            "engine", "provider_id", "redacts", "analyses_received", "analyses_sent",
            "analyses_groups", "analyses_closed", "takes_short_cut", "token_limit",
            "cost_limit_micros", "currency", "experiments_share", "conversations_share",
            "embeds_remotely", "transcribes",
        )  # fmt: skip
        extra_kwargs = {name: {"required": False} for name in fields if name != "provider_id"}


class SettingsChangeSerializer(SettingsSerializer):
    confirms_sharing = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Needed to switch `redacts` off: personal data then leaves for the provider.",
    )

    class Meta(SettingsSerializer.Meta):
        fields = (*SettingsSerializer.Meta.fields, "confirms_sharing")
