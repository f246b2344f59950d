"""Query parameters of the lists: what may be asked, and the filters that it becomes."""

from typing import Any, TypeVar

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from evosense.core.errors import Invalid
from evosense.core.rest import NumberField, PageQuery, UtcDateTimeField
from messaging.models import Contact, Conversation, Message
from messaging.selectors.raw_events import FLAGS, STATUSES

Filter = TypeVar("Filter")
_JID = "A WhatsApp address such as `5511900001234@s.whatsapp.net`, or just the digits."


class PeriodQuery(PageQuery):
    since = UtcDateTimeField(required=False, help_text="At or after this time.")
    until = UtcDateTimeField(required=False, help_text="Before this time.")

    def validate(self, attrs: Any) -> Any:
        if "since" in attrs and "until" in attrs and attrs["since"] > attrs["until"]:
            raise Invalid("invalid_range", _("`since` is after `until`."), field="since")
        return attrs


class MessageQuery(PeriodQuery):
    connection = serializers.UUIDField(required=False)
    conversation = serializers.UUIDField(required=False)
    chat = serializers.CharField(required=False, max_length=128, help_text=_JID)
    provider_id = serializers.CharField(required=False, max_length=255)
    direction = serializers.ChoiceField(choices=Message.Direction.values, required=False)
    type = serializers.ChoiceField(choices=Message.Type.values, required=False)
    status = serializers.ChoiceField(choices=Message.Status.values, required=False)
    author = serializers.CharField(required=False, max_length=128, help_text=_JID)
    text = serializers.CharField(
        required=False, max_length=500, help_text="Words, in any order and inflection."
    )
    emotion = serializers.CharField(required=False, max_length=40)
    tone = serializers.CharField(required=False, max_length=40)
    sentiment_min = NumberField(required=False, min_value=-1, max_value=1)
    sentiment_max = NumberField(required=False, min_value=-1, max_value=1)
    satisfaction_min = serializers.IntegerField(required=False, min_value=0, max_value=100)
    satisfaction_max = serializers.IntegerField(required=False, min_value=0, max_value=100)

    def validate(self, attrs: Any) -> Any:
        for name in ("sentiment", "satisfaction"):
            low, high = attrs.get(f"{name}_min"), attrs.get(f"{name}_max")
            if low is not None and high is not None and low > high:
                message = _("The minimum is above the maximum.")
                raise Invalid("invalid_range", message, field=f"{name}_min")
        return super().validate(attrs)


class ThreadQuery(PageQuery):
    pass


class ConversationQuery(PeriodQuery):
    connection = serializers.UUIDField(required=False)
    kind = serializers.ChoiceField(choices=Conversation.Kind.values, required=False)
    status = serializers.ChoiceField(choices=Conversation.Status.values, required=False)
    unread = serializers.BooleanField(required=False, allow_null=False)
    chat = serializers.CharField(required=False, max_length=128, help_text=_JID)
    q = serializers.CharField(
        required=False, max_length=200, help_text="Name, number, its last four digits, or words."
    )


class ContactQuery(PageQuery):
    kind = serializers.ChoiceField(choices=Contact.Kind.values, required=False)
    chat = serializers.CharField(required=False, max_length=128, help_text=_JID)
    q = serializers.CharField(
        required=False, max_length=200, help_text="Name, number, or its last four digits."
    )


class RawEventQuery(PeriodQuery):
    status = serializers.ChoiceField(choices=list(STATUSES), required=False)
    event = serializers.CharField(required=False, max_length=80)
    flag = serializers.ChoiceField(choices=FLAGS, required=False)


def page_options(query: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that every page of a selector takes."""
    return {"cursor": query.get("cursor"), "limit": query["limit"]}


def filter_of(kind: type[Filter], query: dict[str, Any], **also: Any) -> Filter:
    """Return a filter with the parameters that its dataclass has a field for."""
    fields = kind.__dataclass_fields__  # type: ignore[attr-defined]
    known = {name: value for name, value in query.items() if name in fields}
    return kind(**known, **also)
