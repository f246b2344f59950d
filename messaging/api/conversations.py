from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from evosense.core.rest import ApiView, page_of
from evosense.core.rest_schema import Operation, describes, page_serializer
from messaging.api.queries import ConversationQuery, filter_of, page_options
from messaging.api.serializers import ConversationSerializer
from messaging.selectors.conversations import ConversationFilter, conversation, conversation_page

_SCOPE = "conversations:read"


class ConversationList(ApiView):
    required_scopes = {"GET": _SCOPE}
    query_serializer_class = ConversationQuery

    @describes(
        Operation(
            id="conversations_list",
            tag="conversations",
            scope=_SCOPE,
            query=ConversationQuery,
            answer=page_serializer(ConversationSerializer),
        )
    )
    def get(self, request: Request) -> Response:
        """List conversations, the one with the newest message first."""
        narrowed = filter_of(
            ConversationFilter, self.query, unread_only=self.query.get("unread", False)
        )
        page = conversation_page(narrowed, **page_options(self.query), show_numbers=True)
        return page_of(ConversationSerializer(page.rows, many=True).data, page.next)


class ConversationDetail(ApiView):
    required_scopes = {"GET": _SCOPE}

    @describes(
        Operation(
            id="conversations_get",
            tag="conversations",
            scope=_SCOPE,
            answer=ConversationSerializer,
        )
    )
    def get(self, request: Request, conversation_id: UUID) -> Response:
        """Return one conversation; an id that was merged leads to the one that remained."""
        return Response(
            ConversationSerializer(conversation(conversation_id, show_numbers=True)).data
        )
