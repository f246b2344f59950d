"""Conversations as a whole: what they came to, what to reply, and who should take them."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from analytics.analysis.conversations import analyse_conversation
from analytics.analysis.replies import Suggestions, suggest_replies
from analytics.analysis.routing import Queue, Route, suggest_route
from analytics.analysis.selectors import conversation_analysis
from analytics.api.analysis import READ, TAG, WRITE
from analytics.api.analysis_inputs import RouteInputSerializer
from analytics.api.analysis_outputs import (
    ConversationAnalysisSerializer,
    RouteSerializer,
    SuggestionsSerializer,
)
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

    @describes(
        Operation(
            id="conversations_analyse",
            tag=TAG,
            scope=WRITE,
            answer=ConversationAnalysisSerializer,
            status=201,
            is_idempotent=True,
        )
    )
    def post(self, request: Request, conversation_id: UUID) -> Response:
        """Analyse a conversation as far as it went; without new messages nothing is paid again."""
        pk = conversation_pk(conversation_id)
        made: list[ConversationAnalysis] = []
        return answer_post(
            request,
            lambda: _shown(made[0], conversation_id),
            status=201,
            prepare=lambda: made.append(analyse_conversation(pk, "asked")),
        )


class ReplySuggestions(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(
        Operation(
            id="conversations_suggest_replies",
            tag=TAG,
            scope=WRITE,
            answer=SuggestionsSerializer,
            is_idempotent=True,
        )
    )
    def post(self, request: Request, conversation_id: UUID) -> Response:
        """Suggest replies in three tones. Nothing is sent."""
        pk = conversation_pk(conversation_id)
        made: list[Suggestions] = []
        return answer_post(
            request,
            lambda: SuggestionsSerializer(made[0]).data,
            status=200,
            prepare=lambda: made.append(suggest_replies(pk)),
        )


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
        """Suggest which queue should take a conversation that begins with these messages."""
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
