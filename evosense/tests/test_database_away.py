"""While the database is away people and programs are asked to come again, not told of a bug."""

import pytest
from django.db import InterfaceError, OperationalError

from tenancy.tests import factories


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_pages_and_programs_are_asked_to_come_again(monkeypatch, tenant, api_key, error) -> None:
    def away(*_arguments: object, **_options: object) -> None:
        raise error("server closed the connection unexpectedly at 10.1.2.3")

    client = factories.client_for("owner")
    client.raise_request_exception = False
    monkeypatch.setattr("tenancy.middleware.active_tenant", away)

    page = client.get("/contatos/")
    api = client.get("/api/v1/contacts", headers={"Authorization": f"Bearer {api_key}"})

    assert (page.status_code, api.status_code) == (503, 503)
    assert "Voltamos" in page.content.decode()
    assert (api["Content-Type"], api.json()["code"]) == ("application/problem+json", "unavailable")
    for answer in (page, api):
        assert int(answer["Retry-After"]) > 0
        assert "10.1.2.3" not in answer.content.decode()
