"""Outbound webhooks: the company's endpoints, tests of them, and their deliveries."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from evosense.core.rest import ApiView, answer_post, checked_body, page_of
from evosense.core.rest_schema import Operation, describes, page_serializer
from messaging.api.queries import page_options
from messaging.api.webhook_outputs import (
    DeliveryQuery,
    DeliverySerializer,
    WebhookChangeSerializer,
    WebhookInputSerializer,
    WebhookListSerializer,
    WebhookSerializer,
    WebhookWithSecretSerializer,
)
from messaging.selectors import webhooks_out as read
from messaging.services.webhooks_out import deliveries, endpoints

READ, WRITE = "webhooks:read", "webhooks:write"


class WebhookList(ApiView):
    required_scopes = {"GET": READ, "POST": WRITE}

    @describes(
        Operation(id="webhooks_list", tag="webhooks", scope=READ, answer=WebhookListSerializer)
    )
    def get(self, request: Request) -> Response:
        """List the company's webhooks by name."""
        return Response({"results": WebhookSerializer(read.endpoint_list(), many=True).data})

    @describes(
        Operation(
            id="webhooks_create",
            tag="webhooks",
            scope=WRITE,
            body=WebhookInputSerializer,
            answer=WebhookWithSecretSerializer,
            status=201,
            is_idempotent=True,
            example={
                "name": "erp",
                "url": "https://erp.example.com/evosense",
                "event_types": ["incident.opened", "incident.closed"],
            },
        )
    )
    def post(self, request: Request) -> Response:
        """Add a webhook; only this answer shows its secret."""
        fields = checked_body(WebhookInputSerializer, request.data)
        made: list[endpoints.NewSecret] = []

        def create() -> None:
            made.append(endpoints.create_endpoint(**fields))

        return answer_post(request, lambda: _with_secret(made[0]), status=201, prepare=create)


class WebhookDetail(ApiView):
    required_scopes = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}

    @describes(Operation(id="webhooks_get", tag="webhooks", scope=READ, answer=WebhookSerializer))
    def get(self, request: Request, webhook_id: UUID) -> Response:
        """Return one webhook."""
        return Response(_shown(webhook_id))

    @describes(
        Operation(
            id="webhooks_update",
            tag="webhooks",
            scope=WRITE,
            body=WebhookChangeSerializer,
            answer=WebhookSerializer,
            may_conflict=True,
            example={"is_active": True},
        )
    )
    def patch(self, request: Request, webhook_id: UUID) -> Response:
        """Change a webhook, or switch it on again after it was switched off."""
        now = read.endpoint_view(webhook_id)
        fields = checked_body(WebhookChangeSerializer, request.data)
        known = {name: getattr(now, name) for name in ("name", "url", "event_types", "is_active")}
        endpoints.update_endpoint(webhook_id, **{**known, **fields})
        return Response(_shown(webhook_id))

    @describes(
        Operation(id="webhooks_delete", tag="webhooks", scope=WRITE, answer=None, status=204)
    )
    def delete(self, request: Request, webhook_id: UUID) -> Response:
        """Forget a webhook and its deliveries."""
        endpoints.remove_endpoint(webhook_id)
        return Response(status=204)


class WebhookTest(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(
        Operation(
            id="webhooks_test",
            tag="webhooks",
            scope=WRITE,
            answer=DeliverySerializer,
            is_idempotent=True,
        )
    )
    def post(self, request: Request, webhook_id: UUID) -> Response:
        """Send a `webhook.test` now, once, and say what the address answered."""
        made: list[UUID] = []

        def send() -> None:
            made.append(deliveries.send_test(webhook_id))

        return answer_post(
            request, lambda: _delivery(webhook_id, made[0]), status=200, prepare=send
        )


class WebhookSecret(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(
        Operation(
            id="webhooks_rotate",
            tag="webhooks",
            scope=WRITE,
            answer=WebhookWithSecretSerializer,
            is_idempotent=True,
        )
    )
    def post(self, request: Request, webhook_id: UUID) -> Response:
        """Make a new secret; the one before also signs for 24 hours."""
        return answer_post(
            request, lambda: _with_secret(endpoints.rotate_secret(webhook_id)), status=200
        )


class DeliveryList(ApiView):
    required_scopes = {"GET": READ}
    query_serializer_class = DeliveryQuery

    @describes(
        Operation(
            id="webhooks_deliveries",
            tag="webhooks",
            scope=READ,
            query=DeliveryQuery,
            answer=page_serializer(DeliverySerializer),
        )
    )
    def get(self, request: Request, webhook_id: UUID) -> Response:
        """List what was and will be delivered, the newest first; kept for 30 days."""
        page = read.delivery_page(webhook_id, **page_options(self.query))
        return page_of(DeliverySerializer(page.rows, many=True).data, page.next)


class DeliveryReplay(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(
        Operation(
            id="webhooks_replay",
            tag="webhooks",
            scope=WRITE,
            answer=DeliverySerializer,
            status=202,
            is_idempotent=True,
            may_conflict=True,
        )
    )
    def post(self, request: Request, webhook_id: UUID, delivery_id: UUID) -> Response:
        """Send a delivery that is over once more, under the same `webhook-id`."""
        return answer_post(request, lambda: _replayed(webhook_id, delivery_id), status=202)


def _shown(webhook_id: UUID) -> dict[str, Any]:
    shown: dict[str, Any] = WebhookSerializer(read.endpoint_view(webhook_id)).data
    return shown


def _with_secret(made: endpoints.NewSecret) -> dict[str, Any]:
    return {**_shown(made.endpoint.public_id), "secret": made.secret}


def _delivery(webhook_id: UUID, delivery_id: UUID) -> object:
    return DeliverySerializer(read.delivery_view(webhook_id, delivery_id)).data


def _replayed(webhook_id: UUID, delivery_id: UUID) -> object:
    deliveries.replay(webhook_id, delivery_id)
    return _delivery(webhook_id, delivery_id)
