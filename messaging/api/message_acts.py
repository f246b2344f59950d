"""What is done with a message that exists: react, edit, delete, forward, send it again."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from evosense.core.rest import ApiView, answer_post, checked_body
from evosense.core.rest_schema import Operation, describes
from messaging.api.message_inputs import (
    EditInputSerializer,
    ForwardInputSerializer,
    ReactionInputSerializer,
    ResolutionInputSerializer,
    naming_fields,
)
from messaging.api.sending import READ, WRITE, act_now, message_now, shown_message
from messaging.api.sending_outputs import (
    ActSerializer,
    AttemptListSerializer,
    AttemptSerializer,
    QueuedSerializer,
    ReplayedSerializer,
)
from messaging.api.serializers import MessageSerializer
from messaging.selectors.conversations import conversation_to_write
from messaging.selectors.outgoing import attempts_of, outgoing_row
from messaging.selectors.thread import message_bubble
from messaging.services import presence, sending


def _act(name: str, body: Any, example: Any) -> Operation:
    return Operation(
        id=f"messages_{name}",
        tag="messages",
        scope=WRITE,
        body=body,
        answer=ActSerializer,
        status=201,
        is_idempotent=True,
        example=example,
    )


def _decision(name: str, body: Any = None) -> Operation:
    return Operation(
        id=f"messages_{name}",
        tag="messages",
        scope=WRITE,
        body=body,
        answer=MessageSerializer,
        is_idempotent=True,
    )


class MessageAttempts(ApiView):
    required_scopes = {"GET": READ}

    @describes(
        Operation(id="messages_attempts", tag="messages", scope=READ, answer=AttemptListSerializer)
    )
    def get(self, request: Request, message_id: UUID) -> Response:
        """List every call that was made for a message, and every look for what became of it."""
        message_bubble(message_id, show_numbers=True)
        found = attempts_of(message_id)
        return Response({"results": AttemptSerializer(found, many=True).data})


class OutgoingDetail(ApiView):
    required_scopes = {"GET": READ}

    @describes(Operation(id="outgoing_get", tag="messages", scope=READ, answer=ActSerializer))
    def get(self, request: Request, outgoing_id: UUID) -> Response:
        """Tell how far anything sent from here is: a message, an act on one, a status post."""
        return Response(ActSerializer(outgoing_row(outgoing_id)).data)


class MessageReaction(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(_act("react", ReactionInputSerializer, {"emoji": "👍"}))
    def post(self, request: Request, message_id: UUID) -> Response:
        """Put an emoji on a message, or take ours away."""
        fields = checked_body(ReactionInputSerializer, request.data)
        return answer_post(
            request,
            lambda: _shown(sending.react(message_id, fields["emoji"], source="api")),
            status=201,
            present=act_now,
        )


class MessageEdit(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(_act("edit", EditInputSerializer, {"text": "Amanhã às 10h."}))
    def post(self, request: Request, message_id: UUID) -> Response:
        """Replace the text or caption of a message of ours, within 15 minutes."""
        fields = checked_body(EditInputSerializer, request.data)
        return answer_post(
            request,
            lambda: _shown(sending.edit_message(message_id, fields["text"], source="api")),
            status=201,
            present=act_now,
        )


class MessageForward(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(
        Operation(
            id="messages_forward",
            tag="messages",
            scope=WRITE,
            body=ForwardInputSerializer,
            answer=MessageSerializer,
            status=201,
            is_idempotent=True,
            example={"to": "5511900001234"},
        )
    )
    def post(self, request: Request, message_id: UUID) -> Response:
        """Send a copy of a message elsewhere, marked as forwarded."""
        fields = checked_body(ForwardInputSerializer, request.data)

        def forward() -> Any:
            with naming_fields():
                copy = sending.forward_message(message_id, **fields, source="api")
            return shown_message(copy.public_id)

        return answer_post(request, forward, status=201, present=message_now)


class MessageRetry(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(_decision("retry"))
    def post(self, request: Request, message_id: UUID) -> Response:
        """Queue again what failed or was given up."""
        return _decide(request, lambda: sending.retry(message_id))


class MessageCancel(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(_decision("cancel"))
    def post(self, request: Request, message_id: UUID) -> Response:
        """Take back what has not begun to leave."""
        return _decide(request, lambda: sending.cancel(message_id))


class MessageResolution(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(_decision("resolve", ResolutionInputSerializer))
    def post(self, request: Request, message_id: UUID) -> Response:
        """Say what became of a message whose outcome is unknown."""
        fields = checked_body(ResolutionInputSerializer, request.data)
        return _decide(request, lambda: sending.resolve(message_id, **fields))


class FailedReplay(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(
        Operation(
            id="connections_replay_failed",
            tag="connections",
            scope=WRITE,
            answer=ReplayedSerializer,
            is_idempotent=True,
            may_conflict=True,
        )
    )
    def post(self, request: Request, connection_id: UUID) -> Response:
        """Queue again the oldest failures of a connection that a repetition may help."""
        return answer_post(
            request,
            lambda: ReplayedSerializer(sending.replay_failed(connection_id)).data,
            status=200,
        )


class ConversationRead(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(
        Operation(
            id="conversations_read",
            tag="conversations",
            scope=WRITE,
            answer=QueuedSerializer,
            is_idempotent=True,
        )
    )
    def post(self, request: Request, conversation_id: UUID) -> Response:
        """Show the other side that its messages were read."""
        return answer_post(
            request,
            lambda: {"queued": sending.mark_read(conversation_id, source="api") is not None},
            status=200,
        )


class ConversationPresence(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(
        Operation(
            id="conversations_presence",
            tag="conversations",
            scope=WRITE,
            answer=QueuedSerializer,
            status=202,
            may_conflict=True,
        )
    )
    def post(self, request: Request, conversation_id: UUID) -> Response:
        """Show the other side that somebody types, for about five seconds."""
        presence.tell(conversation_to_write(conversation_id))
        return Response({"queued": True}, status=202)


def deleted(message_id: UUID) -> Response:
    """Take a message back for everybody; its address is that of the message."""
    return Response(_shown(sending.delete_message(message_id, source="api")), status=202)


def _shown(row: Any) -> Any:
    return ActSerializer(row).data


def _decide(request: Request, decision: Callable[[], Any]) -> Response:
    """Answer with the message that was decided about; acts have no bubble and so are not found."""
    return answer_post(
        request,
        lambda: shown_message(decision().public_id),
        status=200,
        present=message_now,
    )
