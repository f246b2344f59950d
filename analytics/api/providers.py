"""Model providers: the company's own to keep, the house's to use. Keys go in and never out."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from analytics.api.errands import answer_errand, errand_operation
from analytics.api.provider_outputs import (
    PriceInputSerializer,
    PriceListSerializer,
    PriceSerializer,
    ProviderChangeSerializer,
    ProviderInputSerializer,
    ProviderListSerializer,
    ProviderSerializer,
)
from analytics.errands.asking import ask_probe
from analytics.providers import keeping, price_list
from analytics.providers.models import ModelPrice
from analytics.providers.shown import provider_view, provider_views
from evosense.core.errors import NotAllowed
from evosense.core.rest import ApiView, answer_post, checked_body
from evosense.core.rest_schema import Operation, describes

READ, WRITE = "analysis:read", "providers:write"
_TAG = "providers"
_EXAMPLE = {
    "name": "nuvem",
    "base_url": "https://api.example.com/v1",
    "api_key": "…",
    "chat_model": "modelo-1",
}


class ProviderList(ApiView):
    required_scopes = {"GET": READ, "POST": WRITE}

    @describes(Operation(id="providers_list", tag=_TAG, scope=READ, answer=ProviderListSerializer))
    def get(self, request: Request) -> Response:
        """List the providers that may be asked, the company's own first."""
        rows = ProviderSerializer(provider_views(), many=True).data
        return Response({"results": rows})

    @describes(
        Operation(
            id="providers_create",
            tag=_TAG,
            scope=WRITE,
            body=ProviderInputSerializer,
            answer=ProviderSerializer,
            status=201,
            is_idempotent=True,
            example=_EXAMPLE,
        )
    )
    def post(self, request: Request) -> Response:
        """Add a provider of the company's own. Test it with `test`."""
        fields = checked_body(ProviderInputSerializer, request.data)
        made: list[UUID] = []

        def create() -> None:
            made.append(keeping.create_provider(**fields).pk)

        return answer_post(request, lambda: _shown(made[0]), status=201, prepare=create)


class ProviderDetail(ApiView):
    required_scopes = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}

    @describes(Operation(id="providers_get", tag=_TAG, scope=READ, answer=ProviderSerializer))
    def get(self, request: Request, provider_id: UUID) -> Response:
        """Return one provider."""
        return Response(_shown(provider_id))

    @describes(
        Operation(
            id="providers_update",
            tag=_TAG,
            scope=WRITE,
            body=ProviderChangeSerializer,
            answer=ProviderSerializer,
            may_conflict=True,
            example={"chat_model": "modelo-2"},
        )
    )
    def patch(self, request: Request, provider_id: UUID) -> Response:
        """Change a provider of the company's own; without `api_key` the stored one stays."""
        fields = checked_body(ProviderChangeSerializer, request.data)
        keeping.update_provider(provider_id, **fields)
        return Response(_shown(provider_id))

    @describes(
        Operation(
            id="providers_delete",
            tag=_TAG,
            scope=WRITE,
            answer=None,
            status=204,
            may_conflict=True,
        )
    )
    def delete(self, request: Request, provider_id: UUID) -> Response:
        """Forget a provider of the company's own that nothing uses."""
        keeping.remove_provider(provider_id)
        return Response(status=204)


class ProviderTest(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(errand_operation("providers_test", _TAG, WRITE))
    def post(self, request: Request, provider_id: UUID) -> Response:
        """Ask one's own provider what it can do; takes up to a minute and a half."""
        if not provider_view(provider_id).is_own:
            message = _("The house looks after its providers itself.")
            raise NotAllowed("house_provider", message, field="provider_id")
        return answer_errand(request, lambda: ask_probe(provider_id))


class PriceList(ApiView):
    required_scopes = {"GET": READ, "POST": WRITE}

    @describes(
        Operation(id="providers_prices_list", tag=_TAG, scope=READ, answer=PriceListSerializer)
    )
    def get(self, request: Request, provider_id: UUID) -> Response:
        """List a provider's prices, each model's newest first."""
        rows = price_list.prices_of(provider_id)
        return Response({"results": PriceSerializer(rows, many=True).data})

    @describes(
        Operation(
            id="providers_prices_set",
            tag=_TAG,
            scope=WRITE,
            body=PriceInputSerializer,
            answer=PriceSerializer,
            status=201,
            is_idempotent=True,
            example={
                "model": "modelo-1",
                "valid_from": "2026-11-01",
                "input_price": "1.00",
                "output_price": "4.00",
            },
        )
    )
    def post(self, request: Request, provider_id: UUID) -> Response:
        """Enter what a model costs from a day on, for a million tokens."""
        fields = checked_body(PriceInputSerializer, request.data)
        made: list[ModelPrice] = []

        def enter() -> None:
            made.append(price_list.set_price(provider_id, **fields))

        return answer_post(
            request, lambda: dict(PriceSerializer(made[0]).data), status=201, prepare=enter
        )


class PriceDetail(ApiView):
    required_scopes = {"DELETE": WRITE}

    @describes(
        Operation(id="providers_prices_delete", tag=_TAG, scope=WRITE, answer=None, status=204)
    )
    def delete(self, request: Request, provider_id: UUID, price_id: int) -> Response:
        """Forget a price of one's own provider."""
        price_list.remove_price(provider_id, price_id)
        return Response(status=204)


def _shown(provider_id: UUID) -> dict[str, Any]:
    shown: dict[str, Any] = ProviderSerializer(provider_view(provider_id)).data
    return shown
