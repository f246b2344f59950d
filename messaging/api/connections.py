from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from evosense.core.errors import Invalid
from evosense.core.rest import ApiView, PageQuery, answer_post, checked_body, page_of
from evosense.core.rest_schema import Operation, describes, page_serializer
from messaging.api.connection_outputs import (
    ConnectionChangeSerializer,
    RemovalQuery,
    lanes_of,
)
from messaging.api.queries import page_options
from messaging.api.serializers import (
    ConnectionInputSerializer,
    ConnectionSerializer,
    NewConnectionSerializer,
    RotationSerializer,
)
from messaging.selectors.connections import connection_model, connection_page, connection_view
from messaging.services import connections, lifecycle
from messaging.services.health.rules import set_silence_rule

READ, WRITE = "connections:read", "connections:write"


class ConnectionList(ApiView):
    required_scopes = {"GET": READ, "POST": WRITE}
    query_serializer_class = PageQuery

    @describes(
        Operation(
            id="connections_list",
            tag="connections",
            scope=READ,
            query=PageQuery,
            answer=page_serializer(ConnectionSerializer),
        )
    )
    def get(self, request: Request) -> Response:
        """List connections, the one made last first."""
        page = connection_page(**page_options(self.query))
        rows = ConnectionSerializer(page.rows, many=True, context=lanes_of(page.rows))
        return page_of(rows.data, page.next)

    @describes(
        Operation(
            id="connections_create",
            tag="connections",
            scope=WRITE,
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
    required_scopes = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}
    act_query_class = RemovalQuery

    @describes(
        Operation(id="connections_get", tag="connections", scope=READ, answer=ConnectionSerializer)
    )
    def get(self, request: Request, connection_id: UUID) -> Response:
        """Return one connection."""
        return Response(shown_connection(connection_id))

    @describes(
        Operation(
            id="connections_update",
            tag="connections",
            scope=WRITE,
            body=ConnectionChangeSerializer,
            answer=ConnectionSerializer,
            may_conflict=True,
            example={"name": "loja", "is_default": True},
        )
    )
    def patch(self, request: Request, connection_id: UUID) -> Response:
        """Change a connection: name, role, silence of its alerts."""
        connection_model(connection_id)
        fields = checked_body(ConnectionChangeSerializer, request.data)
        with transaction.atomic():
            _change(connection_id, fields)
        return Response(shown_connection(connection_id))

    @describes(
        Operation(
            id="connections_delete",
            tag="connections",
            scope=WRITE,
            query=RemovalQuery,
            answer=None,
            status=204,
            may_conflict=True,
        )
    )
    def delete(self, request: Request, connection_id: UUID) -> Response:
        """Delete a connection and its instance on the server; what was said stays."""
        keep = self.query.get("keep_on_server", False)
        lifecycle.remove(connection_id, keep_on_server=keep)
        return Response(status=204)


class ConnectionRotation(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(
        Operation(
            id="connections_rotate",
            tag="connections",
            scope=WRITE,
            answer=RotationSerializer,
            is_idempotent=True,
        )
    )
    def post(self, request: Request, connection_id: UUID) -> Response:
        """Make a new webhook token; the one before stays good for seven days."""
        return answer_post(request, lambda: _rotated(connection_id), status=200)


def shown_connection(connection_id: UUID) -> dict[str, Any]:
    """Return a connection as every answer shows it; raises NotFound."""
    view = connection_view(connection_id)
    shown: dict[str, Any] = ConnectionSerializer(view, context=lanes_of([view])).data
    return shown


def _change(connection_id: UUID, fields: dict[str, Any]) -> None:
    """Apply what is named; only `muted_until` and `silence_minutes` may be null."""
    if "name" in fields:
        lifecycle.rename(connection_id, name=fields["name"])
    if "is_default" in fields:
        _make_default(connection_id, is_default=fields["is_default"])
    if "allows_bulk" in fields:
        lifecycle.set_bulk(connection_id, allowed=fields["allows_bulk"])
    if "is_active" in fields:
        connections.set_active(connection_id, is_active=fields["is_active"])
    if "muted_until" in fields:
        lifecycle.mute(connection_id, until=fields["muted_until"])
    if "silence_minutes" in fields:
        set_silence_rule(connection_id, minutes=fields["silence_minutes"])


def _make_default(connection_id: UUID, *, is_default: bool) -> None:
    if not is_default:
        message = _("Make another connection the default one instead.")
        raise Invalid("invalid", message, field="is_default")
    lifecycle.set_default(connection_id)


def _created(fields: dict[str, Any]) -> dict[str, Any]:
    made = connections.create_connection(**fields)
    shown = shown_connection(made.connection.public_id)
    return {**shown, "webhook_url": made.webhook_url, "webhook_token": made.token}


def _rotated(connection_id: UUID) -> dict[str, Any]:
    made = connections.rotate_token(connection_id)
    shown = shown_connection(connection_id)
    return {
        "webhook_url": made.webhook_url,
        "webhook_token": made.token,
        "previous_token_until": shown["previous_token_until"],
    }
