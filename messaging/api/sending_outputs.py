"""How what is sent looks outside: its progress, its attempts, its files."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from evosense.core.rest import UtcDateTimeField
from messaging.models import Outgoing, Upload
from messaging.selectors.bubbles import Bubble
from messaging.selectors.judged import analyses_of
from messaging.selectors.outgoing import sending_views
from messaging.services.media import media_link

SENDING_STATES = Outgoing.State.values


class FailureSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    words = serializers.CharField()
    detail = serializers.CharField(help_text="What the server said, in short.")
    can_retry = serializers.BooleanField(help_text="Whether sending it again may help.")


class SendingSerializer(serializers.Serializer[Any]):
    """Progress of what we send; null for what others wrote or the phone sent."""

    state = serializers.ChoiceField(choices=SENDING_STATES)
    attempts = serializers.IntegerField()
    failure = FailureSerializer(allow_null=True)
    next_at = UtcDateTimeField(allow_null=True, help_text="Next attempt, or next look.")
    can_retry = serializers.BooleanField(help_text="Whether `retry` is possible now.")
    can_cancel = serializers.BooleanField()
    can_resolve = serializers.BooleanField()


class AttemptSerializer(serializers.Serializer[Any]):
    act = serializers.ChoiceField(choices=["send", "check"])
    number = serializers.IntegerField()
    started_at = UtcDateTimeField()
    ended_at = UtcDateTimeField(allow_null=True)
    outcome = serializers.CharField(help_text="Empty while it lasts, or when nobody knows.")
    code = serializers.CharField()
    detail = serializers.CharField()
    http_status = serializers.IntegerField(allow_null=True)
    milliseconds = serializers.IntegerField(allow_null=True)


class AttemptListSerializer(serializers.Serializer[Any]):
    results = AttemptSerializer(many=True)


class ActSerializer(serializers.Serializer[Any]):
    """A change of a message, a read mark or a status post, on its way to the server."""

    id = serializers.UUIDField(source="public_id")
    type = serializers.ChoiceField(choices=Outgoing.Kind.values, source="kind")
    message = serializers.SerializerMethodField()
    state = serializers.ChoiceField(choices=SENDING_STATES)
    created_at = UtcDateTimeField()

    @extend_schema_field(serializers.UUIDField(allow_null=True))
    def get_message(self, row: Outgoing) -> str | None:
        return str(row.target.public_id) if row.target else None


class QueuedSerializer(serializers.Serializer[Any]):
    queued = serializers.BooleanField(help_text="False where there was nothing to tell.")


class UploadSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    kind = serializers.ChoiceField(choices=["image", "video", "audio", "document", "sticker"])
    mime = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    name = serializers.CharField()
    seconds = serializers.IntegerField(allow_null=True)
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    url = serializers.SerializerMethodField()
    created_at = UtcDateTimeField()

    def get_url(self, upload: Upload) -> str:
        """Return a link that works for some minutes."""
        return media_link(upload)


class UploadInputSerializer(serializers.Serializer[Any]):
    file = serializers.FileField()
    name = serializers.CharField(required=False, max_length=255)


class CheckedSerializer(serializers.Serializer[Any]):
    number = serializers.CharField(help_text="Digits.")
    exists = serializers.BooleanField()
    jid = serializers.CharField(help_text="The address that WhatsApp uses; empty when absent.")
    checked_at = UtcDateTimeField(source="asked_at")
    from_cache = serializers.BooleanField()


class CheckedListSerializer(serializers.Serializer[Any]):
    results = CheckedSerializer(many=True)


class NumbersInputSerializer(serializers.Serializer[Any]):
    numbers = serializers.ListField(
        child=serializers.CharField(max_length=40), min_length=1, max_length=100
    )
    connection = serializers.UUIDField(required=False, help_text="Default: any connected one.")


def message_context(bubbles: Sequence[Bubble]) -> dict[str, Any]:
    """Return the context with which `MessageSerializer` shows progress and analysis of each."""
    messages = [bubble.message for bubble in bubbles]
    return {
        "sending": sending_views([message.pk for message in messages]),
        "analysis": analyses_of(messages),
    }
