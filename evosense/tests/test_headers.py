"""Headers of every URL of both hosts, of error pages and of the bare applications."""

import asyncio
import re
from collections import defaultdict
from itertools import chain
from types import SimpleNamespace

import pytest
from django.test import Client
from django.urls import get_resolver

from evosense import streams_app
from evosense.settings import base as production
from evosense.testing.databases import ALPHA
from evosense.tests.test_isolation_matrix import Route, _walk, foreign  # noqa: F401
from messaging.ingest.receiver import answers
from tenancy.tests import factories

TAKEN_FROM_PRODUCTION = (
    "CSRF_COOKIE_NAME",
    "CSRF_COOKIE_SECURE",
    "SECURE_HSTS_SECONDS",
    "SESSION_COOKIE_NAME",
    "SESSION_COOKIE_SECURE",
)
POLICY = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "form-action": "'self'",
}
# Colours and logo of the company, which also the log-in page shows to everybody.
CACHEABLE = re.compile(r"^/marca[./]")


@pytest.fixture
def as_in_production(settings) -> None:
    """Take what the test settings loosen from the production settings, behind one proxy."""
    for name in TAKEN_FROM_PRODUCTION:
        setattr(settings, name, getattr(production, name))
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


def secure(client: Client) -> Client:
    client.defaults["HTTP_X_FORWARDED_PROTO"] = "https"
    return client


def tenant_routes(foreign) -> list[Route]:  # noqa: F811
    return list(_walk(get_resolver("evosense.urls_tenant"), "/", foreign, takes_ids=False))


def policy_of(answer) -> dict[str, str]:
    parts = [part.strip().partition(" ") for part in answer["Content-Security-Policy"].split(";")]
    return {name: values for name, _space, values in parts}


def faults(answer, where: str) -> list[str]:
    """Return what is missing from an answer of a tenant's or the public host."""
    found = []
    policy = policy_of(answer) if "Content-Security-Policy" in answer else {}
    found += [f"policy {name}" for name, value in POLICY.items() if policy.get(name) != value]
    expected = {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    found += [name for name, value in expected.items() if answer.headers.get(name) != value]
    strict = answer.headers.get("Strict-Transport-Security", "")
    if "max-age=31536000" not in strict or "includeSubDomains" not in strict:
        found.append("Strict-Transport-Security")
    found += [name for name in answer.headers if name.lower().startswith("access-control-")]
    if "unsafe" in answer.headers.get("Content-Security-Policy", ""):
        found.append("unsafe policy")
    return [f"{where}: {fault}" for fault in found]


@pytest.mark.usefixtures("as_in_production")
def test_every_page_and_route_of_a_tenant_has_them(foreign) -> None:  # noqa: F811
    found, seen = [], 0
    people = [secure(factories.client_for("owner")), secure(factories.anonymous_client())]
    for route in tenant_routes(foreign):
        for client in people:
            client.raise_request_exception = False
            answer = client.get(route.path)
            seen += 1
            found += faults(answer, route.path)
            kept = answer.headers.get("Cache-Control", "")
            if "no-store" not in kept and not CACHEABLE.match(route.path):
                found.append(f"{route.path}: Cache-Control {kept!r}")
    assert found == []
    assert seen > 80


@pytest.mark.usefixtures("as_in_production", "public")
def test_every_page_of_the_public_host_has_them(settings) -> None:
    client = secure(Client(HTTP_HOST=settings.PUBLIC_HOST))
    ours = [
        entry
        for entry in get_resolver("evosense.urls_public").url_patterns
        # Operators' pages are Django's own, which need their inline parts; see tenancy.admin.
        if not str(entry.pattern).startswith("admin/")
    ]
    root = SimpleNamespace(url_patterns=ours)
    paths = [route.path for route in _walk(root, "/", defaultdict(lambda: "x"), takes_ids=False)]
    assert len(paths) > 8
    assert list(chain.from_iterable(faults(client.get(path), path) for path in paths)) == []


@pytest.mark.usefixtures("as_in_production", "tenant")
def test_error_pages_have_them(monkeypatch, settings) -> None:
    client = secure(factories.client_for("owner"))
    client.raise_request_exception = False
    missing = client.get("/no/such/page/")
    assert missing.status_code == 404
    stranger = secure(Client(HTTP_HOST=f"nobody.{settings.PUBLIC_HOST}")).get("/")
    assert stranger.status_code == 404
    strict = Client(HTTP_HOST=f"alpha.{settings.PUBLIC_HOST}", enforce_csrf_checks=True)
    forged = secure(strict).post("/entrar/", {})
    assert forged.status_code == 403

    def broken(*_arguments: object, **_options: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("tenancy.middleware.membership_of", broken)
    failed = client.get("/")
    assert failed.status_code == 500
    pages = {"404": missing, "unknown host": stranger, "403": forged, "500": failed}
    found = [fault for name, answer in pages.items() for fault in faults(answer, name)]
    # Plain text of the gate has no frame to be in.
    assert [fault for fault in found if "X-Frame-Options" not in fault] == []


@pytest.mark.usefixtures("as_in_production", "tenant")
def test_cookies_cannot_be_read_stolen_or_set_by_a_neighbour() -> None:
    member = factories.make_member("viewer")
    client = secure(factories.anonymous_client())
    client.get("/entrar/")
    answer = client.post("/entrar/", {"email": member.user.email, "password": factories.PASSWORD})
    assert answer.status_code == 302
    kept = {"__Host-sessionid", "__Host-csrftoken"}
    assert kept <= set(client.cookies)
    for name, cookie in client.cookies.items():
        assert name.startswith("__Host-"), name
        assert cookie["secure"], name
        assert cookie["httponly"], name
        assert cookie["samesite"] in {"Lax", "Strict"}, name
        assert (cookie["domain"], cookie["path"]) == ("", "/"), name


@pytest.mark.usefixtures("as_in_production", "tenant")
@pytest.mark.parametrize("path", ["/api/v1/contacts", "/api/v1/nothing", "/hooks/evo/1"])
def test_programs_over_plain_http_are_refused_not_redirected(path, api_key) -> None:
    client = factories.anonymous_client()
    answer = client.get(path, headers={"Authorization": f"Bearer {api_key}"})
    assert answer.status_code == 403
    assert answer.json()["code"] == "https_required"
    assert "Location" not in answer


@pytest.mark.usefixtures("as_in_production", "tenant")
def test_people_over_plain_http_are_sent_to_https() -> None:
    answer = factories.anonymous_client().get("/entrar/")
    assert answer.status_code == 301
    assert answer["Location"].startswith(f"https://{ALPHA.slug}.")


@pytest.mark.usefixtures("tenant")
def test_no_other_site_may_read_answers_or_send_forms(api_key) -> None:
    origin = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    client = factories.client_for("owner")
    for path in ("/", "/api/v1/contacts", "/entrar/"):
        for answer in (client.options(path, headers=origin), client.get(path, headers=origin)):
            assert not [name for name in answer.headers if name.lower().startswith("access-con")]
    strict = Client(HTTP_HOST=client.defaults["HTTP_HOST"], enforce_csrf_checks=True)
    strict.cookies = client.cookies
    assert strict.post("/conta/preferencias/", {"theme": "dark"}, headers=origin).status_code == 403
    # A cookie is nothing to the API.
    assert client.get("/api/v1/contacts").status_code == 401


def sent_by_streams(**scope) -> dict[bytes, bytes]:
    sent = []

    async def send(message) -> None:
        sent.append(message)

    async def receive():
        return {"type": "http.disconnect"}

    asked = {"type": "http", "method": "GET", "query_string": b"", "headers": [], **scope}
    asyncio.run(streams_app.application(asked, receive, send))
    return dict(sent[0]["headers"])


def test_bare_applications_have_what_matters_to_them() -> None:
    for headers in (sent_by_streams(), sent_by_streams(method="POST")):
        assert headers[b"cache-control"] == b"no-store"
        assert headers[b"x-content-type-options"] == b"nosniff"
    every = [value for value in vars(answers).values() if isinstance(value, answers.Answer)]
    assert len(every) > 8
    for answer in every:
        sent = []

        async def send(message, sent=sent) -> None:
            sent.append(message)

        asyncio.run(answer.send(send))
        headers = dict(sent[0]["headers"])
        assert headers[b"cache-control"] == b"no-store"
        assert headers[b"x-content-type-options"] == b"nosniff"
