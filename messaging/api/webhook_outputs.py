"""Outbound webhooks as the API takes and shows them."""

from typing import Any

from rest_framework import serializers

from evosense.core.rest import PageQuery, UtcDateTimeField
from messaging.models import WebhookDelivery
from messaging.services.webhooks_out.endpoints import LONGEST_URL

_TYPES = "Such as `incident.opened`, `incident.closed`, `connection.state_changed`."


class WebhookInputSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    url = serializers.CharField(max_length=LONGEST_URL, help_text="https, on the public internet.")
    event_types = serializers.ListField(
        child=serializers.CharField(max_length=60), max_length=100, help_text=_TYPES
    )


class WebhookChangeSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80, required=False)
    url = serializers.CharField(max_length=LONGEST_URL, required=False)
    event_types = serializers.ListField(
        child=serializers.CharField(max_length=60), max_length=100, required=False, help_text=_TYPES
    )
    is_active = serializers.BooleanField(required=False)


class WebhookSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    url = serializers.CharField()
    event_types = serializers.ListField(child=serializers.CharField())
    is_active = serializers.BooleanField()
    disabled_reason = serializers.ChoiceField(
        choices=["", "gone", "failing"], help_text="Why it was switched off by itself."
    )
    disabled_at = UtcDateTimeField(allow_null=True)
    failing_since = UtcDateTimeField(allow_null=True)
    paused_until = UtcDateTimeField(allow_null=True)
    delivered_at = UtcDateTimeField(allow_null=True)
    old_secret_until = UtcDateTimeField(
        allow_null=True, help_text="Until then the secret before also signs."
    )
    created_at = UtcDateTimeField()


class WebhookListSerializer(serializers.Serializer[Any]):
    results = WebhookSerializer(many=True)


class WebhookWithSecretSerializer(WebhookSerializer):
    secret = serializers.CharField(help_text="Shown in this answer only.")


class DeliverySerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    webhook_id = serializers.CharField(help_text="The header of every attempt.")
    type = serializers.CharField()
    occurred_at = UtcDateTimeField()
    data = serializers.JSONField()  # type: ignore[assignment]
    state = serializers.ChoiceField(choices=WebhookDelivery.State.values)
    attempts = serializers.IntegerField()
    next_at = UtcDateTimeField(allow_null=True)
    last_status = serializers.IntegerField(allow_null=True)
    last_error = serializers.CharField()
    created_at = UtcDateTimeField()
    finished_at = UtcDateTimeField(allow_null=True)


class DeliveryQuery(PageQuery):
    pass
