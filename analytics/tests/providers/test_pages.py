import pytest
from django.urls import reverse

from analytics.models import Errand
from analytics.providers.models import ModelPrice, Provider
from analytics.tests.errands.helpers import do_waiting
from analytics.tests.providers.helpers import KEY, make_provider
from evosense.core.schema import public_scope, tenant_scope
from messaging.tests.factories import START

LIST = "/configuracoes/ia/provedores/"
NEW = f"{LIST}novo/"


def form(url, **over):
    given = {
        "name": "Nuvem", "base_url": url, "api_key": KEY, "chat_model": "fake-1", "is_active": "on",
    }  # fmt: skip
    return {**given, **over}


@pytest.fixture
def admin(tenant, client_for):
    return client_for("admin")


def test_only_admins_and_owners_come_in(tenant, client_for, fake):
    made = make_provider(fake.base_url)
    places = (LIST, NEW, f"{LIST}{made.pk}/", f"{LIST}{made.pk}/editar/")
    for role, status in (("agent", 403), ("supervisor", 403), ("owner", 200)):
        browser = client_for(role)
        assert [browser.get(place).status_code for place in places] == [status] * 4


def test_an_empty_list_invites(admin):
    page = admin.get(LIST)
    assert page.status_code == 200
    assert NEW in page.content.decode()


def test_a_provider_is_added_tested_and_never_shows_its_key(admin, fake):
    made = admin.post(NEW, form(fake.url_of("no_json_schema")))
    do_waiting()
    provider = Provider.objects.defer("api_key").get()
    assert made.status_code == 302
    assert made.url == f"{LIST}{provider.pk}/"
    assert provider.capabilities["structured"] == "tools"
    for place in (LIST, f"{LIST}{provider.pk}/", f"{LIST}{provider.pk}/editar/"):
        page = admin.get(place)
        assert page.status_code == 200
        assert KEY not in page.content.decode()


def test_refusals_stand_beside_their_field(admin, fake):
    page = admin.post(NEW, form("http://127.0.0.1:9/v1?x=1"))
    assert page.status_code == 422
    assert "base_url-error" in page.content.decode()
    assert KEY not in page.content.decode()
    assert not Provider.objects.exists()


def test_another_server_asks_for_its_key(admin, fake):
    made = make_provider("http://127.0.0.1:9/v1")
    page = admin.post(f"{LIST}{made.pk}/editar/", form(fake.base_url, api_key=""))
    assert page.status_code == 422
    assert "api_key-error" in page.content.decode()
    assert fake.seen == []


def test_a_test_shows_each_step(admin, fake):
    made = make_provider(fake.url_of("prose"))
    for _click in range(2):
        assert admin.post(f"{LIST}{made.pk}/testar/").status_code == 302
    assert Errand.objects.count() == 1
    assert fake.seen == []
    page = admin.get(f"{LIST}{made.pk}/").content.decode()
    assert 'hx-trigger="every 2s"' in page
    do_waiting()
    part = admin.get(f"{LIST}{made.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert part.count('data-step="') == 4
    assert 'hx-trigger="every 2s"' not in part
    assert "<html" not in part


@pytest.mark.parametrize(("mode", "is_told"), [("ok", True), ("unauthorized", False)])
def test_how_answers_are_asked_for_is_told_only_where_one_way_works(admin, fake, mode, is_told):
    made = make_provider(fake.url_of(mode))
    detail = reverse("analytics:ai-providers-detail", args=[made.pk])
    admin.post(reverse("analytics:ai-providers-test", args=[made.pk]))
    do_waiting()
    page = admin.get(detail).content.decode()
    table = page[page.index("data-step") : page.index("h-prices")]
    assert ("<footer>" in table) == is_told


def test_a_test_that_never_ended_says_so(admin, fake):
    made = make_provider(fake.base_url)
    admin.post(f"{LIST}{made.pk}/testar/")
    Errand.objects.update(expires_at=START)
    page = admin.get(f"{LIST}{made.pk}/").content.decode()
    assert 'hx-trigger="every 2s"' not in page
    assert 'class="banner warn"' in page
    assert admin.post(f"{LIST}{made.pk}/testar/").status_code == 302
    do_waiting()
    assert 'class="banner warn"' not in admin.get(f"{LIST}{made.pk}/").content.decode()


def test_prices_are_entered_in_brazilian_form(admin, fake):
    made = make_provider(fake.base_url)
    given = {
        "model": "fake-1", "valid_from": "2026-11-01", "input_price": "1,25",
        "output_price": "4", "currency": "BRL",
    }  # fmt: skip
    assert admin.post(f"{LIST}{made.pk}/precos/", given).status_code == 302
    row = ModelPrice.objects.get()
    assert (row.input_micros, row.cached_input_micros) == (1_250_000, None)
    assert "R$ 1,25" in admin.get(f"{LIST}{made.pk}/").content.decode()
    bad = admin.post(f"{LIST}{made.pk}/precos/", {**given, "input_price": "muito"})
    assert bad.status_code == 422
    assert admin.post(f"{LIST}{made.pk}/precos/{row.pk}/remover/").status_code == 302
    assert not ModelPrice.objects.exists()


def test_a_provider_and_its_key_are_removed(admin, fake):
    made = make_provider(fake.base_url)
    assert admin.post(f"{LIST}{made.pk}/chave/remover/").status_code == 302
    assert Provider.objects.get().api_key is None
    assert admin.post(f"{LIST}{made.pk}/remover/").status_code == 302
    assert not Provider.objects.exists()


def test_the_house_s_are_seen_and_not_touched(admin, fake):
    with public_scope():
        made = make_provider(fake.base_url, name="Casa")
    page = admin.get(f"{LIST}{made.pk}/").content.decode()
    assert fake.base_url not in page
    for place in ("editar", "testar", "remover", "chave/remover", "precos"):
        assert admin.post(f"{LIST}{made.pk}/{place}/", {}).status_code == 404


def test_another_company_s_is_not_there(admin, other_tenant, fake):
    with tenant_scope(other_tenant):
        made = make_provider(fake.base_url)
    assert admin.get(f"{LIST}{made.pk}/").status_code == 404


def test_the_list_costs_the_same_for_many(admin, fake, count_queries):
    make_provider(fake.base_url, name="p-0")
    admin.get(LIST)
    with count_queries() as few:
        admin.get(LIST)
    for number in range(1, 8):
        make_provider(fake.base_url, name=f"p-{number}")
    with count_queries() as many:
        admin.get(LIST)
    assert len(many) == len(few)


def test_the_page_is_found_in_the_settings(admin):
    assert reverse("analytics:ai-providers") == LIST
    assert f'href="{LIST}" data-words=' in admin.get(LIST).content.decode()
