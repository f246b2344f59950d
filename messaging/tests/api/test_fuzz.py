"""Schemathesis against the API: whatever comes, the answer is one that the schema describes."""

import pytest
import schemathesis
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from evosense.api_docs import document
from evosense.core import rest
from messaging.gateway.models import EvolutionServer
from messaging.tests.factories import make_message, make_raw_event
from tenancy.tests import factories

HOST = f"alpha.{settings.PUBLIC_HOST}"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
OPERATIONS = [
    (path, method)
    for path, methods in document()["paths"].items()
    for method in ("get", "post", "patch")
    if method in methods
]


@pytest.fixture(autouse=True)
def _one_connection():
    """Keep the connection of the test's transaction, which the handler would close."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture(scope="module")
def described():
    """Return the API as its document describes it."""
    loaded = schemathesis.openapi.from_dict(document())
    loaded.app = WSGIHandler()
    # Words of our own source would be other examples after each change of the source.
    loaded.config.analysis.constants.enabled = False
    return loaded


def _server(tenant):
    return EvolutionServer.objects.create(
        tenant_id=tenant.id, name="s", url="http://127.0.0.1:9", api_key="k", version="2.3.7"
    )


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_generated_requests_get_described_answers(
    tenant, monkeypatch, described, path, method, mode
):
    monkeypatch.setattr(rest, "RATE", 10_000)
    message = make_message()
    ids = {
        "connection_id": str(message.connection.public_id),
        "conversation_id": str(message.conversation.public_id),
        "contact_id": str(message.conversation.contact.public_id),
        "message_id": str(message.public_id),
        "server_id": str(_server(tenant).pk),
        "event_id": make_raw_event(message.connection, status=2),
    }
    headers = {"Authorization": f"Bearer {factories.make_api_key()}", "Host": HOST}
    operation = described[path][method.upper()]
    known = {name: value for name, value in ids.items() if f"{{{name}}}" in path}

    @seed(7)
    @hypothesis_settings(
        max_examples=8,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case):
        if mode is GenerationMode.POSITIVE:
            case.path_parameters.update(known)
        with transaction.atomic():
            answer = case.call(headers=headers, base_url=f"http://{HOST}")
        case.validate_response(answer, checks=CHECKS)

    send()
