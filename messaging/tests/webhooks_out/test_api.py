"""/api/v1/webhooks: the whole life of a webhook for other systems."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from evosense.core.schema import tenant_scope
from evosense.testing.databases import BETA
from messaging.models import WebhookDelivery, WebhookEndpoint
from messaging.tests.webhooks_out.rig import Receiver, make_delivery, make_webhook
from tenancy.tests.factories import anonymous_client, make_api_key

pytestmark = pytest.mark.usefixtures("tenant", "redis_db")
HOME = "/api/v1/webhooks"
TYPES = ["incident.opened", "incident.closed"]


class Caller:
    def __init__(self, *scopes: str) -> None:
        self._client: Client = anonymous_client()
        self._key = f"Bearer {make_api_key(scopes=scopes or ('webhooks:read', 'webhooks:write'))}"

    def ask(self, method: str, path: str, body: Any = None, status: int = 200, **headers: str):
        options = {} if body is None else {"data": body, "content_type": "application/json"}
        answer = getattr(self._client, method)(
            f"{HOME}{path}", HTTP_AUTHORIZATION=self._key, **options, **headers
        )
        assert answer.status_code == status, answer.content
        return answer.json() if answer.content else None


def test_the_whole_life_of_a_webhook(receiver: Receiver) -> None:
    api = Caller()
    wanted = {"name": "erp", "url": receiver.url, "event_types": TYPES}
    made = api.ask("post", "", wanted, 201)
    assert made.pop("secret") == WebhookEndpoint.objects.get().secret
    one = f"/{made['id']}"
    assert api.ask("get", one) == made
    assert api.ask("get", "")["results"] == [made]
    assert "whsec" not in str(made)
    tested = api.ask("post", f"{one}/test", {})
    assert (tested["state"], tested["type"], tested["last_status"]) == (
        "delivered",
        "webhook.test",
        204,
    )
    assert receiver.heard[0].id == tested["webhook_id"]
    assert api.ask("get", f"{one}/deliveries")["results"] == [tested]
    renewed = api.ask("post", f"{one}/secret", {})
    assert renewed["secret"] == WebhookEndpoint.objects.get().secret
    assert renewed["old_secret_until"]
    changed = api.ask("patch", one, {"is_active": False})
    assert (changed["is_active"], changed["name"]) == (False, "erp")
    api.ask("delete", one, status=204)
    api.ask("get", one, status=404)


def test_a_repeated_request_makes_one(receiver: Receiver) -> None:
    api, key = Caller(), {"HTTP_IDEMPOTENCY_KEY": "erp-1"}
    wanted = {"name": "erp", "url": receiver.url, "event_types": TYPES}
    first = api.ask("post", "", wanted, 201, **key)
    assert api.ask("post", "", wanted, 200, **key) == first
    assert WebhookEndpoint.objects.count() == 1


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"name": ""}, "name"),
        ({"url": "http://"}, "url"),
        ({"event_types": ["all"]}, "event_types"),
        ({"secret": "whsec_x"}, "secret"),
    ],
)
def test_bad_fields_are_named(over, field) -> None:
    wanted = {"name": "erp", "url": "http://127.0.0.1:9/", "event_types": TYPES}
    problem = Caller().ask("post", "", {**wanted, **over}, 400)
    assert problem["errors"][0]["field"] == field


def test_deliveries_are_paged_and_repeated() -> None:
    api, made = Caller(), make_webhook()
    for _row in range(3):
        make_delivery(made, state="failed", attempts=10)
    one = f"/{made.endpoint.public_id}"
    first = api.ask("get", f"{one}/deliveries?limit=2")
    second = api.ask("get", f"{one}/deliveries?limit=2&cursor={first['next']}")
    ids = [row["id"] for row in first["results"] + second["results"]]
    assert (len(set(ids)), second["next"]) == (3, None)
    replayed = api.ask("post", f"{one}/deliveries/{ids[0]}/replay", {}, 202)
    assert (replayed["state"], replayed["attempts"]) == ("pending", 0)
    problem = api.ask("post", f"{one}/deliveries/{ids[0]}/replay", {}, 409)
    assert problem["code"] == "delivery_waiting"
    api.ask("post", f"{one}/deliveries/{uuid4()}/replay", {}, 404)


def test_reading_does_not_open_writing() -> None:
    api, made = Caller("webhooks:read"), make_webhook()
    api.ask("get", "")
    for path in ("", f"/{made.endpoint.public_id}/test", f"/{made.endpoint.public_id}/secret"):
        api.ask("post", path, {}, 403)
    api.ask("delete", f"/{made.endpoint.public_id}", status=403)
    Caller("connections:read").ask("get", "", status=403)


def test_another_companys_ids_are_not_there() -> None:
    api = Caller()
    with tenant_scope(BETA):
        theirs = make_webhook()
        delivery = make_delivery(theirs, state="failed")
    one = f"/{theirs.endpoint.public_id}"
    api.ask("get", one, status=404)
    api.ask("patch", one, {"name": "mine"}, 404)
    api.ask("delete", one, status=404)
    api.ask("get", f"{one}/deliveries", status=404)
    for act in ("test", "secret", f"deliveries/{delivery.public_id}/replay"):
        api.ask("post", f"{one}/{act}", {}, 404)
    with tenant_scope(BETA):
        assert WebhookDelivery.objects.get().state == "failed"
