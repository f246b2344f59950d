"""How what is sent looks outside: its progress, its attempts, its files."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from evosense.core.rest import UtcDateTimeField
from messaging.models import Outgoing, Upload
from messaging.selectors.bubbles import Bubble
from messaging.selectors.judged import analyses_of
from messaging.selectors.outgoing import sending_view, sending_views
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
    """Something on its way to the server: a message, a change of one, a read mark, a status post.

    `state` is how far it is with the server; `GET /outgoing/{id}` tells it again.
    """

    id = serializers.UUIDField(source="public_id")
    type = serializers.ChoiceField(choices=Outgoing.Kind.values, source="kind")
    message = serializers.SerializerMethodField()
    state = serializers.ChoiceField(choices=SENDING_STATES)
    attempts = serializers.IntegerField()
    failure = serializers.SerializerMethodField()
    created_at = UtcDateTimeField()
    finished_at = UtcDateTimeField(allow_null=True)

    @extend_schema_field(serializers.UUIDField(allow_null=True))
    def get_message(self, row: Outgoing) -> str | None:
        """Return the message that it is, or is about."""
        message = row.message or row.target
        return str(message.public_id) if message else None

    @extend_schema_field(FailureSerializer(allow_null=True))
    def get_failure(self, row: Outgoing) -> dict[str, Any] | None:
        failure = sending_view(row).failure
        return FailureSerializer(failure).data if failure else None


class QueuedSerializer(serializers.Serializer[Any]):
    queued = serializers.BooleanField(help_text="False where there was nothing to tell.")


class ReplayedSerializer(serializers.Serializer[Any]):
    replayed = serializers.IntegerField(help_text="Queued again now, at most 500.")
    remaining = serializers.IntegerField(help_text="Still to do, counted up to 500.")


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
