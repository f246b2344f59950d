"""An experiment never spends more than it was given: each call is held in its budget before."""

import pytest

from analytics.analysis import budget
from analytics.analysis.items import ArmSpec, Item, Mark
from analytics.analysis.judging import judge, judge_items
from analytics.models import AiBudget, AiNotice, AiSettings, ExperimentRun, ModelCall, Reservation
from analytics.tests.analysis.conftest import item
from analytics.tests.experiments.factories import make_run
from evosense.core.schema import tenant_scope
from evosense.testing.threads import run_threads
from messaging.tests.factories import make_message

# What one call of the scripted model takes: 100 tokens in at 1, 50 out at 4 millionths.
ONE_CALL = 300


def spent() -> int:
    return ExperimentRun.objects.values_list("spent_micros", flat=True).get()


def test_twenty_at_once_never_hold_more_than_the_run_was_given(committed, tenant) -> None:
    run = make_run(status="running", budget_micros=100)
    settings = AiSettings()

    def hold() -> bool:
        with tenant_scope(tenant):
            held = budget.reserve(
                settings, "experiments", tokens=1, micros=9, run_id=run.run_id
            )  # fmt: skip
            return held is not None

    assert sum(run_threads([hold] * 20)) == 11
    assert spent() == 99
    assert Reservation.objects.count() == 11
    # The company's own budget has room: nobody is told that it is used up.
    assert not AiNotice.objects.exists()


def test_what_is_settled_takes_the_place_of_what_was_held(tenant) -> None:
    run = make_run(status="running", budget_micros=100)
    held = budget.reserve(AiSettings(), "experiments", tokens=1, micros=90, run_id=run.run_id)
    assert spent() == 90
    budget.settle(held, AiSettings(), tokens=1, micros=7, run_id=run.run_id)
    assert spent() == 7


def test_a_refusal_of_the_company_holds_nothing_of_the_run(tenant) -> None:
    run = make_run(status="running", budget_micros=100)
    settings = AiSettings(token_limit=1)
    assert budget.reserve(settings, "experiments", tokens=5, micros=9, run_id=run.run_id) is None
    assert spent() == 0


def test_the_playground_is_bound_by_no_run(tenant) -> None:
    assert budget.reserve(AiSettings(), "experiments", tokens=1, micros=9, run_id="preview")


@pytest.fixture
def arm(provider) -> ArmSpec:
    return ArmSpec(kind="provider", provider_id=provider.pk)


def test_a_call_that_the_rest_does_not_pay_for_is_not_made(tenant, arm, model) -> None:
    model.answer = lambda messages: [item(one["id"]) for one in messages]
    run = make_run(status="running", budget_micros=20_000)
    rows = []
    for word in ("prazo", "troca", "nota", "frete", "pedido"):
        text = f"quando chega {word}"
        one = Item(make_message(text=text).pk, text)
        rows += judge_items(
            [one], arm, run_key=run.run_id, run_id=run.run_id, part="experiments"
        )  # fmt: skip
        ExperimentRun.objects.filter(spent_micros__gt=600).update(budget_micros=1_000)
    assert [row.status for row in rows] == ["ok"] * 3 + ["skipped_budget"] * 2
    assert rows[-1].error == "run_budget"
    assert len(model.requests) == 3
    assert spent() == 3 * ONE_CALL == sum(ModelCall.objects.values_list("cost_micros", flat=True))
    # Nothing stays held for the calls that were not made.
    assert AiBudget.objects.get(part="experiments").reserved_micros == 0


def test_a_canary_is_paid_from_its_own_budget(tenant, arm, model) -> None:
    model.answer = lambda messages: [item(one["id"]) for one in messages]
    run = make_run(mode="canary", status="running", share=0.1, budget_micros=20_000)
    text = "quando chega o pedido"
    one = Item(make_message(text=text).pk, text)
    mark = Mark(run_key=f"canary:{run.run_id}", arm_key="candidate-1")
    assert judge([one], arm, mark, part="experiments").rows[0].error == ""
    assert spent() == ONE_CALL
    ExperimentRun.objects.update(budget_micros=ONE_CALL + 1)
    again = Item(make_message(text=f"{text} hoje").pk, f"{text} hoje")
    row = judge([again], arm, mark, part="experiments").rows[0]
    assert (row.is_degraded, row.error, spent()) == (True, "run_budget", ONE_CALL)
