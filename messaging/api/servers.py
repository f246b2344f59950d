"""Evolution servers: the company's own to keep, the house's to use."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from evosense.core.errors import NotAllowed
from evosense.core.rest import ApiView, answer_post, checked_body
from evosense.core.rest_schema import Operation, describes
from messaging.api.connection_outputs import (
    ForeignInstanceListSerializer,
    ForeignInstanceSerializer,
    ServerChangeSerializer,
    ServerConnectionInputSerializer,
    ServerInputSerializer,
    ServerListSerializer,
    ServerSerializer,
)
from messaging.api.connections import READ, WRITE, shown_connection
from messaging.api.serializers import ConnectionSerializer
from messaging.gateway import servers
from messaging.services import lifecycle


class ServerList(ApiView):
    required_scopes = {"GET": READ, "POST": WRITE}

    @describes(Operation(id="servers_list", tag="servers", scope=READ, answer=ServerListSerializer))
    def get(self, request: Request) -> Response:
        """List the servers that numbers can be connected to, the company's own first."""
        rows = ServerSerializer(servers.servers_for_tenant(), many=True).data
        return Response({"results": rows})

    @describes(
        Operation(
            id="servers_create",
            tag="servers",
            scope=WRITE,
            body=ServerInputSerializer,
            answer=ServerSerializer,
            status=201,
            is_idempotent=True,
            example={"name": "loja", "url": "https://evolution.example.com", "api_key": "…"},
        )
    )
    def post(self, request: Request) -> Response:
        """Add a server of the company's own and ask it who it is."""
        fields = checked_body(ServerInputSerializer, request.data)
        made: list[UUID] = []

        def create() -> None:
            made.append(servers.create_server(**fields).pk)
            servers.probe_server(made[0])

        return answer_post(request, lambda: _shown(made[0]), status=201, prepare=create)


class ServerDetail(ApiView):
    required_scopes = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}

    @describes(Operation(id="servers_get", tag="servers", scope=READ, answer=ServerSerializer))
    def get(self, request: Request, server_id: UUID) -> Response:
        """Return one server."""
        return Response(_shown(server_id))

    @describes(
        Operation(
            id="servers_update",
            tag="servers",
            scope=WRITE,
            body=ServerChangeSerializer,
            answer=ServerSerializer,
            may_conflict=True,
            example={"name": "loja nova"},
        )
    )
    def patch(self, request: Request, server_id: UUID) -> Response:
        """Change a server of the company's own; without `api_key` the stored one stays.

        Another scheme, host or port needs the key again in the same request; it then stands in for
        the keys of single connections, which are forgotten.
        """
        now = servers.server_view(server_id)
        fields = checked_body(ServerChangeSerializer, request.data)
        known = {"name": now.name, "url": now.url, "is_active": now.is_active}
        changed = servers.update_server(server_id, **{**known, **fields})
        if changed.version == "" or "api_key" in fields:
            servers.probe_server(server_id)
        return Response(_shown(server_id))

    @describes(
        Operation(
            id="servers_delete",
            tag="servers",
            scope=WRITE,
            answer=None,
            status=204,
            may_conflict=True,
        )
    )
    def delete(self, request: Request, server_id: UUID) -> Response:
        """Forget a server of the company's own that no connection uses."""
        servers.remove_server(server_id)
        return Response(status=204)


class ServerTest(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(Operation(id="servers_test", tag="servers", scope=WRITE, answer=ServerSerializer))
    def post(self, request: Request, server_id: UUID) -> Response:
        """Ask one's own server for its version, its licence, and whether it takes the key."""
        if not servers.server_view(server_id).is_own:
            message = _("The house looks after its servers itself.")
            raise NotAllowed("house_server", message, field="server_id")
        servers.probe_server(server_id)
        return Response(_shown(server_id))


class ServerInstances(ApiView):
    required_scopes = {"GET": WRITE}

    @describes(
        Operation(
            id="servers_instances",
            tag="servers",
            scope=WRITE,
            answer=ForeignInstanceListSerializer,
            may_conflict=True,
        )
    )
    def get(self, request: Request, server_id: UUID) -> Response:
        """List the instances of a server of the company's own."""
        found = lifecycle.foreign_instances(server_id)
        return Response({"results": ForeignInstanceSerializer(found, many=True).data})


class ServerConnections(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(
        Operation(
            id="servers_connections_create",
            tag="servers",
            scope=WRITE,
            body=ServerConnectionInputSerializer,
            answer=ConnectionSerializer,
            status=201,
            is_idempotent=True,
            example={"name": "loja", "number": "5511900001234"},
        )
    )
    def post(self, request: Request, server_id: UUID) -> Response:
        """Make a connection on a server: with a new instance, or of one that is there."""
        servers.server_view(server_id)
        fields = checked_body(ServerConnectionInputSerializer, request.data)
        made: list[UUID] = []

        def create() -> None:
            made.append(_connect(server_id, fields))

        return answer_post(request, lambda: shown_connection(made[0]), status=201, prepare=create)


def _connect(server_id: UUID, fields: dict[str, Any]) -> UUID:
    if fields.get("instance"):
        adopted = lifecycle.adopt_instance(
            server_id=server_id,
            instance_name=fields["instance"],
            name=fields["name"],
            number=fields.get("number", ""),
            take_over=fields.get("take_over", False),
        )
        return adopted.public_id
    settings = replace(lifecycle.InstanceSettings(), **fields.get("settings", {}))
    created = lifecycle.create_instance(
        name=fields["name"],
        server_id=server_id,
        number=fields.get("number", ""),
        settings=settings,
    )
    return created.public_id


def _shown(server_id: UUID) -> dict[str, Any]:
    shown: dict[str, Any] = ServerSerializer(servers.server_view(server_id)).data
    return shown
