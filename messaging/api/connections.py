from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from evosense.core.rest import ApiView, PageQuery, answer_post, checked_body, page_of
from evosense.core.rest_schema import Operation, describes, page_serializer
from messaging.api.queries import page_options
from messaging.api.serializers import (
    ConnectionInputSerializer,
    ConnectionSerializer,
    NewConnectionSerializer,
    RotationSerializer,
)
from messaging.selectors.connections import connection_page, connection_view
from messaging.services import connections

_READ, _WRITE = "connections:read", "connections:write"


class ConnectionList(ApiView):
    required_scopes = {"GET": _READ, "POST": _WRITE}
    query_serializer_class = PageQuery

    @describes(
        Operation(
            id="connections_list",
            tag="connections",
            scope=_READ,
            query=PageQuery,
            answer=page_serializer(ConnectionSerializer),
        )
    )
    def get(self, request: Request) -> Response:
        """List connections, the one made last first."""
        page = connection_page(**page_options(self.query))
        return page_of(ConnectionSerializer(page.rows, many=True).data, page.next)

    @describes(
        Operation(
            id="connections_create",
            tag="connections",
            scope=_WRITE,
            body=ConnectionInputSerializer,
            answer=NewConnectionSerializer,
            status=201,
            is_idempotent=True,
            example={
                "name": "loja",
                "instance": "evs-1",
                "server_url": "https://evolution.example.com",
                "number": "5511900001234",
            },
        )
    )
    def post(self, request: Request) -> Response:
        """Create a connection; its webhook token is in this answer only."""
        fields = checked_body(ConnectionInputSerializer, request.data)
        connections.check_server(fields.get("server_url", ""))
        return answer_post(request, lambda: _created(fields), status=201)


class ConnectionDetail(ApiView):
    required_scopes = {"GET": _READ}

    @describes(
        Operation(id="connections_get", tag="connections", scope=_READ, answer=ConnectionSerializer)
    )
    def get(self, request: Request, connection_id: UUID) -> Response:
        """Return one connection."""
        return Response(ConnectionSerializer(connection_view(connection_id)).data)


class ConnectionRotation(ApiView):
    required_scopes = {"POST": _WRITE}

    @describes(
        Operation(
            id="connections_rotate",
            tag="connections",
            scope=_WRITE,
            answer=RotationSerializer,
            is_idempotent=True,
        )
    )
    def post(self, request: Request, connection_id: UUID) -> Response:
        """Make a new webhook token; the one before stays good for seven days."""
        return answer_post(request, lambda: _rotated(connection_id), status=200)


def _created(fields: dict[str, Any]) -> dict[str, Any]:
    made = connections.create_connection(**fields)
    shown = ConnectionSerializer(connection_view(made.connection.public_id)).data
    return {**shown, "webhook_url": made.webhook_url, "webhook_token": made.token}


def _rotated(connection_id: UUID) -> dict[str, Any]:
    made = connections.rotate_token(connection_id)
    shown = ConnectionSerializer(connection_view(connection_id)).data
    return {
        "webhook_url": made.webhook_url,
        "webhook_token": made.token,
        "previous_token_until": shown["previous_token_until"],
    }
