"""What a new version of the embedded analyser meets: boosters and experiments of the former one.

A booster fits the analyser that it was trained beside; an experiment goes on with the one of now.
"""

import numpy as np
import pytest
from django.urls import reverse

from analytics.analysis.boosting import learn, packed
from analytics.analysis.items import ArmSpec, Item
from analytics.analysis.judging import preview_items
from analytics.analysis.production import embedded_judge
from analytics.embedded.analyser import VERSION
from analytics.embedded.features import WIDTH
from analytics.experiments import worker
from analytics.experiments.arms import Choice, arm_of, engine_choices, judging_of
from analytics.experiments.report import compute_report
from analytics.experiments.running import start_run
from analytics.models import Arm, Booster, ExperimentRun, Inference, SampleItem
from analytics.tests.experiments.factories import START, freeze, judged, make_messages, make_run
from evosense.core.errors import Conflict, Invalid
from tenancy.tests.factories import client_for

pytestmark = pytest.mark.usefixtures("tenant")
FORMER = "embedded-pt-1"
# What features() was wide beside embedded-pt-1.
FORMER_WIDTH = WIDTH - 2


def make_booster(version=1, analyser=FORMER, width=FORMER_WIDTH, **over):
    dice = np.random.default_rng(version)
    rows = dice.normal(size=(9, width)).astype(np.float32)
    weights = packed(learn(rows, [-1, 0, 1] * 3, [1.0] * 9))
    return Booster.objects.create(
        version=version, analyser=analyser, labels=500, weights=weights, **over
    )


def in_use(**over):
    return make_booster(state="active", won_run_id="run_x", **over)


def test_a_booster_without_a_word_is_of_the_first_analyser():
    booster = Booster.objects.create(version=1, labels=500, weights=b"")
    booster.refresh_from_db()
    assert booster.analyser == FORMER


def test_production_judges_without_a_former_booster():
    in_use()
    judge = embedded_judge()
    assert judge.arm.booster is None
    row = preview_items([Item(-1, "péssimo atendimento")], judge.arm)[0]
    assert (row.status, row.model_name, row.sentiment < -0.1) == ("ok", VERSION, True)


def test_production_judges_with_a_booster_of_this_analyser():
    booster = in_use(analyser=VERSION, width=WIDTH)
    judge = embedded_judge()
    assert judge.arm == ArmSpec(booster=booster)
    row = preview_items([Item(-1, "péssimo atendimento")], judge.arm)[0]
    assert (row.status, row.model_name) == ("ok", f"{VERSION}+booster-1")


def test_a_former_booster_is_no_choice_for_a_new_experiment():
    make_booster()
    make_booster(2, VERSION, WIDTH)
    engines = [engine for engine, _words in engine_choices()]
    assert "booster:2" in engines
    assert "booster:1" not in engines
    with pytest.raises(Invalid) as refused:
        arm_of(Choice("booster:1"), key="candidate-1", field="candidate_1_engine")
    assert refused.value.field == "candidate_1_engine"


def test_a_run_with_a_former_booster_stops_and_says_why():
    make_booster()
    make_messages(2)
    run = make_run()
    start_run(run)
    Arm.objects.filter(run=run, key="candidate-1").update(
        provider_id=None, template=None, model_name=f"{FORMER}+booster-1"
    )
    arm = run.arms.get(key="candidate-1")
    with pytest.raises(Conflict) as refused:
        judging_of(arm)
    assert refused.value.code == "former_booster"
    worker.take_turn(run.pk)
    run.refresh_from_db()
    assert (run.status, run.error) == ("paused", "former_booster")


def test_a_run_of_the_former_analyser_goes_on_with_this_one_and_says_so():
    first, second = make_messages(2, text="Péssimo atendimento")
    run = make_run(status="running")
    run.arms.update(model_name=FORMER)
    freeze(run, [first, second], done=False)
    SampleItem.objects.filter(message=first).update(done_at=START)
    for arm in run.arms.all():
        judged(run, arm.key, first, -0.5, model_name=FORMER)
    worker.take_turn(run.pk)
    rows = Inference.objects.filter(run_id=run.run_id)
    assert set(rows.values_list("message_id", "model_name")) == {
        (first.pk, FORMER), (second.pk, VERSION),
    }  # fmt: skip
    report = compute_report(run)
    assert [side["models"] for side in report["sides"].values()] == [[FORMER, VERSION]] * 2
    ExperimentRun.objects.filter(pk=run.pk).update(report=report)
    page = client_for("admin").get(reverse("analytics:experiment-detail", args=[run.public_id]))
    assert page.content.decode().count(f"<dd>{FORMER}, {VERSION}</dd>") == 2


def test_the_page_says_which_booster_is_not_used():
    in_use()
    make_booster(2, VERSION, WIDTH)
    page = client_for("supervisor").get("/revisao/").content.decode()
    _head, fitting, former = page.split('<td class="w"><b>')
    assert "warn" in former.split("</td>")[1]
    assert "warn" not in fitting.split("</td>")[1]
