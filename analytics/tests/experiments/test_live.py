import pytest
from django.utils import timezone

from analytics.analysis.items import ArmSpec
from analytics.analysis.production import Judge, embedded_judge, judges_of
from analytics.experiments import live
from analytics.models import AiNotice, ExperimentRun, Inference, SampleItem
from analytics.tests.experiments.factories import canary, judgement, make_messages, make_run
from evosense.core.ids import uuid7
from messaging.models import Message


def test_a_share_takes_about_that_many_and_always_the_same():
    taken = [key for key in range(10_000) if live.is_taken("run_a", key, 0.1)]
    assert 900 < len(taken) < 1100
    assert taken == [key for key in range(10_000) if live.is_taken("run_a", key, 0.1)]
    more = {key for key in range(10_000) if live.is_taken("run_a", key, 0.3)}
    assert set(taken) <= more
    assert not any(live.is_taken("run_a", key, 0) for key in range(1000))
    other = [key for key in range(10_000) if live.is_taken("run_b", key, 0.1)]
    assert len(set(taken) & set(other)) < 200


pytestmark_tenant = pytest.mark.usefixtures("tenant")


def shadow(**over):
    fields = {"mode": "shadow", "status": "running", "share": 1.0, "start_date": timezone.now(),
              "sample": {"planned": 626, "size": 5}}  # fmt: skip
    return make_run(**fields, **over)


@pytestmark_tenant
def test_a_shadow_takes_judged_messages_and_keeps_productions_word_as_baseline():
    run = shadow()
    messages = make_messages(3)
    for message in messages:
        judgement(message.pk, 0.4).save()
    unjudged = make_messages(1)
    ids = [message.pk for message in (*messages, *unjudged)]
    assert live.take_shadows(ids) == [run.pk]
    assert live.take_shadows(ids) == []
    assert SampleItem.objects.filter(run=run).count() == 3
    rows = Inference.objects.filter(run_id=run.run_id)
    assert set(rows.values_list("arm_key", "sentiment", "is_shadow")) == {("baseline", 0.4, True)}
    assert Inference.objects.filter(run_id="").count() == 3
    run.refresh_from_db()
    assert run.total_messages == 3
    assert not Message.objects.exclude(sentiment=None).exists()


@pytestmark_tenant
def test_a_shadow_stops_taking_at_its_size():
    run = shadow()
    messages = make_messages(9)
    for message in messages:
        judgement(message.pk, 0.4).save()
    live.take_shadows([message.pk for message in messages])
    assert SampleItem.objects.filter(run=run).count() == 5


@pytestmark_tenant
def test_paused_runs_and_history_are_left_alone():
    shadow().__class__.objects.update(status="paused")
    message = make_messages(1)[0]
    judgement(message.pk, 0.4).save()
    assert live.take_shadows([message.pk]) == []
    shadow()
    Message.objects.update(is_history=True)
    assert live.take_shadows([message.pk]) == []


@pytestmark_tenant
def test_a_canary_takes_whole_conversations_and_leaves_the_rest_to_production():
    run = canary()
    standing = embedded_judge()
    judges = judges_of(list(range(1, 400)), standing)
    mine = {pk for pk, judge in judges.items() if judge is not standing}
    assert mine == {pk for pk in range(1, 400) if live.is_taken(run.run_id, pk, 0.4)}
    mark = judges[min(mine)].mark
    assert (mark.arm_key, mark.run_id, mark.is_shadow) == ("candidate-1", "", False)
    assert live.canary_arm(min(mine)).key == "candidate-1"
    ExperimentRun.objects.update(status="paused")
    assert set(judges_of([min(mine)], standing).values()) == {standing}


def rows(run, count, **over):
    for message in make_messages(count):
        judgement(message.pk, 0.1, **over).save()


@pytestmark_tenant
@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ({"status": "timeout"}, "guardrail_failures"),
        ({"is_degraded": True}, "guardrail_failures"),
        ({"latency_ms": 900}, "guardrail_slowness"),
    ],
)
def test_a_harmful_canary_is_stopped_and_people_are_told(bad, why):
    run = canary()
    rows(run, 60)
    rows(run, 60, run_key=f"canary:{run.run_id}:x", arm_key="candidate-1", **bad)
    live.guard()
    run.refresh_from_db()
    assert (run.status, run.error) == ("failed", why)
    notice = AiNotice.objects.get(kind="canary_stopped")
    assert (notice.subject, notice.detail["why"]) == (run.run_id, why)
    live.guard()
    assert AiNotice.objects.count() == 1


@pytestmark_tenant
def test_a_good_canary_and_a_young_one_go_on():
    run = canary()
    rows(run, 60)
    rows(run, 20, run_key=f"canary:{run.run_id}:x", arm_key="candidate-1", status="timeout")
    live.guard()
    run.refresh_from_db()
    assert run.status == "running"
    assert run.report["kind"] == "canary"
    assert run.report["sides"]["candidate-1"]["judged"] == 20


@pytestmark_tenant
def test_what_a_canary_judged_is_not_productions_word_in_a_shadow():
    run, other = shadow(), canary()
    mine, theirs = make_messages(2)
    judgement(mine.pk, 0.4).save()
    judgement(theirs.pk, -0.9, run_key=f"canary:{other.run_id}:x", arm_key="candidate-1").save()
    live.take_shadows([mine.pk, theirs.pk])
    assert list(SampleItem.objects.filter(run=run).values_list("message_id", flat=True)) == [
        mine.pk
    ]


@pytestmark_tenant
def test_a_canary_ends_when_it_saw_what_was_asked_for():
    run = canary(sample={"planned": 626, "size": 3})
    for message in make_messages(3):
        judgement(message.pk, 0.1, run_key=f"canary:{run.run_id}:x", arm_key="candidate-1").save()
    live.guard()
    run.refresh_from_db()
    assert (run.status, run.error, run.processed_messages) == ("completed", "", 3)


@pytestmark_tenant
def test_a_canary_ends_where_production_became_another_one(monkeypatch):
    run = canary()
    run.arms.filter(is_baseline=True).update(model_name="embedded-pt-2")
    live.guard()
    run.refresh_from_db()
    assert run.status == "running"
    changed = Judge(ArmSpec("provider", provider_id=uuid7()), embedded_judge().mark)
    monkeypatch.setattr(live, "production_judge", lambda: changed)
    live.guard()
    run.refresh_from_db()
    assert (run.status, run.error) == ("failed", "production_changed")
    assert AiNotice.objects.filter(kind="canary_stopped").exists()
