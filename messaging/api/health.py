"""How connections are, what went wrong, and what was fetched again afterwards."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from evosense.core.rest import ApiView, PageQuery, answer_post, checked_body, page_of
from evosense.core.rest_schema import Operation, describes, page_serializer
from messaging.api.connection_outputs import (
    HealthRowSerializer,
    HealthSerializer,
    IncidentQuery,
    IncidentSerializer,
    RepairInputSerializer,
    RepairListSerializer,
    RepairSerializer,
)
from messaging.api.connections import READ, WRITE
from messaging.api.queries import page_options
from messaging.selectors.connections import connection_model, connection_page, living
from messaging.selectors.health import health_view
from messaging.selectors.incidents import (
    incident_page,
    incident_view,
    repair_view,
    repairs_of,
)
from messaging.services.gaps.requests import request_repair
from messaging.services.health.incidents import acknowledge
from messaging.services.health.look import check_now


class HealthList(ApiView):
    required_scopes = {"GET": READ}
    query_serializer_class = PageQuery

    @describes(
        Operation(
            id="health_list",
            tag="health",
            scope=READ,
            query=PageQuery,
            answer=page_serializer(HealthRowSerializer),
        )
    )
    def get(self, request: Request) -> Response:
        """List how the connections are, the one made last first."""
        page = connection_page(**page_options(self.query))
        return page_of(HealthRowSerializer(page.rows, many=True).data, page.next)


class ConnectionHealth(ApiView):
    required_scopes = {"GET": READ, "POST": WRITE}

    @describes(
        Operation(id="connections_health", tag="health", scope=READ, answer=HealthSerializer)
    )
    def get(self, request: Request, connection_id: UUID) -> Response:
        """Tell how a connection is and why we think so."""
        return Response(HealthSerializer(health_view(living(connection_id))).data)

    @describes(
        Operation(
            id="connections_health_check",
            tag="health",
            scope=WRITE,
            answer=HealthSerializer,
            may_conflict=True,
        )
    )
    def post(self, request: Request, connection_id: UUID) -> Response:
        """Look at a connection now."""
        check_now(connection_id)
        return self.get(request, connection_id)


class IncidentList(ApiView):
    required_scopes = {"GET": READ}
    query_serializer_class = IncidentQuery

    @describes(
        Operation(
            id="incidents_list",
            tag="health",
            scope=READ,
            query=IncidentQuery,
            answer=page_serializer(IncidentSerializer),
        )
    )
    def get(self, request: Request) -> Response:
        """List incidents, the one that began last first."""
        page = incident_page(
            connection=self.query.get("connection"),
            open_only=self.query.get("open", False),
            **page_options(self.query),
        )
        return page_of(IncidentSerializer(page.rows, many=True).data, page.next)


class IncidentDetail(ApiView):
    required_scopes = {"GET": READ}

    @describes(Operation(id="incidents_get", tag="health", scope=READ, answer=IncidentSerializer))
    def get(self, request: Request, incident_id: UUID) -> Response:
        """Return one incident."""
        return Response(IncidentSerializer(incident_view(incident_id)).data)


class IncidentAcknowledgement(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(
        Operation(id="incidents_acknowledge", tag="health", scope=WRITE, answer=IncidentSerializer)
    )
    def post(self, request: Request, incident_id: UUID) -> Response:
        """Note that somebody has seen an incident."""
        acknowledge(incident_id)
        return Response(IncidentSerializer(incident_view(incident_id)).data)


class RepairList(ApiView):
    required_scopes = {"GET": READ, "POST": WRITE}

    @describes(Operation(id="repairs_list", tag="health", scope=READ, answer=RepairListSerializer))
    def get(self, request: Request, connection_id: UUID) -> Response:
        """List the last repairs of a connection, newest first."""
        connection_model(connection_id)
        rows = RepairSerializer(repairs_of(connection_id), many=True).data
        return Response({"results": rows})

    @describes(
        Operation(
            id="repairs_create",
            tag="health",
            scope=WRITE,
            body=RepairInputSerializer,
            answer=RepairSerializer,
            status=201,
            is_idempotent=True,
            example={"since": "2025-11-15T09:00:00Z"},
        )
    )
    def post(self, request: Request, connection_id: UUID) -> Response:
        """Fetch again what the server holds of a time; one runs for each connection."""
        fields = checked_body(RepairInputSerializer, request.data)

        def ask() -> object:
            made = request_repair(connection_id, **fields)
            return RepairSerializer(repair_view(made.public_id)).data

        return answer_post(request, ask, status=201)
