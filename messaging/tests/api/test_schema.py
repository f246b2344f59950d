"""The description of the API is valid, complete, and the one in the docs."""

import json
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.urls import URLResolver, get_resolver
from drf_spectacular.drainage import GENERATOR_STATS, reset_generator_stats
from openapi_spec_validator import validate

from evosense.api_docs import document
from tenancy.tests import factories

HOST = f"alpha.{settings.PUBLIC_HOST}"
METHODS = ("get", "post", "patch", "put", "delete")


def operations():
    return [
        (path, method, document()["paths"][path][method])
        for path in document()["paths"]
        for method in METHODS
        if method in document()["paths"][path]
    ]


def test_schema_is_openapi_31_without_a_warning(tenant):
    document.cache_clear()
    reset_generator_stats()
    validate(document())
    assert document()["openapi"].startswith("3.1")
    assert not GENERATOR_STATS._warn_cache
    assert not GENERATOR_STATS._error_cache


def test_schema_in_the_docs_is_this_one(tenant, tmp_path):
    made = tmp_path / "openapi.json"
    call_command("spectacular", format="openapi-json", file=str(made))
    kept = Path(settings.BASE_DIR, "docs/openapi.json").read_text()
    advice = "run: make manage ARGS='spectacular --format openapi-json --file docs/openapi.json'"
    assert json.loads(made.read_text()) == json.loads(kept), advice


def routes(resolver):
    """Return the routes of every app, without the pages that describe them."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from routes(entry)
        elif hasattr(entry.callback, "view_class"):
            yield entry


def test_every_route_is_described_with_the_scope_that_it_asks_for(tenant):
    scopes = [
        scope
        for route in routes(get_resolver("evosense.api"))
        for scope in getattr(route.callback.view_class, "required_scopes", {}).values()
    ]
    described = operations()
    assert sorted(operation["x-scope"] for _path, _method, operation in described) == sorted(scopes)
    for _path, _method, operation in described:
        assert operation["description"]
        assert {"400", "401", "403", "404", "429"} <= set(operation["responses"])
        assert operation["security"] == [{"apiKey": []}]


def test_schema_is_answered_to_anybody(tenant):
    answer = Client(HTTP_HOST=HOST).get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.json() == document()


def test_page_is_for_members_and_holders_of_a_key(tenant, other_tenant):
    anonymous = Client(HTTP_HOST=HOST).get("/api/v1/docs")
    assert anonymous.status_code == 302
    assert anonymous["Location"] == "/entrar/?next=%2Fapi%2Fv1%2Fdocs"
    assert factories.client_for("viewer").get("/api/v1/docs").status_code == 200
    stranger = factories.client_for("viewer", tenant=other_tenant)
    assert stranger.get("/api/v1/docs", HTTP_HOST=HOST).status_code == 302
    for owner, status in ((tenant, 200), (other_tenant, 401)):
        key = factories.make_api_key(tenant=owner)
        asked = Client(HTTP_HOST=HOST, HTTP_AUTHORIZATION=f"Bearer {key}")
        assert asked.get("/api/v1/docs").status_code == status


@pytest.mark.parametrize("text", ["POST /api/v1/connections", "Idempotency-Key", "loja", "curl"])
def test_page_shows_every_operation_with_an_example(tenant, text):
    page = factories.client_for("viewer").get("/api/v1/docs").content.decode()
    assert text in page
    for path, method, _operation in operations():
        assert f"{method.upper()} {path}" in page
    assert "<style" not in page
