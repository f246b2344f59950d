from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from analytics.labelling import corrections, gold, review
from analytics.labelling.words import Word
from analytics.models import Emotion, GoldSet, Tone
from evosense.core.pagination import newest_first
from evosense.core.rest import (
    ApiView,
    Fields,
    NumberField,
    PageQuery,
    UtcDateTimeField,
    answer_post,
    checked_body,
    page_of,
)
from evosense.core.rest_schema import Operation, describes, page_serializer

_READ, _WRITE = "analysis:read", "analysis:write"
# Of keys whose maker nobody remembers.
_NOBODY = 0


class CorrectionSerializer(Fields):
    sentiment = NumberField(required=False, min_value=-1, max_value=1)
    emotion = serializers.ChoiceField(choices=Emotion.values, required=False)
    satisfaction = serializers.IntegerField(required=False, min_value=0, max_value=100)
    tone = serializers.ChoiceField(choices=Tone.values, required=False)


class CorrectedSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    sentiment = serializers.FloatField()
    emotion = serializers.CharField()
    satisfaction = serializers.IntegerField()
    tone = serializers.CharField()
    judged_by = serializers.CharField()


_COUNTED = f"{review.COUNTED} means that many or more."
_RECENT = f"Of the newest {gold.LOOKED_AT} answers, as are the alphas."


class ReviewSerializer(serializers.Serializer[Any]):
    open = serializers.IntegerField(help_text=_COUNTED)
    disputed = serializers.IntegerField(help_text=_COUNTED)
    done = serializers.IntegerField(help_text=_COUNTED)
    people = serializers.IntegerField(help_text=_RECENT)
    labelled = serializers.IntegerField(help_text=_RECENT)
    alpha_sentiment = serializers.FloatField(allow_null=True)
    alpha_emotion = serializers.FloatField(allow_null=True)
    alpha_satisfaction = serializers.FloatField(allow_null=True)


class GoldSetSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    description = serializers.CharField()
    figures = serializers.JSONField()
    frozen_at = UtcDateTimeField(allow_null=True)
    created_by = serializers.CharField()


class Correction(ApiView):
    required_scopes = {"POST": _WRITE}

    @describes(
        Operation(
            id="messages_correct",
            tag="analysis",
            scope=_WRITE,
            body=CorrectionSerializer,
            answer=CorrectedSerializer,
            may_conflict=True,
            is_idempotent=True,
            example={"sentiment": -0.5, "emotion": "frustracao"},
        )
    )
    def post(self, request: Request, message_id: UUID) -> Response:
        """Put a person's values on a message; no analyser replaces them. Left out: as judged."""
        word = Word(**checked_body(CorrectionSerializer, request.data))
        user_id = getattr(request.auth, "created_by_id", None) or _NOBODY

        def work() -> Any:
            corrected = corrections.correct(message_id, word, user_id=user_id)
            return CorrectedSerializer(corrected).data

        return answer_post(request, work, status=200)


class ReviewState(ApiView):
    required_scopes = {"GET": _READ}

    @describes(Operation(id="review_get", tag="analysis", scope=_READ, answer=ReviewSerializer))
    def get(self, request: Request) -> Response:
        """Tell how much waits in the blind review, and how far people agree."""
        said = gold.figures()
        known = {key: value for key, value in said.items() if key.startswith(("alpha", "people"))}
        return Response(
            ReviewSerializer({**review.counts(), **known, "labelled": said["messages"]}).data
        )


class GoldSets(ApiView):
    required_scopes = {"GET": "experiments:read"}
    query_serializer_class = PageQuery

    @describes(
        Operation(
            id="gold_sets_list",
            tag="experiments",
            scope="experiments:read",
            query=PageQuery,
            answer=page_serializer(GoldSetSerializer),
        )
    )
    def get(self, request: Request) -> Response:
        """List the gold sets, the newest first."""
        page = newest_first(
            GoldSet.objects.all(),
            field="created_at",
            limit=self.query["limit"],
            cursor=self.query.get("cursor"),
        )
        return page_of(GoldSetSerializer(page.rows, many=True).data, page.next)
