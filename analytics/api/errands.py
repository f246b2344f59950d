"""What takes a provider seconds: asked for with a POST that answers 202, and looked at here."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from analytics.analysis.selectors import inference
from analytics.api.analysis_outputs import (
    ConversationAnalysisSerializer,
    InferenceSerializer,
    SuggestionsSerializer,
)
from analytics.api.provider_outputs import ProviderTestSerializer
from analytics.errands import rows
from analytics.models import ConversationAnalysis, Errand, Inference
from evosense.core.rest import ApiView, Fields, RowSerializer, UtcDateTimeField, answer_post
from evosense.core.rest_schema import Operation, describes
from messaging.selectors.wordings import public_ids_of

READ, WRITE, TAG = "analysis:read", "analysis:write", "analysis"
Kind, State = Errand.Kind, Errand.State


class TrialAnswerSerializer(RowSerializer[Inference]):
    """What one side said of one text; values are null unless `status` is `ok`."""

    # The same words as in Inference, whose lists have names of their own in the schema.
    status = serializers.CharField()
    emotion = serializers.CharField()
    tone = serializers.CharField()

    class Meta:
        model = Inference
        fields = (
            "status", "error", "sentiment", "emotion", "satisfaction", "tone", "summary",
            "confidence", "is_suspicious", "is_cached", "latency_ms", "input_tokens",
            "output_tokens", "cost_micros",
        )  # fmt: skip


class TrialLineSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    message_id = serializers.UUIDField(allow_null=True)
    answers = TrialAnswerSerializer(many=True, help_text="In the order of the sides.")


class ErrandSerializer(serializers.Serializer[Any]):
    """A request under way. Exactly one of the results is there once `state` is `done`."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=Kind.values)
    state = serializers.ChoiceField(choices=State.values)
    error = serializers.CharField(help_text="A code; empty unless `state` is `failed`.")
    created_at = UtcDateTimeField()
    expires_at = UtcDateTimeField(help_text="It is given up then.")
    ended_at = UtcDateTimeField(allow_null=True)
    inference = InferenceSerializer(allow_null=True)
    conversation_analysis = ConversationAnalysisSerializer(allow_null=True)
    replies = SuggestionsSerializer(allow_null=True)
    provider_test = ProviderTestSerializer(allow_null=True)
    trial = TrialLineSerializer(many=True, allow_null=True)


class ErrandView(ApiView):
    required_scopes = {"GET": READ, "DELETE": WRITE}

    @describes(Operation(id="analysis_requests_get", tag=TAG, scope=READ, answer=ErrandSerializer))
    def get(self, request: Request, errand_id: UUID) -> Response:
        """Return a request and, once it is done, its result. Requests are kept for a day."""
        return Response(shown(rows.errand_of(errand_id)))

    @describes(
        Operation(id="analysis_requests_cancel", tag=TAG, scope=WRITE, answer=None, status=204)
    )
    def delete(self, request: Request, errand_id: UUID) -> Response:
        """Wait for it no longer. What a provider was asked already is paid for."""
        rows.cancel(rows.errand_of(errand_id))
        return Response(status=204)


def answer_errand(request: Request, ask: Callable[[], Errand]) -> Response:
    """Answer a POST with the errand that it began, or that is under way for the same."""
    return answer_post(request, lambda: shown(ask()), status=202)


def errand_operation(
    id: str,  # noqa: A002  (as Operation has it)
    tag: str,
    scope: str,
    body: type[Fields] | None = None,
    example: Any = None,
) -> Operation:
    """Return the description of a POST that begins an errand."""
    return Operation(
        id=id,
        tag=tag,
        scope=scope,
        body=body,
        answer=ErrandSerializer,
        status=202,
        is_idempotent=True,
        example=example,
    )


def shown(errand: Errand) -> dict[str, Any]:
    """Return an errand as the API shows it, in plain values."""
    return {
        "id": str(errand.public_id),
        "kind": errand.kind,
        "state": rows.state_of(errand),
        "error": errand.error,
        "created_at": _time(errand.created_at),
        "expires_at": _time(errand.expires_at),
        "ended_at": _time(errand.ended_at),
        **dict.fromkeys(
            ("inference", "conversation_analysis", "replies", "provider_test", "trial")
        ),
        **_result(errand),
    }


def _result(errand: Errand) -> dict[str, Any]:
    found: dict[str, Any] | None = errand.result
    if found is None:
        return {}
    if errand.kind == Kind.JUDGE:
        return {"inference": _inference(found["inference"])}
    if errand.kind == Kind.CONVERSATION:
        return {"conversation_analysis": _analysis(found["analysis"], errand.subject)}
    if errand.kind == Kind.PROBE:
        return {"provider_test": ProviderTestSerializer(found).data}
    return {"replies": found} if errand.kind == Kind.REPLIES else {"trial": found["lines"]}


def _inference(pk: int) -> Any:
    row = inference(pk)
    context = {"messages": public_ids_of({row.message_id})}
    return InferenceSerializer(row, context=context).data


def _analysis(pk: int, conversation_id: str) -> Any:
    row = ConversationAnalysis.objects.filter(pk=pk).first()
    if row is None:
        return None
    messages = public_ids_of({row.through_message_id, *row.evidence})
    context = {"conversation": conversation_id, "messages": messages}
    return ConversationAnalysisSerializer(row, context=context).data


def _time(moment: Any) -> str | None:
    return UtcDateTimeField().to_representation(moment) if moment else None
