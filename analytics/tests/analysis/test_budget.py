"""Nobody spends what is not there, however many ask at once."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from analytics.analysis import budget
from analytics.analysis.items import ArmSpec, Item
from analytics.analysis.judging import judge_items
from analytics.analysis.prompts import prompt_of
from analytics.models import AiBudget, AiNotice, AiSettings, ModelCall, Reservation
from analytics.providers.models import ModelPrice
from analytics.tests.analysis.conftest import item
from evosense.core.schema import current_tenant, public_scope, tenant_scope
from evosense.testing.threads import run_threads
from messaging.tests.factories import make_message


def test_twenty_at_once_never_hold_more_than_the_limit(committed, tenant) -> None:
    settings = AiSettings(token_limit=1_000)

    def hold() -> bool:
        with tenant_scope(tenant):
            return budget.reserve(settings, "all", tokens=90, micros=5) is not None

    held = run_threads([hold] * 20)
    assert sum(held) == 11
    row = AiBudget.objects.get()
    assert (row.reserved_tokens, row.reserved_micros) == (990, 55)
    assert Reservation.objects.count() == 11
    assert AiNotice.objects.get().kind == "budget_exhausted"


def test_parts_are_bound_by_their_share_and_count_in_the_whole(tenant) -> None:
    settings = AiSettings(token_limit=1_000, experiments_share=20)
    assert budget.reserve(settings, "experiments", tokens=200, micros=0)
    assert budget.reserve(settings, "experiments", tokens=1, micros=0) is None
    assert budget.reserve(settings, "all", tokens=800, micros=0)
    assert budget.reserve(settings, "conversations", tokens=1, micros=0) is None
    # A refusal of one part leaves nothing held in the other.
    assert AiBudget.objects.get(part="all").reserved_tokens == 1_000


def test_money_is_a_limit_of_its_own(tenant) -> None:
    settings = AiSettings(cost_limit_micros=100)
    assert budget.reserve(settings, "all", tokens=10**9, micros=100)
    assert budget.reserve(settings, "all", tokens=1, micros=1) is None


def test_settling_counts_what_was_used_and_warns_at_eighty_percent(tenant) -> None:
    settings = AiSettings(token_limit=100)
    held = budget.reserve(settings, "all", tokens=90, micros=0)
    budget.settle(held, settings, tokens=79, micros=3)
    row = AiBudget.objects.get()
    assert (row.used_tokens, row.reserved_tokens, row.used_micros) == (79, 0, 3)
    assert not AiNotice.objects.exists()
    held = budget.reserve(settings, "all", tokens=5, micros=0)
    budget.settle(held, settings, tokens=1, micros=0)
    assert AiNotice.objects.get().kind == "budget_warning"
    held = budget.reserve(settings, "all", tokens=5, micros=0)
    budget.settle(held, settings, tokens=1, micros=0)
    assert AiNotice.objects.count() == 1


def test_what_a_dead_worker_held_is_booked_once(tenant) -> None:
    settings = AiSettings(token_limit=100)
    held = budget.reserve(settings, "experiments", tokens=20, micros=5)
    Reservation.objects.update(created_at=timezone.now() - timedelta(hours=1))
    assert budget.book_forgotten() == 1
    assert budget.book_forgotten() == 0
    # Its call may have left: what it held counts as used.
    columns = ("used_tokens", "used_micros", "reserved_tokens", "reserved_micros")
    assert set(AiBudget.objects.values_list(*columns)) == {(20, 5, 0, 0)}
    # It was not dead: what it really used takes the place of the estimate.
    budget.settle(held, settings, tokens=7, micros=1)
    assert set(AiBudget.objects.values_list(*columns)) == {(7, 1, 0, 0)}


@pytest.fixture
def arm(provider) -> ArmSpec:
    return ArmSpec(kind="provider", provider_id=provider.pk)


def test_a_used_up_budget_asks_nobody_and_says_why(tenant, arm, model) -> None:
    AiSettings.objects.update(token_limit=10)
    one = Item(make_message(text="isso foi ruim").pk, "isso foi ruim")
    row = judge_items([one], arm, run_key="live:x:m")[0]
    assert (row.status, row.is_degraded, row.error) == ("ok", True, "budget_exhausted")
    assert (row.sentiment, model.requests) == (-0.8, [])
    run = judge_items([one], arm, run_key="r", run_id="r", part="experiments")[0]
    assert (run.status, run.sentiment) == ("skipped_budget", None)


def test_calls_are_paid_for_by_what_they_took(tenant, arm, model) -> None:
    AiSettings.objects.update(token_limit=100_000, cost_limit_micros=10**9)
    model.answer = lambda messages: [item(one["id"]) for one in messages]
    judge_items([Item(make_message(text="olha só isso").pk, "olha só isso")], arm, run_key="x")
    row = AiBudget.objects.get()
    call = ModelCall.objects.get()
    assert (row.used_tokens, row.reserved_tokens) == (150, 0)
    assert row.used_micros == call.cost_micros == 300
    assert not Reservation.objects.exists()


def test_without_a_price_no_money_limit_is_kept_by_guessing(tenant, arm, model) -> None:
    AiSettings.objects.update(cost_limit_micros=10**9)
    with public_scope():
        ModelPrice.objects.all().delete()
    one = Item(make_message(text="isso foi ruim").pk, "isso foi ruim")
    row = judge_items([one], arm, run_key="live:x:m")[0]
    assert (row.status, row.is_degraded, row.error) == ("ok", True, "no_price")
    assert (row.sentiment, model.requests) == (-0.8, [])
    AiSettings.objects.update(cost_limit_micros=None)
    other = Item(make_message(text="quanto custa").pk, "quanto custa")
    assert judge_items([other], arm, run_key="live:x:m")[0].error == ""


def test_a_price_in_another_currency_keeps_no_limit_and_nobody_is_asked(tenant, arm, model) -> None:
    with public_scope():
        ModelPrice.objects.update(currency="USD")
    one = Item(make_message(text="isso foi ruim").pk, "isso foi ruim")
    assert judge_items([one], arm, run_key="live:x:m")[0].error == ""
    # Without a limit the calls are written down in their currency, and count in no other.
    assert (ModelCall.objects.get().currency, AiBudget.objects.get().used_micros) == ("USD", 0)
    AiSettings.objects.update(cost_limit_micros=10**9)
    asked = len(model.requests)
    other = Item(make_message(text="isso foi ruim mesmo").pk, "isso foi ruim mesmo")
    row = judge_items([other], arm, run_key="live:x:m")[0]
    assert (row.status, row.is_degraded, row.error) == ("ok", True, "other_currency")
    assert len(model.requests) == asked
    AiSettings.objects.update(currency="USD")
    third = Item(make_message(text="quanto custa isso").pk, "quanto custa isso")
    assert judge_items([third], arm, run_key="live:x:m")[0].error == ""
    assert AiBudget.objects.get().used_micros > 0


def test_what_breaks_around_a_call_is_an_error_and_is_paid_for(tenant, arm, model) -> None:
    AiSettings.objects.update(token_limit=100_000)

    def broken(_messages):
        raise ZeroDivisionError

    model.answer = broken
    one = Item(make_message(text="isso foi ruim").pk, "isso foi ruim")
    row = judge_items([one], arm, run_key="live:x:m")[0]
    assert (row.status, row.is_degraded, row.error) == ("ok", True, "internal_error")
    used = AiBudget.objects.get()
    assert used.used_tokens > 1_000
    assert (used.reserved_tokens, Reservation.objects.count()) == (0, 0)


def test_a_day_is_the_companys(tenant, time_machine) -> None:
    # Half past eleven in the evening of the thirtieth in São Paulo.
    time_machine.move_to(datetime(2026, 12, 1, 2, 30, tzinfo=UTC), tick=False)
    assert current_tenant().timezone == "America/Sao_Paulo"
    assert budget.today() == date(2026, 11, 30)
    assert budget.this_month() == date(2026, 11, 1)
    with timezone.override("UTC"):
        assert (
            "2026-11-30" in replace(prompt_of("message_analysis", None), body="{{today}}").system()
        )
