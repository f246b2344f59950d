"""Sending over the API: messages and status posts, and the files that they carry."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from evosense.core.rest import ApiView, answer_post, checked_body
from evosense.core.rest_schema import Operation, describes
from messaging.api.message_inputs import (
    FILE_TYPES,
    GROUPS,
    MessageInputSerializer,
    StatusPostInputSerializer,
    naming_fields,
    payload_of,
    refuse_unused,
    status_payload_of,
)
from messaging.api.sending_outputs import (
    ActSerializer,
    CheckedListSerializer,
    CheckedSerializer,
    NumbersInputSerializer,
    UploadInputSerializer,
    UploadSerializer,
    message_context,
)
from messaging.api.serializers import MessageSerializer
from messaging.selectors.connections import connection_model
from messaging.selectors.outgoing import outgoing_row
from messaging.selectors.thread import message_bubble
from messaging.services import sending
from messaging.services.brought_files import bring_file
from messaging.services.media import store_upload
from messaging.services.numbers import check_numbers
from messaging.services.sending.contents import read_content

READ, WRITE = "messages:read", "messages:write"
SEND = Operation(
    id="messages_send",
    tag="messages",
    scope=WRITE,
    body=MessageInputSerializer,
    answer=MessageSerializer,
    status=201,
    is_idempotent=True,
    example={"type": "text", "to": "5511900001234", "text": "Seu pedido saiu para entrega."},
)
Posted = dict[str, Any]


def post_message(request: Request) -> Response:
    """Queue the message of a body; a file is brought first, outside the transaction."""
    fields = checked_body(MessageInputSerializer, request.data)
    refuse_unused(fields)
    return _post_with_file(request, fields, _send, message_now)


def shown_message(message_id: UUID) -> dict[str, Any]:
    """Return a message as every answer shows it."""
    bubble = message_bubble(message_id, show_numbers=True)
    shown: dict[str, Any] = MessageSerializer(bubble, context=message_context([bubble])).data
    return shown


def message_now(answer: Posted) -> Posted:
    """Return the message of a remembered answer as it is now; raises NotFound."""
    return shown_message(UUID(answer["id"]))


def act_now(answer: Posted) -> Any:
    """Return the act of a remembered answer as it is now; raises NotFound."""
    return ActSerializer(outgoing_row(UUID(answer["id"]))).data


class StatusPosts(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(
        Operation(
            id="status_posts_create",
            tag="messages",
            scope=WRITE,
            body=StatusPostInputSerializer,
            answer=ActSerializer,
            status=201,
            is_idempotent=True,
            example={"type": "text", "text": "Aberto até as 18h."},
        )
    )
    def post(self, request: Request, connection_id: UUID) -> Response:
        """Post a status, which contacts see for a day."""
        connection_model(connection_id)
        fields = checked_body(StatusPostInputSerializer, request.data)
        refuse_unused(fields)

        def post(fields: Posted, file: Posted | None) -> Any:
            with naming_fields():
                payload = status_payload_of(fields, file)
                row = sending.post_status(payload, connection=connection_id, source="api")
            return ActSerializer(row).data

        return _post_with_file(request, fields, post, act_now)


class UploadList(ApiView):
    required_scopes = {"POST": WRITE}
    parser_classes = (MultiPartParser,)

    @describes(
        Operation(
            id="uploads_create",
            tag="messages",
            scope=WRITE,
            body={"multipart/form-data": UploadInputSerializer},
            answer=UploadSerializer,
            status=201,
        )
    )
    def post(self, request: Request) -> Response:
        """Bring a file that messages may carry; unused it is forgotten after a day."""
        fields = checked_body(UploadInputSerializer, request.data)
        upload = store_upload(fields["file"], fields.get("name", ""))
        return Response(UploadSerializer(upload).data, status=201)


class NumberCheckList(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(
        Operation(
            id="numbers_check",
            tag="messages",
            scope=WRITE,
            body=NumbersInputSerializer,
            answer=CheckedListSerializer,
            may_conflict=True,
            example={"numbers": ["5511900001234"]},
        )
    )
    def post(self, request: Request) -> Response:
        """Tell which numbers are on WhatsApp; each is asked at most once a day."""
        fields = checked_body(NumbersInputSerializer, request.data)
        asker = connection_model(fields["connection"]) if "connection" in fields else None
        found = check_numbers(asker, fields["numbers"])
        return Response({"results": CheckedSerializer(found, many=True).data})


def _send(fields: Posted, file: Posted | None) -> Any:
    kind, payload = fields["type"], payload_of(fields, file)
    with naming_fields(kind if kind in GROUPS else ""):
        read_content(kind, payload)
    with naming_fields():
        message = sending.send_message(
            sending.SendRequest(
                kind=kind,
                payload=payload,
                connection=fields.get("connection"),
                conversation=fields.get("conversation"),
                to=fields.get("to", ""),
                reply_to=fields.get("reply_to"),
                source="api",
                expires_at=fields.get("expires_at"),
            )
        )
    return shown_message(message.public_id)


def _post_with_file(
    request: Request,
    fields: Posted,
    work: Callable[[Posted, Posted | None], Any],
    present: Callable[[Posted], Any],
) -> Response:
    """Do `work` once for each key, with the file of the body brought before."""
    brought: list[Posted] = []

    def bring() -> None:
        brought.append(bring_file(fields.get("media", {})))

    takes_file = fields["type"] in FILE_TYPES
    return answer_post(
        request,
        lambda: work(fields, brought[0] if brought else None),
        status=201,
        prepare=bring if takes_file else None,
        present=present,
    )
