"""Conversations as a whole: what they came to, what to reply, and who should take them."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from analytics.analysis.routing import Queue, Route, suggest_route
from analytics.analysis.selectors import conversation_analysis
from analytics.api.analysis_inputs import RouteInputSerializer
from analytics.api.analysis_outputs import (
    ConversationAnalysisSerializer,
    RouteSerializer,
)
from analytics.api.errands import READ, TAG, WRITE, answer_errand, errand_operation
from analytics.errands.asking import ask_analysis, ask_replies
from analytics.models import ConversationAnalysis
from evosense.core.errors import NotFound
from evosense.core.rest import ApiView, answer_post, checked_body
from evosense.core.rest_schema import Operation, describes
from messaging.selectors.wordings import conversation_pk, public_ids_of


class ConversationAnalysisView(ApiView):
    required_scopes = {"GET": READ, "POST": WRITE}

    @describes(
        Operation(
            id="conversations_analysis_get",
            tag=TAG,
            scope=READ,
            answer=ConversationAnalysisSerializer,
        )
    )
    def get(self, request: Request, conversation_id: UUID) -> Response:
        """Return the latest analysis of a conversation."""
        found = conversation_analysis(conversation_pk(conversation_id))
        if found is None:
            raise NotFound("not_analysed", _("This conversation was not analysed yet."))
        return Response(_shown(found, conversation_id))

    @describes(errand_operation("conversations_analyse", TAG, WRITE))
    def post(self, request: Request, conversation_id: UUID) -> Response:
        """Analyse a conversation as far as it went; without new messages nothing is paid again."""
        conversation_pk(conversation_id)
        return answer_errand(request, lambda: ask_analysis(conversation_id))


class ReplySuggestions(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(errand_operation("conversations_suggest_replies", TAG, WRITE))
    def post(self, request: Request, conversation_id: UUID) -> Response:
        """Suggest replies in three tones. Nothing is sent."""
        conversation_pk(conversation_id)
        return answer_errand(request, lambda: ask_replies(conversation_id))


class RouteSuggestion(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(
        Operation(
            id="analysis_suggest_route",
            tag=TAG,
            scope=WRITE,
            body=RouteInputSerializer,
            answer=RouteSerializer,
            is_idempotent=True,
            example={
                "texts": ["minha fatura veio errada"],
                "queues": [{"id": "1", "name": "Financeiro", "description": "Boletos e faturas"}],
            },
        )
    )
    def post(self, request: Request) -> Response:
        """Suggest which queue should take a conversation that begins with these messages.

        Answers at once: rules judge where a provider takes longer than four seconds.
        """
        fields = checked_body(RouteInputSerializer, request.data)
        queues = [Queue(**queue) for queue in fields["queues"]]
        made: list[Route] = []
        return answer_post(
            request,
            lambda: RouteSerializer(made[0]).data,
            status=200,
            prepare=lambda: made.append(suggest_route(fields["texts"], queues)),
        )


def _shown(row: ConversationAnalysis, conversation_id: UUID) -> Any:
    messages = public_ids_of({row.through_message_id, *row.evidence})
    context = {"conversation": conversation_id, "messages": messages}
    return ConversationAnalysisSerializer(row, context=context).data
