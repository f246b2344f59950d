"""When a canary is stopped, and what it is said to have judged and cost."""

import re
from datetime import date

import pytest
from django.urls import reverse

from analytics.analysis.production import embedded_judge, judges_of
from analytics.experiments import live, tasks
from analytics.experiments.gate import gate_of
from analytics.experiments.tasks import compute_report_of
from analytics.models import AiNotice, ModelCall
from analytics.providers.models import ModelPrice
from analytics.tests.experiments.factories import canary, judgement, make_messages
from analytics.tests.providers.helpers import make_provider
from evosense.core.schema import public_scope

pytestmark = pytest.mark.usefixtures("tenant")


def rows(count, **over):
    for message in make_messages(count):
        judgement(message.pk, 0.1, **over).save()


def candidate(run, count, *, key="canary", **over):
    rows(count, run_key=f"{key}:{run.run_id}:x", arm_key="candidate-1", **over)


@pytest.mark.parametrize(
    ("production", "canarys", "error"),
    [
        ((1, False), (4_000, True), ""),
        ((1, False), (11_000, True), "guardrail_slowness"),
        ((2_000, True), (2_900, True), ""),
        ((2_000, True), (3_100, True), "guardrail_slowness"),
        ((2_000, True), (5, False), ""),
    ],
)
def test_calls_are_held_against_calls_and_otherwise_against_peoples_patience(
    production, canarys, error
):
    run = canary()
    call = ModelCall.objects.create(
        purpose="message_analysis", provider_id=run.public_id, provider_name="p",
        model_requested="m",
    )  # fmt: skip
    rows(60, latency_ms=production[0], call=call if production[1] else None)
    candidate(run, 60, latency_ms=canarys[0], call=call if canarys[1] else None)
    live.guard()
    run.refresh_from_db()
    assert run.error == error
    assert run.status == ("failed" if error else "running")


def test_what_a_canary_judged_and_cost_is_on_the_run_its_sides_and_the_page(client_for):
    run = canary(budget_micros=9_000_000)
    rows(5)
    candidate(run, 7, cost_micros=1_000_000)
    candidate(run, 1, cost_micros=500_000, status="timeout")
    compute_report_of(run_pk=run.pk)
    run.refresh_from_db()
    assert (run.processed_messages, run.spent_micros) == (8, 7_500_000)
    assert run.report["spent_micros"] == 7_500_000
    sides = run.arms.order_by("pk").values_list("key", "processed", "failed", "spent_micros")
    assert list(sides) == [("baseline", 5, 0, 0), ("candidate-1", 8, 1, 7_500_000)]
    money = {one.key: one for one in gate_of(run, "candidate-1").conditions}["money"]
    assert money.facts == {
        "spent": 7_500_000, "spent_by": {"BRL": 7_500_000}, "budget": 9_000_000, "currency": "BRL",
    }  # fmt: skip
    address = reverse("analytics:experiment-detail", args=[run.public_id])
    assert "R$ 7,50" in client_for("admin").get(address).content.decode()


def test_what_the_embedded_analyser_said_in_its_place_counts_as_failed():
    run = canary()
    rows(60)
    candidate(run, 60, key="degraded:canary", is_degraded=True)
    live.guard()
    run.refresh_from_db()
    assert run.error == "guardrail_failures"


def test_a_canary_ends_before_it_asks_for_more_than_it_may_spend():
    provider = make_provider("http://127.0.0.1:9/v1")
    with public_scope():
        ModelPrice.objects.create(
            tenant_id=provider.tenant_id, provider=provider, model="fake-1",
            valid_from=date(2020, 1, 1), input_micros=1_000_000, output_micros=4_000_000,
        )  # fmt: skip
    run = canary(budget_micros=1_000_000, spent_micros=999_999)
    run.arms.filter(key="candidate-1").update(provider_id=provider.pk, model_name="fake-1")
    standing = embedded_judge()
    assert set(judges_of(list(range(1, 60)), standing).values()) == {standing}
    run.refresh_from_db()
    assert (run.status, run.error) == ("failed", "guardrail_cost")
    assert AiNotice.objects.get().detail["why"] == "guardrail_cost"


def test_an_open_page_has_a_canary_counted_once_and_shows_its_sides(client_for, monkeypatch):
    asked = []
    monkeypatch.setattr(tasks, "enqueue", lambda _task, **given: asked.append(given))
    run = canary()
    candidate(run, 3)
    address = reverse("analytics:experiment-state", args=[run.public_id])
    client = client_for("admin")
    for _ in range(3):
        client.get(address, headers={"HX-Request": "true"})
    assert asked == [{"run_pk": run.pk}]
    compute_report_of(run_pk=run.pk)
    page = client.get(address, headers={"HX-Request": "true"}).content.decode()
    for name in ("sides", "canary"):
        assert f'id="{name}" hx-swap-oob="true"' in page
    assert re.search(r"num[^>]*>3<", page)
    whole = client.get(reverse("analytics:experiment-detail", args=[run.public_id]))
    assert "hx-swap-oob" not in whole.content.decode()
