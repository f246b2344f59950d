from types import SimpleNamespace

import pytest
from django.conf import settings
from django.test import Client

from evosense.core.schema import public_scope
from messaging.gateway.models import EvolutionServer
from messaging.models import Connection
from messaging.tests.factories import make_connection
from tenancy.models import Entitlement
from tenancy.tests import factories

HOST = f"alpha.{settings.PUBLIC_HOST}"


@pytest.fixture
def api(tenant):
    """Return `api(scopes=…).get("messages", direction="inbound")` with a key of `alpha`."""

    # The plan of `alpha` includes few keys.
    with public_scope():
        Entitlement.objects.create(tenant_id=tenant.id, name="api_keys", limit=None)

    def make(*scopes, host=HOST):
        key = factories.make_api_key(scopes=scopes or ("all",))
        browser = Client(HTTP_HOST=host, HTTP_AUTHORIZATION=f"Bearer {key}")

        def send(method, path, body=None, headers=None, *, multipart=False, **params):
            extra = {"query_params": params} if params else {}
            if multipart:
                extra |= {"data": {"file": body}}
            elif method in {"post", "patch"}:
                data = {} if body is None else {"data": body}
                extra |= {**data, "content_type": "application/json"}
            return getattr(browser, method)(f"/api/v1/{path}", headers=headers or {}, **extra)

        return SimpleNamespace(
            key=key,
            get=lambda path, **params: send("get", path, **params),
            post=lambda path, body=None, **headers: send("post", path, body, headers),
            patch=lambda path, body=None: send("patch", path, body),
            send=send,
        )

    return make


@pytest.fixture
def line(tenant):
    """A connected number on a server of version 2.3.7, the default one."""
    server = EvolutionServer.objects.create(
        tenant_id=tenant.id,
        name="próprio",
        url="https://evo.example.com",
        api_key="k",
        version="2.3.7",
    )
    connection = make_connection()
    Connection.objects.filter(pk=connection.pk).update(
        server_id=server.pk, state=Connection.State.CONNECTED, is_default=True
    )
    connection.refresh_from_db()
    return connection
