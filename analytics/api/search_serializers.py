"""What the search takes and answers."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from analytics.models.choices import Emotion
from analytics.search.hits import PAGE
from analytics.search.parameters import DIRECTIONS, LONGEST_WHO, NAMES, ORDERS, SENTIMENTS
from analytics.search.query import LONGEST
from analytics.search.saved import HIGHEST_ALERT, LONGEST_NAME
from analytics.search.service import MODES
from evosense.core.errors import Invalid
from evosense.core.rest import Fields, NumberField, PageQuery, UtcDateTimeField

_JID = "A WhatsApp address such as `5511900001234@s.whatsapp.net`, or just the digits."


class SearchQuery(PageQuery):
    q = serializers.CharField(
        max_length=LONGEST,
        help_text="Plain words count each for itself; “quoted phrases” must occur, `-words` not.",
    )
    mode = serializers.ChoiceField(choices=MODES, required=False, default="combined")
    order = serializers.ChoiceField(choices=ORDERS, required=False, default="nearest")
    connection = serializers.UUIDField(required=False)
    conversation = serializers.UUIDField(required=False)
    chat = serializers.CharField(required=False, max_length=128, help_text=_JID)
    person = serializers.UUIDField(required=False, help_text="A contact.")
    who = serializers.CharField(
        required=False, max_length=LONGEST_WHO, help_text="A part of a contact's name, or a number."
    )
    since = UtcDateTimeField(required=False, help_text="At or after this time.")
    until = UtcDateTimeField(required=False, help_text="Before this time.")
    direction = serializers.ChoiceField(choices=DIRECTIONS, required=False)
    sentiment = serializers.ChoiceField(choices=list(SENTIMENTS), required=False)
    sentiment_min = NumberField(required=False, min_value=-1, max_value=1)
    sentiment_max = NumberField(required=False, min_value=-1, max_value=1)
    emotion = serializers.ChoiceField(choices=Emotion.values, required=False)
    satisfaction_min = serializers.IntegerField(required=False, min_value=0, max_value=100)
    satisfaction_max = serializers.IntegerField(required=False, min_value=0, max_value=100)
    limit = serializers.IntegerField(
        required=False, default=PAGE, min_value=1, max_value=100, help_text="Rows of a page."
    )

    def validate(self, attrs: Any) -> Any:
        if "since" in attrs and "until" in attrs and attrs["since"] > attrs["until"]:
            raise Invalid("invalid_range", _("`since` is after `until`."), field="since")
        if "sentiment" in attrs and {"sentiment_min", "sentiment_max"} & set(attrs):
            message = _("Give either `sentiment` or its bounds.")
            raise Invalid("invalid", message, field="sentiment")
        for name in ("sentiment", "satisfaction"):
            low, high = attrs.get(f"{name}_min"), attrs.get(f"{name}_max")
            if low is not None and high is not None and low > high:
                message = _("The minimum is above the maximum.")
                raise Invalid("invalid_range", message, field=f"{name}_min")
        return attrs


class ReasonSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["word", "literal", "meaning", "transcript"])
    text = serializers.CharField(help_text="Empty where there is no word for it.")


class PieceSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    is_marked = serializers.BooleanField()


class HitSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="message.id")
    conversation = serializers.UUIDField(source="message.conversation")
    connection = serializers.UUIDField(source="message.connection.id")
    contact = serializers.UUIDField(source="message.contact.id")
    contact_name = serializers.CharField(source="message.contact.name")
    text = serializers.CharField(source="message.text")
    type = serializers.CharField(source="message.type")
    direction = serializers.ChoiceField(choices=DIRECTIONS, source="message.direction")
    occurred_at = UtcDateTimeField(source="message.occurred_at")
    sentiment = serializers.FloatField(source="message.sentiment", allow_null=True)
    emotion = serializers.CharField(source="message.emotion")
    satisfaction = serializers.IntegerField(source="message.satisfaction", allow_null=True)
    similarity = serializers.FloatField(
        allow_null=True, help_text="Cosine, -1 to 1; null without a place by meaning."
    )
    similarity_label = serializers.ChoiceField(
        choices=["strong", "medium", "weak"],
        source="label",
        allow_null=True,
        help_text="By cuts measured for the model in use, of your own messages.",
    )
    position = serializers.IntegerField(help_text="Place in the whole list, from 1.")
    reasons = ReasonSerializer(many=True)
    snippet = PieceSerializer(many=True, source="pieces")


class SemanticBody(Fields):
    query = serializers.CharField(max_length=LONGEST)
    limit = serializers.IntegerField(required=False, default=20, min_value=1, max_value=100)
    similarity_threshold = NumberField(
        required=False,
        default=None,
        allow_null=True,
        min_value=-1,
        max_value=1,
        help_text=(
            "Lowest cosine of a result. Null takes the cut measured for the model in use; the"
            " source system's 0.7 finds nothing in most models."
        ),
    )


class SemanticResultSerializer(serializers.Serializer[Any]):
    message_id = serializers.UUIDField(source="message.id")
    conversation = serializers.UUIDField(source="message.conversation")
    text = serializers.CharField(source="message.text")
    sentiment = serializers.FloatField(source="message.sentiment", allow_null=True)
    satisfaction = serializers.IntegerField(source="message.satisfaction", allow_null=True)
    similarity_score = serializers.FloatField(source="similarity")
    similarity_label = serializers.ChoiceField(choices=["strong", "medium", "weak"], source="label")
    created_at = UtcDateTimeField(source="message.occurred_at")


class SemanticAnswerSerializer(serializers.Serializer[Any]):
    model = serializers.CharField(help_text="The space whose cosines these are.")
    similarity_threshold = serializers.FloatField(help_text="The one that was used.")
    results = SemanticResultSerializer(many=True)


class SavedQueryFields(Fields):
    """The words of the search page, by their English names; days are the company's."""

    q = serializers.CharField(max_length=LONGEST)
    mode = serializers.ChoiceField(choices=MODES, required=False)
    connection = serializers.UUIDField(required=False)
    conversation = serializers.UUIDField(required=False)
    person = serializers.UUIDField(required=False)
    who = serializers.CharField(required=False, max_length=LONGEST_WHO)
    since = serializers.DateField(required=False)
    until = serializers.DateField(required=False)
    direction = serializers.ChoiceField(choices=DIRECTIONS, required=False)
    sentiment = serializers.ChoiceField(choices=list(SENTIMENTS), required=False)
    emotion = serializers.ChoiceField(choices=Emotion.values, required=False)
    satisfaction_min = serializers.IntegerField(required=False, min_value=0, max_value=100)
    satisfaction_max = serializers.IntegerField(required=False, min_value=0, max_value=100)
    order = serializers.ChoiceField(choices=ORDERS, required=False)


class SavedSearchBody(Fields):
    name = serializers.CharField(max_length=LONGEST_NAME)
    query = SavedQueryFields()
    alert_from = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=0,
        max_value=HIGHEST_ALERT,
        help_text="Raise a notice on days with more results than this; null for never.",
    )


class SavedSearchSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    query = serializers.SerializerMethodField()
    alert_from = serializers.IntegerField(allow_null=True)
    created_at = UtcDateTimeField()

    @extend_schema_field(SavedQueryFields)
    def get_query(self, row: Any) -> dict[str, str]:
        return {name: row.query[own] for name, own in NAMES.items() if row.query.get(own)}
