from datetime import timedelta

import pytest
from django.utils import timezone

from analytics.experiments import worker
from analytics.experiments.running import cancel_run, pause_run, resume_run, start_run
from analytics.experiments.words import error_words
from analytics.models import Arm, ExperimentRun, Inference, ModelCall, SampleItem
from analytics.tests.experiments.factories import FakeJudge, freeze, make_messages, make_run
from evosense.core.errors import Conflict, Invalid
from messaging.models import Message
from messaging.tests.factories import make_contact, make_conversation, make_message

pytestmark = pytest.mark.usefixtures("tenant")


@pytest.fixture
def judge(monkeypatch):
    fake = FakeJudge(sentiment=lambda arm, _item: 0.5 if arm == "baseline" else -0.5)
    monkeypatch.setattr(worker, "judge_items", fake)
    monkeypatch.setattr(worker, "EMBEDDED_BATCH", 4)
    return fake


def running(**over):
    return make_run(status="running", start_date=timezone.now(), **over)


def test_sides_take_turns_over_batches_until_all_is_judged(judge):
    make_messages(10)
    run = running()
    assert worker.take_turn(run.pk) is False
    run.refresh_from_db()
    assert (run.status, run.total_messages, run.processed_messages) == ("completed", 10, 10)
    assert run.worker_until is None
    assert run.end_date is not None
    order = [arm for arm, _items in judge.calls]
    assert order == ["baseline", "candidate-1"] * 3
    assert sorted(Arm.objects.filter(run=run).values_list("processed", "failed")) == [(10, 0)] * 2
    assert Inference.objects.filter(run_id=run.run_id, is_shadow=True).count() == 20


def test_the_side_that_goes_first_changes_from_batch_to_batch(judge, monkeypatch):
    monkeypatch.setattr(worker, "EMBEDDED_BATCH", 3)
    make_messages(6)
    worker.take_turn(running().pk)
    assert [arm for arm, _items in judge.calls] == [
        "baseline", "candidate-1", "candidate-1", "baseline",
    ]  # fmt: skip


def test_production_values_stay_as_they_were(judge):
    make_messages(3, sentiment=0.1, emotion="alegria", judged_by="embedded")
    worker.take_turn(running().pk)
    assert set(Message.objects.values_list("sentiment", "emotion", "judged_by")) == {
        (0.1, "alegria", "embedded")
    }


def test_a_run_that_another_worker_holds_is_left_alone(judge):
    make_messages(2)
    run = running(worker_until=timezone.now() + timedelta(seconds=60))
    assert worker.take_turn(run.pk) is False
    assert judge.calls == []
    ExperimentRun.objects.update(worker_until=timezone.now() - timedelta(seconds=1))
    worker.take_turn(run.pk)
    assert judge.calls


def test_what_is_judged_already_is_not_asked_again(judge):
    messages = make_messages(3)
    run = running()
    freeze(run, messages, done=False)
    judge(
        worker.items_of([SampleItem.objects.first()]), None,
        arm_key="baseline", run_key=run.run_id, run_id=run.run_id, is_shadow=True,
        part="experiments",
    )  # fmt: skip
    judge.calls.clear()
    worker.take_turn(run.pk)
    assert {arm: len(items) for arm, items in judge.calls} == {"baseline": 2, "candidate-1": 3}
    assert Inference.objects.filter(run_id=run.run_id).count() == 6


def test_a_pause_is_kept_between_batches_and_resumes_where_it_stopped(judge, monkeypatch):
    make_messages(12)
    run = running()
    plain = worker._count

    def pausing(held):
        plain(held)
        if len(judge.calls) == 2:
            pause_run(ExperimentRun.objects.get(pk=held.pk))

    monkeypatch.setattr(worker, "_count", pausing)
    assert worker.take_turn(run.pk) is False
    run.refresh_from_db()
    assert (run.status, run.processed_messages) == ("paused", 4)
    resume_run(run)
    worker.take_turn(run.pk)
    run.refresh_from_db()
    assert (run.status, run.processed_messages) == ("completed", 12)
    assert Inference.objects.filter(run_id=run.run_id).count() == 24


def test_a_turn_ends_in_time_and_tells_that_some_is_left(judge):
    make_messages(12)
    run = running()
    assert worker.take_turn(run.pk, seconds=0) is True
    run.refresh_from_db()
    assert run.status == "running"
    assert run.worker_until is None


def test_a_used_up_budget_pauses_the_run_until_more_is_allowed(judge):
    make_messages(8)
    run = running(budget_micros=100)
    ModelCall.objects.create(
        purpose="message_analysis", provider_id=run.public_id, provider_name="p",
        model_requested="m", run_id=run.run_id, arm_key="candidate-1", cost_micros=150,
    )  # fmt: skip
    worker.take_turn(run.pk)
    run.refresh_from_db()
    assert (run.status, run.error, run.spent_micros) == ("paused", "budget", 150)
    assert run.processed_messages == 4
    with pytest.raises(Invalid) as refused:
        resume_run(run)
    assert refused.value.field == "budget_micros"
    # More than was spent is not enough where the former budget did not pay for a call either.
    run.budget_micros = 200
    with pytest.raises(Invalid):
        resume_run(run, budget_micros=200)
    resume_run(run, budget_micros=1000)
    worker.take_turn(run.pk)
    run.refresh_from_db()
    assert (run.status, run.error) == ("completed", "")
    assert Arm.objects.get(run=run, key="candidate-1").spent_micros == 150


def test_messages_that_the_company_budget_let_out_are_asked_again_later(monkeypatch):
    fake = FakeJudge(fails=lambda item: "skipped_budget")
    monkeypatch.setattr(worker, "judge_items", fake)
    make_messages(3)
    run = running()
    worker.take_turn(run.pk)
    run.refresh_from_db()
    assert (run.status, run.error, run.processed_messages) == ("paused", "company_budget", 0)
    assert not Inference.objects.filter(run_id=run.run_id).exists()
    fake.fails = lambda item: ""
    resume_run(run)
    worker.take_turn(run.pk)
    run.refresh_from_db()
    assert run.status == "completed"


def test_a_price_that_is_missing_pauses_the_run_with_its_reason(monkeypatch):
    fake = FakeJudge(fails=lambda item: "error")

    def unpriced(items, arm, **mark):
        rows = fake(items, arm, **mark)
        for row in rows:
            row.error = "no_price"
        Inference.objects.filter(run_id=mark["run_id"]).update(error="no_price")
        return rows

    monkeypatch.setattr(worker, "judge_items", unpriced)
    make_messages(3)
    run = running()
    worker.take_turn(run.pk)
    run.refresh_from_db()
    assert (run.status, run.error, run.processed_messages) == ("paused", "no_price", 0)
    assert not Inference.objects.filter(run_id=run.run_id).exists()
    assert error_words(run.error) != run.error


def test_answers_that_failed_are_counted_and_do_not_stop_it(monkeypatch):
    first = []
    fake = FakeJudge(fails=lambda item: "invalid" if item.message_id in first else "")
    monkeypatch.setattr(worker, "judge_items", fake)
    first.append(make_messages(5)[0].pk)
    run = running()
    worker.take_turn(run.pk)
    run.refresh_from_db()
    assert run.status == "completed"
    assert sorted(Arm.objects.filter(run=run).values_list("failed", flat=True)) == [1, 1]


def test_an_empty_window_fails_with_its_reason(judge):
    run = running()
    worker.take_turn(run.pk)
    run.refresh_from_db()
    assert (run.status, run.error) == ("failed", "empty_sample")


def test_the_list_of_words_judges_beside_the_others(judge):
    make_messages(2, text="Péssimo, não gostei nada, que demora")
    run = running()
    Arm.objects.filter(run=run, key="candidate-1").update(model_name="words-pt-1")
    worker.take_turn(run.pk)
    rows = Inference.objects.filter(run_id=run.run_id, arm_key="candidate-1")
    assert set(rows.values_list("sentiment", "emotion", "is_shadow")) == {(-1.0, "raiva", True)}
    assert {arm for arm, _items in judge.calls} == {"baseline"}


def test_states_move_only_where_they_may():
    run = make_run()
    with pytest.raises(Conflict):
        pause_run(run)
    start_run(run)
    assert ExperimentRun.objects.get(pk=run.pk).status == "running"
    with pytest.raises(Conflict):
        start_run(run)
    stale = ExperimentRun.objects.get(pk=run.pk)
    cancel_run(run)
    with pytest.raises(Conflict):
        pause_run(stale)
    assert ExperimentRun.objects.get(pk=run.pk).end_date is not None


def test_two_canaries_cannot_run_at_once():
    first = make_run(mode="canary", share=0.1)
    second = make_run(mode="canary", share=0.1)
    start_run(first)
    with pytest.raises(Conflict) as refused:
        start_run(second)
    assert refused.value.code == "canary_running"


def test_names_of_contacts_are_known_where_texts_are_hidden(judge):
    talk = make_conversation(contact=make_contact("Carla Souza"))
    run = running()
    freeze(run, [make_message(talk, text="a Carla falou")])
    items = worker.items_of(list(SampleItem.objects.filter(run=run)))
    assert [list(one.names) for one in items] == [["Carla Souza"]]
