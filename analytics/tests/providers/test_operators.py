import pytest

from analytics.providers.models import ModelPrice, Provider
from analytics.tests.providers.helpers import KEY, make_provider
from evosense.core.schema import public_scope, tenant_scope
from evosense.testing.databases import ALPHA
from tenancy.models import AuditEntry
from tenancy.tests.operators import operator_client

PLACE = "/admin/providers/provider/"
pytestmark = pytest.mark.usefixtures("public", "redis_db")


def add(client, url, **over):
    form = {"name": "Casa", "base_url": url, "api_key": KEY, "chat_model": "m", "is_active": "on"}
    return client.post(f"{PLACE}new/", form | over)


@pytest.fixture
def tested(monkeypatch):
    """Return whose provider was handed to a worker to be tested, and which."""
    from analytics.admin import providers

    seen = []
    monkeypatch.setattr(
        providers,
        "enqueue_for",
        lambda tenant_id, task, provider_id: seen.append((tenant_id, task.name, provider_id)),
    )
    return seen


def test_a_provider_of_the_house_is_added_tested_and_never_shows_its_key(fake, tested):
    client = operator_client()
    made = add(client, fake.base_url)
    assert made.status_code == 302, made.content[:500]
    row = Provider.objects.get()
    assert (row.tenant_id, row.api_key, row.problem) == (None, KEY, "")
    assert tested == [(None, "analytics.probe_house_provider", str(row.pk))]
    assert fake.seen == []
    assert AuditEntry.objects.filter(tenant=None, action="provider.created").exists()
    for place in (f"{row.pk}/change/", f"{row.pk}/edit/", "", "new/"):
        page = client.get(PLACE + place)
        assert page.status_code == 200
        assert KEY.encode() not in page.content


def test_another_server_needs_another_key(fake):
    client = operator_client()
    add(client, fake.base_url)
    row = Provider.objects.defer("api_key").get()
    form = {"name": "Casa", "base_url": "http://127.0.0.1:9/v1", "chat_model": "m"}
    assert client.post(f"{PLACE}{row.pk}/edit/", form).status_code == 422


def test_companies_providers_are_seen_and_not_changed(fake):
    with tenant_scope(ALPHA):
        theirs = make_provider(fake.base_url, name="Deles")
    client = operator_client()
    assert b"Deles" in client.get(PLACE).content
    assert client.get(f"{PLACE}{theirs.pk}/change/").status_code == 200
    assert client.get(f"{PLACE}{theirs.pk}/edit/").status_code == 404


def test_a_company_s_provider_is_tested_within_the_company(fake, tested):
    with tenant_scope(ALPHA):
        theirs = make_provider(fake.base_url, name="Deles")
    operator_client().post(f"{PLACE}act/test/", {"ids": theirs.pk})
    assert tested == [(ALPHA.id, "analytics.probe_provider", str(theirs.pk))]


def test_acts_test_price_and_remove(fake):
    client = operator_client()
    add(client, fake.base_url)
    row = Provider.objects.defer("api_key").get()
    price = {
        "model": "m", "valid_from": "2026-11-01", "input_price": "1", "output_price": "2",
        "currency": "BRL",
    }  # fmt: skip
    for name, values in (("test", {}), ("price", price), ("remove", {})):
        done = client.post(f"{PLACE}act/{name}/", {"ids": row.pk, **values})
        assert done.status_code == 302, (name, done.content[:800])
    assert ModelPrice.objects.get().tenant_id is None
    with public_scope():
        # Companies may choose it: it is switched off first.
        assert Provider.objects.exists()
