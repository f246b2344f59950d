"""Keys stay with their server, and nothing of them shows."""

import datetime as dt
from decimal import Decimal
from ipaddress import ip_network

import pytest

from analytics.analysis.settings import save_settings
from analytics.models import AiSettings
from analytics.providers import keeping, limits, price_list
from analytics.providers.models import ModelPrice, Provider
from analytics.providers.origins import origin_of
from analytics.providers.prices import Price, cost_micros, estimate_tokens, price_of
from analytics.providers.refs import ProviderUnavailable, provider_ref, providers_for_tenant
from analytics.providers.shown import provider_views
from analytics.tests.providers.helpers import KEY, make_provider
from evosense.core.egress.policy import Policy
from evosense.core.errors import Conflict, Invalid, NotFound
from evosense.core.schema import public_scope, tenant_scope
from tenancy.models import AuditEntry

URL = "http://127.0.0.1:9/v1"


def create(**over) -> Provider:
    given = {"name": "Nuvem", "base_url": URL, "api_key": KEY, "chat_model": "m-1"}
    return keeping.create_provider(**{**given, **over})


def test_a_key_is_kept_encrypted_and_dated(tenant):
    made = create()
    row = Provider.objects.get(pk=made.pk)
    assert (row.api_key, row.key_origin) == (KEY, "http://127.0.0.1:9")
    assert row.key_saved_at is not None
    assert provider_ref(made.pk).key == KEY
    entry = AuditEntry.objects.get(action="provider.created")
    assert KEY not in str(entry.changes)
    assert all(not hasattr(one, "api_key") for one in provider_views())


def test_another_server_needs_its_own_key(tenant):
    made = create()
    with pytest.raises(Invalid) as refusal:
        keeping.update_provider(made.pk, base_url="http://127.0.0.1:10/v1")
    assert (refusal.value.code, refusal.value.field) == ("key_required", "api_key")
    assert provider_ref(made.pk).base_url == URL
    keeping.update_provider(made.pk, base_url="http://127.0.0.1:10/v1", api_key="sk-other")
    found = provider_ref(made.pk)
    assert (found.base_url, found.key) == ("http://127.0.0.1:10/v1", "sk-other")


@pytest.mark.parametrize("change", [{"api_key": "sk-new"}, {"base_url": f"{URL}/other"}])
def test_a_rest_that_a_server_asked_for_ends_with_its_address_or_key(tenant, change):
    made = create()
    ref = provider_ref(made.pk)
    limits.leave(
        ref, limits.enter(ref, 1), used_tokens=1, is_good=False, is_limited=True, headers={},
        pause_seconds=120.0,
    )  # fmt: skip
    assert limits.enter(ref, 1).wait_seconds > 60
    keeping.update_provider(made.pk, chat_model="m-2")
    assert limits.enter(ref, 1).wait_seconds > 60
    keeping.update_provider(made.pk, **change)
    assert limits.enter(provider_ref(made.pk), 1).wait_seconds == 0


def test_another_path_of_the_same_server_keeps_the_key(tenant):
    made = create()
    keeping.update_provider(made.pk, base_url="http://127.0.0.1:9/openai/v1")
    assert provider_ref(made.pk).key == KEY


def test_a_row_whose_address_was_changed_behind_our_back_sends_no_key(tenant):
    made = create()
    Provider.objects.filter(pk=made.pk).update(base_url="http://127.0.0.1:10/v1")
    with pytest.raises(ProviderUnavailable) as refusal:
        provider_ref(made.pk)
    assert refusal.value.code == "key_of_other_host"


def test_a_key_that_did_not_travel_is_missed(tenant):
    made = create()
    Provider.objects.filter(pk=made.pk).update(api_key=None)
    with pytest.raises(ProviderUnavailable, match="key_missing"):
        provider_ref(made.pk)


def test_a_key_may_be_forgotten(tenant):
    made = create()
    keeping.forget_key(made.pk)
    assert provider_ref(made.pk).key == ""
    assert AuditEntry.objects.filter(action="provider.key_removed").exists()


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": " Embedded "}, "name"),
        ({"base_url": "ftp://x/v1"}, "base_url"),
        ({"base_url": "http://127.0.0.1:9/v1?key=1"}, "base_url"),
        ({"base_url": "http://me:pw@127.0.0.1:9/v1"}, "base_url"),
        ({"api_key": "a\nb"}, "api_key"),
        ({"chat_model": "", "embedding_model": ""}, "chat_model"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"is_local": True}, "is_local"),
    ],
)
def test_bad_input_names_its_field(tenant, over, field):
    with pytest.raises(Invalid) as refusal:
        create(**over)
    assert refusal.value.field == field
    assert not Provider.objects.exists()


def test_addresses_inside_are_refused_where_nobody_opened_them(tenant, settings):
    settings.EGRESS = Policy()
    for url in ("http://127.0.0.1:9/v1", "https://169.254.169.254/v1", "https://10.0.0.8/v1"):
        with pytest.raises(Invalid) as refusal:
            create(base_url=url)
        assert refusal.value.field == "base_url"


def test_the_address_of_a_call_is_cut_to_that_of_the_server(tenant):
    assert create(base_url=f"{URL}/chat/completions/").base_url == URL


def test_names_are_taken_once(tenant):
    create()
    with pytest.raises(Conflict, match="name_taken"):
        create()


def test_of_others_nothing_can_be_changed(tenant, other_tenant):
    with tenant_scope(other_tenant):
        theirs = make_provider(URL)
    with public_scope():
        house = make_provider(URL, name="Casa")
    for one in (theirs, house):
        with pytest.raises(NotFound):
            keeping.update_provider(one.pk, name="x")
        with pytest.raises(NotFound):
            keeping.remove_provider(one.pk)
    with pytest.raises(ProviderUnavailable):
        provider_ref(theirs.pk)
    assert [row.name for row in providers_for_tenant()] == ["Casa"]
    assert provider_ref(house.pk).key == KEY
    assert provider_views()[0].base_url == ""


def test_one_that_judges_is_not_removed(tenant):
    made = create()
    AiSettings.objects.create(engine="provider", provider_id=made.pk)
    with pytest.raises(Conflict, match="provider_in_use"):
        keeping.remove_provider(made.pk)
    AiSettings.objects.update(engine="embedded")
    keeping.remove_provider(made.pk)
    assert not Provider.objects.exists()
    assert AiSettings.objects.get().provider_id is None


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"currency": "XXX"}, "invalid", "currency"),
        ({"embeds_remotely": True}, "no_embedding_model", "embeds_remotely"),
    ],
)
def test_settings_that_could_not_work_are_refused(tenant, changes, code, field):
    save_settings(provider_id=create().pk)
    with pytest.raises(Invalid, match=code) as refused:
        save_settings(**changes)
    assert refused.value.field == field


def test_the_house_switches_off_before_it_removes(public):
    made = create()
    with pytest.raises(Conflict, match="provider_active"):
        keeping.remove_provider(made.pk)
    keeping.update_provider(made.pk, is_active=False)
    keeping.remove_provider(made.pk)
    assert not Provider.objects.exists()


def test_local_servers_are_those_that_the_operator_vouches_for(public, settings):
    settings.EGRESS = Policy(places=frozenset({("127.0.0.1", 9)}))
    assert create(is_local=True).is_local
    settings.EGRESS = Policy(ports=frozenset(), plain_http=True)
    with pytest.raises(Invalid):
        create(name="Fora", base_url="http://8.8.8.8:9/v1", is_local=True)
    # An open network vouches for the addresses in it, not for the whole internet.
    networks = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    settings.EGRESS = Policy(networks=networks, ports=frozenset(), plain_http=True)
    assert create(name="Dentro", is_local=True).is_local
    with pytest.raises(Invalid) as refusal:
        create(name="Fora", base_url="http://8.8.8.8:9/v1", is_local=True)
    assert refusal.value.code == "not_local"


def test_a_change_of_model_forgets_what_was_found(tenant):
    made = create()
    Provider.objects.update(capabilities={"structured": "plain"})
    keeping.update_provider(made.pk, country="Brasil")
    assert provider_ref(made.pk).capabilities.structured == "plain"
    keeping.update_provider(made.pk, chat_model="m-2")
    assert provider_ref(made.pk).capabilities.structured == "json_schema"


def set_price(provider, model, day, amount, **over):
    return price_list.set_price(
        provider.pk,
        model=model,
        valid_from=day,
        input_price=Decimal(amount),
        output_price=Decimal(4),
        **over,
    )


def test_prices_hold_from_their_day_and_for_dated_releases(tenant):
    made = create()
    set_price(made, "m-1", dt.date(2026, 1, 1), "1.00")
    set_price(made, "m-1", dt.date(2026, 6, 1), "0.80")
    set_price(made, "m-1-mini", dt.date(2026, 1, 1), "0.10")
    find = lambda model, day: price_of(made.pk, model, day)  # noqa: E731
    assert find("m-1", dt.date(2025, 12, 31)) is None
    assert find("m-1", dt.date(2026, 3, 1)).input_micros == 1_000_000
    assert find("m-1-2026-07", dt.date(2026, 7, 1)).input_micros == 800_000
    assert find("m-1-mini-2", dt.date(2026, 7, 1)).input_micros == 100_000
    assert find("m-10", dt.date(2026, 7, 1)) is None


def test_the_same_day_is_corrected_and_audited(tenant):
    made = create()
    set_price(made, "m-1", dt.date(2026, 1, 1), "1.00")
    set_price(made, "m-1", dt.date(2026, 1, 1), "2.00", currency="USD")
    row = ModelPrice.objects.get()
    assert (row.input_micros, row.currency, row.tenant_id) == (2_000_000, "USD", tenant.id)
    price_list.remove_price(made.pk, row.pk)
    assert AuditEntry.objects.filter(action="provider.price_removed").exists()


@pytest.mark.parametrize("amount", ["-1", "100001", "NaN"])
def test_prices_that_cannot_be_are_refused(tenant, amount):
    with pytest.raises(Invalid) as refusal:
        set_price(create(), "m-1", dt.date(2026, 1, 1), amount)
    assert refusal.value.field == "input_price"


def test_costs_are_whole_millionths_rounded_up():
    price = Price("m", dt.date(2026, 1, 1), 1_000_000, 500_000, 4_000_000, "BRL")
    assert cost_micros(price, 1_000, 0, 100) == 1_400
    assert cost_micros(price, 1_000, 400, 0) == 800
    assert cost_micros(Price("m", dt.date(2026, 1, 1), 1, None, 0, "BRL"), 1, 0, 0) == 1
    assert cost_micros(None, 10, 0, 10) == 0
    assert (estimate_tokens(""), estimate_tokens("a"), estimate_tokens("a" * 36)) == (0, 1, 10)


def test_origins_have_one_spelling():
    assert origin_of("HTTPS://Api.Example.com./v1") == "https://api.example.com:443"
    assert origin_of("https://api.example.com:443/x") == origin_of("https://api.example.com")
    assert origin_of("https://[::1]:8/v1") == "https://[::1]:8"
    assert origin_of("nothing") == origin_of("https://x:99999") == ""
