"""Amounts stand in the money in which they are paid: that of the price, never added across."""

import datetime as dt

import pytest

from analytics.experiments import words
from analytics.experiments.currency import currencies_of, spent_by
from analytics.experiments.estimate import estimate_micros
from analytics.models import AiSettings, Arm, ModelCall
from analytics.providers.models import ModelPrice
from analytics.providers.money import money_words, sums_words
from analytics.tests.experiments.factories import (
    freeze,
    judged,
    make_gold,
    make_messages,
    make_run,
)
from analytics.tests.experiments.test_pages import page_of, url
from analytics.tests.providers.helpers import make_provider

pytestmark = pytest.mark.usefixtures("tenant")
LONG_AGO = dt.date(2020, 1, 1)


def priced(run, key, currency, model):
    """Let a side of a run be a provider's whose price is in this currency, "" for none."""
    provider = make_provider("http://127.0.0.1:9/v1", name=f"P {key}", chat_model=model)
    if currency:
        ModelPrice.objects.create(
            provider_id=provider.pk, model=model, valid_from=LONG_AGO,
            input_micros=1_000_000, output_micros=4_000_000, currency=currency,
        )  # fmt: skip
    Arm.objects.filter(run=run, key=key).update(
        provider_id=provider.pk, model_name=model, spent_micros=1_250_000
    )


def test_amounts_of_two_currencies_stand_beside_each_other():
    assert sums_words({"USD": 1_250_000, "BRL": 3_000_000}) == "R$ 3,00 + US$ 1,25"
    assert sums_words({}, "EUR") == "€ 0,00"
    assert words.value(2_380_000.4, "money", "USD") == money_words(2_380_000, "USD") == "US$ 2,38"


def test_each_side_is_paid_in_the_money_of_its_price():
    run = make_run(arms=3, spent_micros=2_500_000)
    priced(run, "candidate-1", "USD", "m-usd")
    arms = list(run.arms.order_by("pk"))
    found = currencies_of(arms)
    assert found == {"baseline": "BRL", "candidate-1": "USD", "candidate-2": "BRL"}
    # What is held for calls under way counts while all of it is one money.
    assert spent_by(run, arms, found) == {"USD": 2_500_000}
    priced(run, "candidate-2", "EUR", "m-eur")
    arms = list(run.arms.order_by("pk"))
    assert spent_by(run, arms, currencies_of(arms)) == {
        "BRL": 0, "USD": 1_250_000, "EUR": 1_250_000,
    }  # fmt: skip


def test_a_draft_says_what_it_costs_in_dollars_or_that_nobody_knows(client_for):
    run = make_run()
    priced(run, "candidate-1", "USD", "m-usd")
    estimate = estimate_micros(list(run.arms.all()), 100)
    assert set(estimate.costs) == {"USD"}
    page = page_of(client_for("admin"), url("detail", run))
    assert money_words(estimate.micros, "USD") in page
    assert (
        "R$"
        not in page[page.index('id="state"') : page.index("</section>", page.index('id="state"'))]
    )
    ModelPrice.objects.all().delete()
    page = page_of(client_for("admin"), url("detail", run))
    assert "m-usd" in page[page.index('id="state"') :][:1_500]
    assert "R$ 0,00</span>" not in page


def test_a_comparison_in_dollars_says_so_and_one_across_is_not_made(client_for):
    from analytics.experiments.report import compute_report

    messages = make_messages(12)
    gold = make_gold(messages, [(1.0, "alegria", 90)] * 12)
    run = make_run(mode="gold", gold_set=gold, status="completed")
    freeze(run, messages)
    priced(run, "baseline", "USD", "m-usd")
    for message in messages:
        judged(run, "baseline", message, 1.0, cost_micros=2_000)
        judged(run, "candidate-1", message, 1.0, cost_micros=1_000)

    def cost_lines():
        lines = compute_report(run)["compared"]["candidate-1"]["lines"]
        return [line for line in lines if line["key"] == "cost"]

    assert [line["currency"] for line in cost_lines()] == ["USD"]
    run.report = compute_report(run)
    run.save()
    page = page_of(client_for("admin"), url("detail", run))
    assert "US$ 2,00" in page
    assert "US$ 1,25" in page
    priced(run, "candidate-1", "BRL", "m-brl")
    assert cost_lines() == []


def test_forms_and_bars_name_the_money_of_the_budget(client_for):
    AiSettings.objects.create(pk=1, currency="USD", cost_limit_micros=5_000_000)
    client = client_for("admin")
    assert "US$" in client.get(url("create")).content.decode()
    page = client.get("/configuracoes/ia/").content.decode()
    assert "US$ 5,00" in page
    assert "R$ " not in page.replace("US$ ", "")


def test_a_trial_is_paid_in_the_money_of_its_calls():
    from analytics.errands.trial import _currency
    from analytics.tests.experiments.factories import judgement

    row = judgement(-1, 0.5)
    assert _currency([row]) == "BRL"
    call = ModelCall.objects.create(
        purpose="message_analysis", provider_id=make_run().public_id, provider_name="P",
        model_requested="m", currency="USD",
    )  # fmt: skip
    row.call_id = call.pk
    assert _currency([judgement(-1, 0.1), row]) == "USD"
