"""The Evolution server's address cannot point into the operator's network, whichever door."""

import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from evosense.core.egress.policy import Policy
from evosense.core.errors import DomainError
from messaging.models import Connection
from messaging.services import connections

INNER = ["https://127.0.0.1", "https://10.1.2.3/evo", "https://[::1]", "https://169.254.169.254"]
pytestmark = pytest.mark.usefixtures("tenant")


@pytest.fixture(autouse=True)
def _as_in_production(settings):
    settings.EGRESS = Policy()


@pytest.mark.parametrize("address", INNER)
def test_form_names_the_field_and_keeps_what_was_typed(client_for, address):
    body = {"name": "Loja", "instance": "evs-1", "server_url": address}
    answer = client_for("admin").post("/conexoes/nova/manual/", body)
    assert answer.status_code == 422
    assert 'id="id_server_url-error"' in answer.content.decode()
    assert not Connection.objects.exists()


@pytest.mark.parametrize(
    ("address", "code"),
    [*[(one, "address_refused") for one in INNER], ("http://evo.example.com", "scheme_refused")],
)
def test_api_answers_with_code_and_field(settings, api_key, address, code):
    answer = Client(HTTP_HOST=f"alpha.{settings.PUBLIC_HOST}").post(
        "/api/v1/connections",
        json.dumps({"name": "loja", "instance": "evs-1", "server_url": address}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {api_key}"},
    )
    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert answer.json()["errors"][0]["field"] == "server_url"


def test_command_refuses_too(tenant):
    options = {"tenant": tenant.slug, "name": "loja", "instance": "evs-1"}
    with pytest.raises((CommandError, DomainError)):
        call_command("connection_create", **options, server_url="https://192.168.0.9:443")
    assert not Connection.objects.exists()


def test_the_service_judges_spelled_addresses_without_the_network(monkeypatch):
    monkeypatch.setattr("socket.getaddrinfo", None)
    with pytest.raises(DomainError):
        connections.create_connection(name="a", instance="b", server_url="https://2130706433.")
    made = connections.create_connection(name="a", instance="b", server_url="https://evo.example")
    assert made.connection.server_url == "https://evo.example"
