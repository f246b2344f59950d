import pytest

from analytics.embedded.analyser import VERSION
from analytics.experiments.gate import gate_of
from analytics.experiments.promotion import promote, roll_back
from analytics.models import AiSettings, Booster, PromptLabel, PromptLabelEvent, PromptTemplate
from analytics.prompting.labels import Why, move_label
from analytics.prompting.versions import Author, create_version
from analytics.tests.experiments.factories import make_run
from analytics.tests.providers.helpers import make_provider
from analytics.views.experiments.presenting import gate_rows
from evosense.core.errors import Conflict, Invalid, NotAllowed
from tenancy.models import AuditEntry

pytestmark = pytest.mark.usefixtures("tenant")
HELENA = Author(7, "Helena")


def line(key, **over):
    return {
        "key": key, "unit": "share", "higher_is_better": True, "margin": None, "diff": 0.05,
        "low": 0.02, "high": 0.08, "baseline": 0.7, "candidate": 0.75, **over,
    }  # fmt: skip


def decided_run(**arm):
    run = make_run(status="completed", sample={"planned": 10, "size": 10})
    lines = [
        line("sentiment_accuracy"),
        line("flip_rate", diff=0.0),
        line("latency_p95", baseline=100.0, candidate=110.0),
    ]
    run.report = {
        "kind": "quality",
        "n": 10,
        "sides": {"candidate-1": {"invalid": 0.0}},
        "compared": {"candidate-1": {"lines": lines, "pairs": {}}},
    }
    run.save()
    run.arms.filter(key="candidate-1").update(**{"model_name": "embedded-pt-2", **arm})
    return run


def version(number=1):
    return create_version(
        name="analise", task="message_analysis", body=f"Judge {number}", author=HELENA
    )


def choose(run, *, reason="acerta mais", may_override=False):
    return promote(run, "candidate-1", author=HELENA, reason=reason, may_override=may_override)


def test_a_prompt_that_won_moves_production_and_back_with_one_act():
    first, second = version(1), version(2)
    move_label("production", first, author=HELENA, why=Why("início"))
    provider = make_provider("http://127.0.0.1:9/v1")
    run = decided_run(provider_id=provider.pk, model_name="fake-1", template=second)
    choose(run)
    assert PromptLabel.objects.get().template == second
    settings = AiSettings.objects.get()
    assert (settings.engine, settings.provider_id) == ("provider", provider.pk)
    move = PromptLabelEvent.objects.order_by("pk").last()
    assert (move.run_id, move.reason, move.actor_name) == (run.run_id, "acerta mais", "Helena")
    assert move.snapshot["report"]["n"] == 10
    assert AuditEntry.objects.filter(action="experiment.promoted").count() == 1
    run.refresh_from_db()
    assert run.decision["by"] == "Helena"
    roll_back(run, author=HELENA)
    assert PromptLabel.objects.get().template == first
    assert AiSettings.objects.get().engine == "embedded"
    assert PromptTemplate.objects.count() == 2


def test_a_rollback_to_no_label_takes_the_label_away():
    provider = make_provider("http://127.0.0.1:9/v1")
    run = decided_run(provider_id=provider.pk, model_name="fake-1", template=version())
    choose(run)
    roll_back(run, author=HELENA)
    assert not PromptLabel.objects.exists()


def test_a_rollback_does_not_undo_what_somebody_changed_since():
    run = decided_run()
    AiSettings.objects.create(pk=1, engine="provider", provider_id=run.public_id)
    choose(run)
    AiSettings.objects.update(engine="provider")
    with pytest.raises(Conflict) as refused:
        roll_back(run, author=HELENA)
    assert refused.value.code == "changed_since"


def test_a_booster_that_won_judges_and_the_one_before_comes_back():
    old = Booster.objects.create(
        version=1, analyser=VERSION, labels=500, weights=b"", state="active", won_run_id="run_x"
    )
    new = Booster.objects.create(version=2, analyser=VERSION, labels=600, weights=b"")
    run = decided_run(model_name="embedded-pt-2+booster-2")
    choose(run)
    for row in (old, new):
        row.refresh_from_db()
    assert (old.state, new.state, new.won_run_id) == ("retired", "active", run.run_id)
    roll_back(run, author=HELENA)
    for row in (old, new):
        row.refresh_from_db()
    assert (old.state, new.state) == ("active", "retired")


def test_another_model_than_the_providers_is_refused():
    provider = make_provider("http://127.0.0.1:9/v1")
    run = decided_run(provider_id=provider.pk, model_name="fake-2", template=version())
    with pytest.raises(Conflict) as refused:
        choose(run)
    assert refused.value.code == "other_model"
    assert not PromptLabel.objects.exists()


def test_the_yardstick_never_judges():
    run = decided_run(model_name="words-pt-1")
    with pytest.raises(Conflict) as refused:
        choose(run)
    assert refused.value.code == "not_a_judge"


def test_nothing_is_decided_twice_early_or_without_a_reason():
    run = decided_run()
    with pytest.raises(Invalid) as refused:
        choose(run, reason="  ")
    assert refused.value.field == "reason"
    run.status = "running"
    run.save()
    with pytest.raises(Conflict):
        choose(run)
    run.status = "completed"
    run.save()
    choose(run)
    with pytest.raises(Conflict) as refused:
        choose(run)
    assert refused.value.code == "decided"


@pytest.mark.parametrize(
    ("before", "after", "times", "holds", "said"),
    [
        (0.0, 43.0, None, True, ("43 ms", "0 ms")),
        (42.0, 6.0, 6 / 42, True, ("6 ms", "42 ms")),
        (90.0, 130.0, 130 / 90, False, ("130 ms", "90 ms")),
        (400.0, 500.0, 1.25, True, ("500 ms", "400 ms", "1,25")),
        (400.0, 520.0, 1.3, False, ("520 ms", "400 ms", "1,30")),
    ],
)
def test_the_floor_of_times_decides_and_is_not_what_people_read(before, after, times, holds, said):
    run = decided_run()
    run.report["compared"]["candidate-1"]["lines"][2] |= {"baseline": before, "candidate": after}
    gate = gate_of(run, "candidate-1")
    slowness = next(one for one in gate.conditions if one.key == "slowness")
    assert slowness.holds is holds
    assert slowness.facts["times"] == (times and pytest.approx(times))
    assert (slowness.facts["before"], slowness.facts["after"]) == (before, after)
    note = gate_rows(gate)[4]["note"]
    assert all(number in note for number in said)


def test_a_shut_gate_opens_only_for_the_owner_and_says_so():
    run = decided_run()
    run.report["n"] = 3
    run.save()
    with pytest.raises(NotAllowed):
        choose(run)
    assert choose(run, may_override=True).decision["overridden"]
