"""Every URL and API route, by anonymous, another tenant's member, each role, each key scope.

Generated from the URL configuration: a new route is covered the moment it exists, and fails here
when it declares neither a permission nor that it is public. Object ids are always those of the
other tenant, so whatever is let in must answer 404.
"""

import re
import uuid
from collections.abc import Iterator, Set
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from evosense.core.pagination import encode_cursor
from evosense.core.schema import tenant_scope
from evosense.testing.databases import ALPHA, BETA
from tenancy import api_auth
from tenancy.permissions import GRANTABLE_PERMISSIONS, MEMBER, ROLE_PERMISSIONS, SCOPES
from tenancy.services.keys import create_key
from tenancy.tests import factories

ROLES = tuple(ROLE_PERMISSIONS)
# Not ours: the browsable schema is served by drf-spectacular behind our permission classes.
PROBES = {"/healthz", "/readyz"}
SCOPELESS = {"/api/v1/openapi.json", "/api/v1/docs", "/api/v1/docs/"}
METHODS = ("GET", "POST")
# Views refuse a method whoever asks: what one was told, the others need not ask.
_missing: set[tuple[Any, str]] = set()


@dataclass(frozen=True)
class Route:
    path: str
    view: Any
    takes_ids: bool

    @property
    def is_api(self) -> bool:
        return self.path.startswith("/api/")

    @property
    def is_public(self) -> bool:
        return self.path in PROBES or getattr(self.view, "is_public_page", False)

    @property
    def permission(self) -> str | None:
        return getattr(self.view, "required_permission", None)

    @property
    def scopes(self) -> dict[str, str]:
        actions = getattr(self.view, "actions", None)
        cls = getattr(self.view, "cls", None) or getattr(self.view, "view_class", None)
        scopes = dict(getattr(cls, "required_scopes", {}))
        if actions:
            return {m: s for m, s in scopes.items() if m.lower() in actions}
        return {m: s for m, s in scopes.items() if hasattr(cls, m.lower())}


@pytest.fixture
def foreign(tenant) -> dict[str, str]:
    """Objects of the other tenant, as URL arguments."""
    from messaging.ingest.models import WebhookEvent
    from messaging.models import Connection, Contact, Conversation, Message

    now = datetime.now(UTC)
    with tenant_scope(BETA):
        connection = Connection.objects.create(name="Beta", instance="beta-1")
        contact = Contact.objects.create(name="Beta contact", search_name="beta contact")
        conversation = Conversation.objects.create(
            connection=connection, contact=contact, last_message_at=now
        )
        message = Message.objects.create(
            connection=connection,
            conversation=conversation,
            provider_id="BETA1",
            direction="inbound",
            source="customer",
            type="text",
            text="segredo da beta",
            status="received",
            occurred_at=now,
            received_at=now,
        )
        raw = WebhookEvent.objects.create(
            received_at=now,
            next_attempt_at=now,
            tenant_id=BETA.id,
            connection_id=connection.public_id,
            dedupe_key=b"1",
            body=b'{"text":"segredo da beta"}',
        )
    key, _secret = create_key(tenant_id=BETA.id, name="Beta key", scopes=["all"])
    return {
        "member_id": str(factories.make_member("agent", tenant=BETA).pk),
        "role_id": str(factories.make_role("contacts.view", tenant=BETA).pk),
        "key_id": str(key.pk),
        "event": encode_cursor(raw.received_at, raw.pk),
        "connection": str(connection.public_id),
        "contact": str(contact.public_id),
        "conversation": str(conversation.public_id),
        "message": str(message.public_id),
    }


def routes(foreign: dict[str, str]) -> list[Route]:
    return list(_walk(get_resolver("evosense.urls_tenant"), "/", foreign, takes_ids=False))


def _walk(
    resolver: URLResolver, prefix: str, foreign: dict[str, str], *, takes_ids: bool
) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        path, has_ids = _fill(prefix, str(entry.pattern), entry.pattern.converters, foreign)
        if isinstance(entry, URLResolver):
            yield from _walk(entry, path, foreign, takes_ids=takes_ids or has_ids)
        elif isinstance(entry, URLPattern):
            yield Route(path, entry.callback, takes_ids or has_ids)


def _fill(
    prefix: str, pattern: str, converters: dict[str, Any], foreign: dict[str, str]
) -> tuple[str, bool]:
    for name, converter in converters.items():
        kind = type(converter).__name__
        value = _argument(prefix + pattern, name, kind, foreign)
        pattern = re.sub(rf"<(?:\w+:)?{name}>", value, pattern)
    assert "<" not in pattern, f"cannot fill {pattern}"
    return prefix + pattern, bool(converters)


def _argument(path: str, name: str, kind: str, foreign: dict[str, str]) -> str:
    if kind == "IntConverter":
        return foreign.get(name, "1")
    for word in (name, path):
        for part, key in (
            ("event_id", "event"),
            ("mensag", "message"),
            ("message", "message"),
            ("conversa", "conversation"),
            ("conta", "contact"),
            ("cone", "connection"),
            ("connection", "connection"),
        ):
            if part in word:
                return foreign[key]
    return str(uuid.uuid4())


def ask(client: Client, route: Route, **headers: Any) -> dict[str, Any]:
    """Return the answers to GET and POST, leaving out methods that the route does not have."""
    answers = {}
    for method in METHODS:
        if (route.view, method) in _missing:
            continue
        body: dict[str, Any] = {} if method == "GET" else {"data": {}}
        if method == "POST" and route.is_api:
            body["content_type"] = "application/json"
        answer = getattr(client, method.lower())(route.path, **body, **headers)
        if answer.status_code == 405:
            _missing.add((route.view, method))
        else:
            answers[method] = answer
    return answers


@contextmanager
def as_before(client: Client) -> Iterator[None]:
    """Take back what the block does to rows and to the session, which some pages end."""
    cookies = deepcopy(client.cookies)
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    client.cookies = cookies


def shown(answer: Any) -> bytes:
    """Return everything that an answer says; downloads come in pieces."""
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_every_route_declares_what_it_asks_for(foreign) -> None:
    undeclared = [
        route.path
        for route in routes(foreign)
        if not (
            route.is_public
            or route.permission
            or (route.is_api and (route.scopes or route.path in SCOPELESS))
        )
    ]
    assert undeclared == []


def test_anonymous_people_reach_nothing(foreign) -> None:
    client = factories.anonymous_client()
    for route in routes(foreign):
        if route.is_public or route.path in SCOPELESS:
            continue
        for method, answer in ask(client, route).items():
            where = f"{method} {route.path}"
            if route.is_api:
                assert answer.status_code == 401, where
            else:
                assert answer.status_code == 302, where
                assert answer["Location"].startswith("/entrar/"), where


def test_another_tenants_member_is_told_that_nothing_is_here(foreign) -> None:
    client = factories.anonymous_client()
    client.force_login(factories.make_member("owner", tenant=BETA).user)
    for route in routes(foreign):
        if route.is_api or route.path in {*PROBES, "/entrar/", "/sair/"}:
            continue
        for method, answer in ask(client, route).items():
            assert answer.status_code == 404, f"{method} {route.path}"
            assert b"segredo da beta" not in shown(answer)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_what_the_table_says_and_no_foreign_object(role, foreign) -> None:
    opens_no_more_than(ROLE_PERMISSIONS[role], factories.client_for(role), foreign)


@pytest.mark.parametrize(
    "own",
    [
        (),
        ("contacts.view",),
        ("conversations.view", "numbers.view", "audit.view"),
        ("members.view", "members.manage", "settings.manage", "connections.manage"),
        tuple(sorted(GRANTABLE_PERMISSIONS)),
    ],
    ids=lambda own: "+".join(own[:2]) or "nothing",
)
def test_a_role_of_the_companys_own_opens_what_it_lists_and_no_more(own, foreign) -> None:
    # Its stored rank is an administrator's: only the list may count.
    member = factories.make_member("admin", custom_role=factories.make_role(*own))
    opens_no_more_than({*own, MEMBER}, factories.client_of(member), foreign)


def opens_no_more_than(allowed: Set[str], client: Client, foreign: dict[str, str]) -> None:
    """Ask every page: what is not allowed answers 403, and what names a foreign object 404."""
    for route in routes(foreign):
        if route.is_api or route.is_public or route.permission is None:
            continue
        with as_before(client):
            for method, answer in ask(client, route).items():
                where = f"{method} {route.path}"
                if route.permission not in allowed:
                    assert answer.status_code == 403, where
                elif route.takes_ids:
                    assert answer.status_code == 404, where
                else:
                    assert answer.status_code in {200, 204, 302, 303, 400, 409, 422}, where
                assert b"segredo da beta" not in shown(answer), where


def test_the_permission_table_only_grows_with_the_role() -> None:
    order = ["viewer", "agent", "supervisor", "admin", "owner"]
    for lower, higher in pairwise(order):
        assert ROLE_PERMISSIONS[lower] < ROLE_PERMISSIONS[higher]


@pytest.mark.parametrize("scope", [*SCOPES, "all"])
def test_each_key_scope_opens_its_routes_only(scope, foreign) -> None:
    key = factories.make_api_key(scopes=(scope,))
    client = factories.anonymous_client()
    for route in routes(foreign):
        if not route.is_api or not route.scopes:
            continue
        for method, answer in ask(client, route, HTTP_AUTHORIZATION=f"Bearer {key}").items():
            where = f"{scope}: {method} {route.path}"
            wanted = route.scopes.get(method)
            if wanted is None:
                assert answer.status_code in {404, 405}, where
            elif scope not in {"all", wanted}:
                assert answer.status_code == 403, where
            elif route.takes_ids:
                assert answer.status_code in {400, 404}, where
            else:
                assert answer.status_code in {200, 201, 400, 415}, where
            assert b"segredo da beta" not in shown(answer), where


def test_another_tenants_key_opens_nothing(foreign, monkeypatch) -> None:
    # More routes than an address may try with strange keys in a minute.
    monkeypatch.setattr(api_auth, "UNKNOWN_KEYS", 10_000)
    key = factories.make_api_key(tenant=BETA)
    client = factories.anonymous_client(tenant=ALPHA)
    for route in routes(foreign):
        if not route.is_api or not route.scopes:
            continue
        for method, answer in ask(client, route, HTTP_AUTHORIZATION=f"Bearer {key}").items():
            assert answer.status_code == 401, f"{method} {route.path}"


def test_a_session_does_not_open_the_api(foreign) -> None:
    client = factories.client_for("owner")
    for route in routes(foreign):
        if route.is_api and route.scopes:
            for method, answer in ask(client, route).items():
                assert answer.status_code == 401, f"{method} {route.path}"


def test_an_unknown_host_leads_to_no_company_and_is_not_repeated(tenant) -> None:
    stranger = Client(HTTP_HOST="nobody.testserver")
    for wanted, spoken in (("pt-BR,pt;q=0.9", "pt-br"), ("en-GB", "en"), ("fi", "pt-br")):
        page = stranger.get("/conversas/", headers={"accept-language": wanted})
        assert page.status_code == 404
        assert f'<html lang="{spoken}"' in page.text
        assert "nobody" not in page.text
    answer = stranger.get("/api/v1/messages")
    assert (answer.status_code, answer.json()["code"]) == (404, "company_unknown")
