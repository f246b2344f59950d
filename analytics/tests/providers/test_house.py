"""Providers of the house: what one company brings about stays with that company."""

import datetime as dt

import pytest
import redis

from analytics.experiments.arms import Choice, arm_of
from analytics.providers import breaker, levels, limits, rests
from analytics.providers.embeddings import embed
from analytics.providers.models import ModelPrice, Provider
from analytics.providers.refs import provider_ref
from analytics.tests.providers.helpers import ask_about, make_provider
from evosense.core.errors import Invalid
from evosense.core.schema import public_scope, tenant_scope

URL = "http://127.0.0.1:9/v1"


def house(url=URL, **over):
    with public_scope():
        return make_provider(url, name="Casa", **over).pk


def row() -> Provider:
    with public_scope():
        return Provider.objects.defer("api_key").get()


def put_price(provider_id, model: str) -> None:
    with public_scope():
        ModelPrice.objects.create(
            provider_id=provider_id, model=model, valid_from=dt.date(2026, 1, 1), input_micros=1
        )


def test_only_models_that_the_house_offers_are_asked_for(tenant, fake):
    made = house(fake.base_url)
    ref = provider_ref(made)
    refused = ask_about(ref, model="gpt-grande")
    assert (refused.status, refused.error) == ("error", "model_not_offered")
    assert not fake.seen
    put_price(made, "gpt-grande")
    assert ask_about(ref, model="gpt-grande").status == "ok"
    # A price by a beginning is no offer of every name that begins so.
    assert ask_about(ref, model="gpt-grande-2").error == "model_not_offered"
    own = provider_ref(make_provider(fake.base_url).pk)
    assert ask_about(own, model="gpt-qualquer").status == "ok"


def test_a_side_of_an_experiment_takes_only_what_is_offered(tenant):
    made = house()
    with pytest.raises(Invalid) as refusal:
        arm_of(Choice(str(made), "nenhum"), key="a", field="candidates")
    assert (refusal.value.code, refusal.value.field) == ("model_not_offered", "candidates")
    assert arm_of(Choice(str(made)), key="a", field="candidates").model_name == "fake-1"
    put_price(made, "outro")
    assert arm_of(Choice(str(made), " outro "), key="a", field="x").model_name == "outro"


@pytest.mark.parametrize("mode", ["not_found", "forbidden"])
def test_a_model_that_is_refused_rests_for_one_company_alone(tenant, other_tenant, fake, mode):
    made = house(fake.url_of(mode))
    ask_about(provider_ref(made))
    again = ask_about(provider_ref(made))
    assert again.error == "breaker_open"
    assert 50 < again.retry_after <= breaker.OWN_REST_SECONDS
    assert (row().breaker, row().problem) == ("closed", "")
    assert breaker.gate(provider_ref(made), "outro").is_open
    with tenant_scope(other_tenant):
        assert breaker.gate(provider_ref(made), "fake-1").is_open


def test_time_outs_rest_for_one_company_alone(tenant, other_tenant):
    ref = provider_ref(house())
    for _ in range(breaker.FEWEST_FAILURES):
        assert breaker.gate(ref, "fake-1").is_open
        breaker.note_failure(ref, "timed_out", is_trial=False, model="fake-1")
    assert not breaker.gate(ref, "fake-1").is_open
    assert row().breaker == "closed"
    with tenant_scope(other_tenant):
        assert breaker.gate(provider_ref(ref.id), "fake-1").is_open


@pytest.mark.parametrize("code", ["unauthorized", "quota"])
def test_what_concerns_everybody_rests_for_everybody(tenant, other_tenant, code):
    ref = provider_ref(house())
    breaker.note_failure(ref, code, is_trial=False, model="fake-1")
    assert row().breaker == "open"
    with tenant_scope(other_tenant):
        assert not breaker.gate(provider_ref(ref.id)).is_open


def test_a_server_that_is_down_rests_for_everybody(tenant, other_tenant):
    ref = provider_ref(house())
    with tenant_scope(other_tenant):
        theirs = provider_ref(ref.id)
    for number in range(breaker.FEWEST_FAILURES):
        asker = ref if number % 2 else theirs
        breaker.note_failure(asker, "connect_failed", is_trial=False)
    assert row().breaker == "open"


def test_a_trial_that_only_one_company_failed_is_handed_on(tenant, other_tenant):
    ref = provider_ref(house())
    breaker.note_failure(ref, "unauthorized", is_trial=False)
    Provider.objects.filter(pk=ref.id).update(breaker_until=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    assert breaker.gate(ref).is_trial
    breaker.note_failure(ref, "timed_out", is_trial=True, model="fake-1")
    with tenant_scope(other_tenant):
        assert breaker.gate(provider_ref(ref.id)).is_trial
    # A refusal of one model is an answer: the server is back.
    breaker.note_failure(ref, "not_found", is_trial=True, model="fake-1")
    assert row().breaker == "closed"


def test_a_schema_that_is_not_obeyed_lowers_one_company_s_level(tenant, other_tenant, fake):
    made = house(fake.url_of("ignores_format"))
    for _ in range(levels.MOST_INVALID):
        ask_about(provider_ref(made))
    assert "structured" not in row().capabilities
    assert levels.known(provider_ref(made), "fake-1").capabilities.structured == "tools"
    assert levels.known(provider_ref(made), "outro").capabilities.structured == "json_schema"
    assert ask_about(provider_ref(made)).attempts[0].structured == "tools"
    with tenant_scope(other_tenant):
        theirs = levels.known(provider_ref(made), "fake-1")
    assert theirs.capabilities.structured == "json_schema"


def test_a_repair_is_remembered_for_the_company_and_model(tenant, fake):
    made = house(fake.url_of("renames"))
    assert len(ask_about(provider_ref(made)).attempts) > 1
    assert len(ask_about(provider_ref(made)).attempts) == 1
    assert row().capabilities == {}


def test_without_redis_nobody_rests_alone_and_nothing_breaks(tenant, monkeypatch):
    def away():
        raise redis.ConnectionError

    ref = provider_ref(house())
    for room in ("rests", "levels", "windows"):
        monkeypatch.setattr(f"analytics.providers.{room}.redis_client", away)
    rests.begin("g:x", 60)
    assert rests.left("g:x") == 0
    levels.keep(ref, ref.capabilities.renamed_limit(), "m")
    assert levels.known(ref, "m") == ref
    breaker.note_failure(ref, "not_found", is_trial=False, model="m")
    assert breaker.gate(ref, "m").is_open


def test_a_trial_that_limits_refuse_is_handed_back(tenant, fake):
    ref = provider_ref(make_provider(fake.base_url, requests_per_minute=1).pk)
    assert limits.enter(ref, 1).wait_seconds == 0
    breaker.note_failure(ref, "unauthorized", is_trial=False)
    Provider.objects.filter(pk=ref.id).update(breaker_until=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    assert ask_about(ref, seconds=1.0).error == "rate_limited"
    assert breaker.gate(ref).is_trial
    breaker.hand_back(ref)
    assert embed(ref, ["um"], deadline_seconds=1.0).error == "rate_limited"
    assert breaker.gate(ref).is_trial
