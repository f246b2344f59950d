from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from evosense.core.rest import ApiView, page_of
from evosense.core.rest_schema import Operation, describes, page_serializer
from messaging.api import message_acts, sending
from messaging.api.queries import MessageQuery, ThreadQuery, filter_of, page_options
from messaging.api.sending_outputs import ActSerializer, message_context
from messaging.api.serializers import MessageSerializer
from messaging.selectors.conversations import conversation_model
from messaging.selectors.messages import MessageFilter, message_page

_SCOPE = "messages:read"


class MessageList(ApiView):
    required_scopes = {"GET": _SCOPE, "POST": sending.WRITE}
    query_serializer_class = MessageQuery

    @describes(
        Operation(
            id="messages_list",
            tag="messages",
            scope=_SCOPE,
            query=MessageQuery,
            answer=page_serializer(MessageSerializer),
        )
    )
    def get(self, request: Request) -> Response:
        """List messages, the one that happened last first."""
        return _answer(filter_of(MessageFilter, self.query), self.query)

    @describes(sending.SEND)
    def post(self, request: Request) -> Response:
        """Send a message. It is queued at once; `sending` tells how far it is."""
        return sending.post_message(request)


class ConversationMessages(ApiView):
    required_scopes = {"GET": _SCOPE}
    query_serializer_class = ThreadQuery

    @describes(
        Operation(
            id="conversation_messages_list",
            tag="messages",
            scope=_SCOPE,
            query=ThreadQuery,
            answer=page_serializer(MessageSerializer),
        )
    )
    def get(self, request: Request, conversation_id: UUID) -> Response:
        """List the messages of one conversation, the newest first."""
        held = conversation_model(conversation_id)
        return _answer(MessageFilter(conversation=held.public_id), self.query)


class MessageDetail(ApiView):
    required_scopes = {"GET": _SCOPE, "DELETE": sending.WRITE}

    @describes(Operation(id="messages_get", tag="messages", scope=_SCOPE, answer=MessageSerializer))
    def get(self, request: Request, message_id: UUID) -> Response:
        """Return one message."""
        return Response(sending.shown_message(message_id))

    @describes(
        Operation(
            id="messages_delete",
            tag="messages",
            scope=sending.WRITE,
            answer=ActSerializer,
            status=202,
            may_conflict=True,
        )
    )
    def delete(self, request: Request, message_id: UUID) -> Response:
        """Take a message of ours back for everybody, within some sixty hours."""
        return message_acts.deleted(message_id)


def _answer(narrowed: MessageFilter, query: dict[str, Any]) -> Response:
    page = message_page(narrowed, **page_options(query), show_numbers=True)
    context = message_context(page.bubbles)
    return page_of(MessageSerializer(page.bubbles, many=True, context=context).data, page.next)
