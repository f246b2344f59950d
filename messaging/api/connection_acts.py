"""What programs do with a connection: pair, restart, log out, look after webhook and line."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from evosense.core.rest import ApiView, checked_body
from evosense.core.rest_schema import Operation, describes
from messaging.api.connection_outputs import (
    InstanceSettingsSerializer,
    PairingInputSerializer,
    PairingSerializer,
)
from messaging.api.connections import READ, WRITE, shown_connection
from messaging.api.serializers import ConnectionSerializer
from messaging.selectors.connections import connection_model
from messaging.services import lifecycle
from messaging.services.lane_control import pause_sending, resume_sending


def _act(name: str, **over: Any) -> Operation:
    described = {"answer": ConnectionSerializer, "may_conflict": True, **over}
    return Operation(id=f"connections_{name}", tag="connections", scope=WRITE, **described)


class ConnectionPairing(ApiView):
    # Whoever sees a code can take the number over, so looking needs the right to manage.
    required_scopes = {"GET": WRITE, "POST": WRITE}

    @describes(_act("pairing", answer=PairingSerializer))
    def get(self, request: Request, connection_id: UUID) -> Response:
        """Tell how far pairing is, with the newest code."""
        return Response(PairingSerializer(lifecycle.pairing_view(connection_id)).data)

    @describes(_act("pair", body=PairingInputSerializer, answer=PairingSerializer))
    def post(self, request: Request, connection_id: UUID) -> Response:
        """Start pairing: a QR code, or a code to type on the phone."""
        fields = checked_body(PairingInputSerializer, request.data)
        by_code = fields.get("by_code", False)
        view = lifecycle.start_pairing(connection_id, by_code=by_code)
        return Response(PairingSerializer(view).data)


class ConnectionNumber(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(_act("accept_number"))
    def post(self, request: Request, connection_id: UUID) -> Response:
        """Accept the number that was paired instead of the one on record."""
        lifecycle.accept_number(connection_id)
        return Response(shown_connection(connection_id))


class ConnectionRestart(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(_act("restart"))
    def post(self, request: Request, connection_id: UUID) -> Response:
        """End the session's socket and open it again."""
        lifecycle.restart(connection_id)
        return Response(shown_connection(connection_id))


class ConnectionLogout(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(_act("logout"))
    def post(self, request: Request, connection_id: UUID) -> Response:
        """Unpair the phone; nothing reconnects afterwards."""
        lifecycle.log_out(connection_id)
        return Response(shown_connection(connection_id))


class ConnectionSettings(ApiView):
    required_scopes = {"GET": READ, "PATCH": WRITE}

    @describes(
        Operation(
            id="connections_settings",
            tag="connections",
            scope=READ,
            answer=InstanceSettingsSerializer,
        )
    )
    def get(self, request: Request, connection_id: UUID) -> Response:
        """Return how the instance is to behave."""
        found = lifecycle.settings_of(connection_model(connection_id))
        return Response(InstanceSettingsSerializer(found).data)

    @describes(
        _act(
            "settings_update",
            body=InstanceSettingsSerializer,
            answer=InstanceSettingsSerializer,
            example={"reject_call": True, "call_text": "Escreva, por favor."},
        )
    )
    def patch(self, request: Request, connection_id: UUID) -> Response:
        """Change how the instance behaves, on its server and here."""
        now = lifecycle.settings_of(connection_model(connection_id))
        fields = checked_body(InstanceSettingsSerializer, request.data)
        lifecycle.save_settings(connection_id, replace(now, **fields))
        return self.get(request, connection_id)


class WebhookCheck(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(_act("webhook_verify"))
    def post(self, request: Request, connection_id: UUID) -> Response:
        """Compare the webhook on the server with ours, and repair it; see `webhook_state`."""
        lifecycle.verify_webhook(connection_id)
        return Response(shown_connection(connection_id))


class WebhookRotation(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(_act("webhook_rotate"))
    def post(self, request: Request, connection_id: UUID) -> Response:
        """Set a new token on the server of a connection that we look after."""
        lifecycle.rotate_webhook(connection_id)
        return Response(shown_connection(connection_id))


class SendingPause(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(_act("pause"))
    def post(self, request: Request, connection_id: UUID) -> Response:
        """Let nothing new leave until somebody resumes."""
        pause_sending(connection_id)
        return Response(shown_connection(connection_id))


class SendingResumption(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(_act("resume"))
    def post(self, request: Request, connection_id: UUID) -> Response:
        """Let a sending line go on, whatever stopped it."""
        resume_sending(connection_id)
        return Response(shown_connection(connection_id))
