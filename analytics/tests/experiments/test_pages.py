import re
from datetime import datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from analytics.experiments.report import compute_report
from analytics.experiments.words import headline
from analytics.models import AiSettings, DriftReading, ExperimentRun, ReviewItem
from analytics.tests.experiments.factories import freeze, judged, make_gold, make_messages, make_run
from analytics.views.experiments.presenting import _plot, metric_rows
from evosense.core.schema import tenant_scope
from tenancy.models import AuditEntry

pytestmark = pytest.mark.usefixtures("tenant")
FORM = {
    "name": "Contexto ajuda?",
    "mode": "backfill",
    "primary_metric": "sentiment_accuracy",
    "min_effect": "5",
    "baseline_engine": "embedded",
    "candidate_1_engine": "words",
}


def url(page, run=None, **query):
    return reverse(f"analytics:experiment-{page}", args=[run.public_id] if run else [], query=query)


def page_of(client, address, status=200):
    answer = client.get(address)
    assert answer.status_code == status
    return answer.content.decode()


def compared_run(*, gold=True, items=60, better=True, arms=2, **over):
    """A completed run with its report; the candidate is the better side unless said otherwise."""
    messages = make_messages(items, talks=8)
    truth = [
        ((-1.0, 0.0, 1.0)[i % 3], ("raiva", "neutro", "alegria")[i % 3], 50) for i in range(items)
    ]
    fields = {"mode": "gold", "gold_set": make_gold(messages, truth)} if gold else {}
    fields |= {"status": "completed", "sample": {"planned": 50, "size": items}, **over}
    run = make_run(arms=arms, **fields)
    freeze(run, messages)
    misread = (20, 2) if better else (2, 20)
    for key, wrong in zip(
        ("baseline", "candidate-1", "candidate-2")[:arms], (*misread, 30), strict=False
    ):
        for place, message in enumerate(messages):
            sentiment, emotion, _satisfaction = truth[place]
            judged(run, key, message, -sentiment or 0.8 if place < wrong else sentiment,
                   emotion=emotion if place >= wrong else "surpresa")  # fmt: skip
    run.report = compute_report(run)
    run.save()
    run.arms.filter(key="candidate-1").update(model_name="embedded-pt-2")
    return run


def test_an_empty_list_explains_what_an_experiment_is(client_for):
    page = page_of(client_for("admin"), url("list"))
    assert "experimento" in page.lower()
    assert url("create") in page


def test_a_form_creates_a_draft_that_shows_what_it_needs(client_for):
    client = client_for("admin")
    answer = client.post(url("create"), FORM)
    run = ExperimentRun.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == url("detail", run)
    assert [arm.model_name for arm in run.arms.order_by("pk")] == [
        "embedded-pt-2", "words-pt-1",
    ]  # fmt: skip
    assert run.sample["planned"] == 626
    assert AuditEntry.objects.filter(action="experiment.created").exists()
    page = page_of(client, url("detail", run))
    assert "626" in page
    assert url("start", run) in page


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "Melhor\u202eemos"}, "name"),
        ({"name": "Melhor\u200b?"}, "name"),
        ({"min_effect": "0"}, "min_effect"),
        ({"min_effect": "muito"}, "min_effect"),
        ({"since": "2026-13-01"}, "since"),
        ({"since": "2025-02-01", "until": "2025-01-01"}, "since"),
        ({"mode": "gold"}, "gold_set"),
        ({"mode": "shadow", "share": "0"}, "share"),
        ({"size": "9999999"}, "size"),
        ({"budget": "-3"}, "budget"),
        ({"primary_metric": "x"}, "primary_metric"),
    ],
)
def test_a_refused_form_says_which_field_and_keeps_the_rest(client_for, change, field):
    answer = client_for("admin").post(url("create"), FORM | change)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert f'id="id_{field}-error"' in page
    if "name" not in change:
        assert "Contexto ajuda?" in page
    assert not ExperimentRun.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"candidate_1_engine": "embedded"}, "candidate_1_engine"),
        ({"candidate_1_engine": ""}, "candidate_1_engine"),
        ({"candidate_1_engine": "booster:9"}, "candidate_1_engine"),
        ({"baseline_engine": "00000000-0000-0000-0000-000000000001"}, "baseline_engine"),
    ],
)
def test_sides_that_are_alike_or_not_there_are_refused(client_for, change, field):
    answer = client_for("admin").post(url("create"), FORM | change)
    assert answer.status_code == 422
    assert f'id="id_{field}-error"' in answer.content.decode()


def test_the_plan_counts_what_there_is(client_for):
    make_messages(3)
    page = page_of(client_for("admin"), url("plan", **FORM, since="2025-11-01", until="2026-01-30"))
    assert "626" in page
    assert "3" in re.sub("626", "", page)


def test_the_comparison_says_who_is_right_with_gold_labels(client_for):
    run = compared_run()
    page = page_of(client_for("admin"), url("detail", run))
    assert "96,7%" in page
    assert ">F1<" in page
    assert "66,7%" in page
    assert "<svg" in page
    assert 'id="matriz"' in page
    assert url("promote", run) in page
    assert url("csv", run) in page
    assert url("review", run) not in page


def test_without_labels_the_page_never_says_better(client_for):
    run = compared_run(gold=False)
    page = page_of(client_for("admin"), url("detail", run))
    assert "right more often" not in page
    assert "acerta mais" not in page
    assert ">F1<" not in page
    assert "confunde" not in page
    found = run.report["confusion"]["candidate-1"]
    assert not {"scores", "macro_f1", "accuracy", "most_confused"} & set(found)
    assert found["agreement"] is not None
    assert url("review", run) in page


def test_the_matrix_and_the_candidate_can_be_switched(client_for):
    run = compared_run(arms=3)
    client = client_for("admin")
    assert "lado=candidate-2" in page_of(client, url("detail", run))
    page_of(client, url("detail", run, lado="candidate-2", matriz="baseline"))
    page_of(client, url("detail", run, lado="nobody"), status=400)
    page_of(client, url("detail", run, depois="x"), status=400)


def test_disagreements_are_read_page_by_page(client_for):
    run = compared_run()
    client = client_for("admin")
    first = page_of(client, url("detail", run))
    after = re.search(r"depois=(\d+)", first)
    assert after
    second = page_of(client, url("detail", run, lado="candidate-1", depois=after[1]))
    assert "lado=candidate-1#diferem" in second


def test_a_hundred_disagreements_go_to_the_review_once(client_for):
    run = compared_run(gold=False)
    client = client_for("admin")
    for _ in range(2):
        client.post(url("review", run), {"arm": "candidate-1"})
    rows = ReviewItem.objects.filter(run_id=run.run_id, stratum="disagreement")
    assert rows.count() == run.report["compared"]["candidate-1"]["pairs"]["differ"]
    assert AuditEntry.objects.filter(action="experiment.review_asked").count() == 1


def test_a_promotion_needs_its_reason_and_can_be_taken_back(client_for):
    run = compared_run()
    AiSettings.objects.create(pk=1, engine="provider", provider_id=run.public_id)
    client = client_for("admin")
    answer = client.post(url("promote", run), {"arm": "candidate-1", "reason": " "})
    assert answer.status_code == 422
    assert 'id="id_reason-error"' in answer.content.decode()
    assert (
        client.post(
            url("promote", run), {"arm": "candidate-1", "reason": "acerta mais"}
        ).status_code
        == 302
    )
    assert AiSettings.objects.get().engine == "embedded"
    assert "acerta mais" in page_of(client, url("detail", run))
    client.post(url("roll-back", run))
    settings = AiSettings.objects.get()
    assert (settings.engine, settings.provider_id) == ("provider", run.public_id)
    assert AuditEntry.objects.filter(action="experiment.rolled_back").exists()
    # Both acts stay on the page with who and when.
    page = page_of(client, url("detail", run))
    run.refresh_from_db()
    assert "acerta mais" in page
    assert run.decision["by"] == run.decision["back_by"]
    for moment in ("at", "back_at"):
        at = datetime.fromisoformat(run.decision[moment])
        assert f'datetime="{at.isoformat(timespec="seconds")}"' in page


def test_only_the_owner_decides_against_the_gate(client_for):
    run = compared_run(better=False)
    wish = {"arm": "candidate-1", "reason": "mesmo assim"}
    answer = client_for("admin").post(url("promote", run), wish)
    assert answer.status_code == 422
    assert url("promote", run) not in page_of(client_for("admin"), url("detail", run))
    owner = client_for("owner")
    form = re.search(
        rf'<form[^>]*action="{url("promote", run)}".*?</form>',
        page_of(owner, url("detail", run)),
        re.DOTALL,
    )[0]
    assert "data-confirm=" in form
    assert "btn danger" in form
    assert "btn primary" not in form
    assert owner.post(url("promote", run), wish | {"reason": ""}).status_code == 422
    assert owner.post(url("promote", run), wish).status_code == 302
    run.refresh_from_db()
    assert run.decision["overridden"]


def test_an_open_gate_asks_no_second_time(client_for):
    page = page_of(client_for("owner"), url("detail", compared_run()))
    form = re.search(r'<form class="card" [^>]*>.*?</form>', page, re.DOTALL)[0]
    assert "data-confirm" not in form
    assert "btn primary" in form


def test_the_csv_is_a_table_no_spreadsheet_computes(client_for):
    run = compared_run()
    run.arms.filter(key="candidate-1").update(model_name="=cmd()", provider_id=run.public_id)
    text = client_for("admin").get(url("csv", run)).content.decode()
    assert text.startswith("\ufeffcandidate,metric")
    assert "'=cmd()" in text
    assert "sentiment_accuracy" in text


@pytest.mark.parametrize("state", ["draft", "running", "paused", "failed", "cancelled"])
def test_every_state_has_a_page(client_for, state):
    run = make_run(status=state, error="budget" if state == "paused" else "")
    page = page_of(client_for("admin"), url("detail", run))
    assert (url("cancel", run) in page) == (state in {"draft", "running", "paused"})
    page_of(client_for("admin"), url("state", run))


def test_a_finished_run_reloads_the_page_that_watched_it(client_for):
    run = make_run(status="completed")
    answer = client_for("admin").get(url("state", run), headers={"HX-Request": "true"})
    assert answer["HX-Refresh"] == "true"


def test_supervisors_look_and_do_nothing_and_agents_see_nothing(client_for):
    run = compared_run()
    looker = client_for("supervisor")
    page = page_of(looker, url("detail", run))
    assert url("promote", run) not in page
    assert looker.post(url("promote", run)).status_code == 403
    assert looker.get(url("create")).status_code == 403
    assert client_for("agent").get(url("list")).status_code == 403


def test_lists_and_comparisons_cost_the_same_however_long(client_for, count_queries):
    client = client_for("admin")
    compared_run(items=20)
    page_of(client, url("list"))
    with count_queries() as one:
        page_of(client, url("list"))
    for _ in range(5):
        make_run()
    with count_queries() as many:
        page_of(client, url("list"))
    assert len(many) == len(one)


def test_the_list_is_paged_and_filtered(client_for):
    for _ in range(32):
        make_run()
    make_run(status="completed")
    client = client_for("admin")
    first = page_of(client, url("list"))
    cursor = re.search(r"cursor=([\w%-]+)", first)
    assert cursor
    assert page_of(client, url("list", cursor=cursor[1])).count("data-item") == 3
    assert page_of(client, url("list", estado="fim")).count("data-item") == 1


def test_failures_stand_on_their_side_and_the_finding_says_of_how_many(client_for):
    run = compared_run(gold=False, items=12)
    message = make_messages(1)[0]
    judged(run, "candidate-1", message, 0.1, status="error", error="rate_limited")
    run.arms.filter(key="candidate-1").update(failed=1)
    page = page_of(client_for("admin"), url("detail", run))
    cards = page[page.index('class="kv t13"') :]
    assert re.search(r'c-bad">1 ·', cards)
    report = ExperimentRun.objects.get(pk=run.pk).report
    for primary in ("sentiment_accuracy", "sentiment_mae"):
        said = headline(report, "candidate-1", {}, primary)[0]
        assert "12" in said


def test_agreement_is_said_of_both_sides_and_a_distance_needs_no_percent(client_for):
    run = compared_run(gold=False, items=12)
    ExperimentRun.objects.filter(pk=run.pk).update(primary_metric="sentiment_mae")
    page = page_of(client_for("admin"), url("detail", run))
    rows = metric_rows(ExperimentRun.objects.get(pk=run.pk).report["compared"]["candidate-1"],
                       is_quality=False)  # fmt: skip
    agreed = [row for row in rows if not row["is_change"]]
    assert agreed
    assert {(row["baseline"], row["candidate"]) for row in agreed} == {("", "")}
    assert all(row["diff"] in page for row in agreed)
    assert "626 mensagens para 5,0%" not in page


def test_the_whole_interval_is_drawn():
    line = {"unit": "share", "higher_is_better": True, "reach": 0.1, "margin": 0.02, "diff": 0.3,
            "low": 0.1, "high": 0.5, "reading": "better"}  # fmt: skip
    plot = _plot(line)
    assert float(plot["left"]) + 20 < float(plot["at"]) + 4 < float(plot["right"]) - 20


def test_drift_has_a_page_before_there_is_any(client_for):
    page_of(client_for("supervisor"), url("drift"))


def test_drift_is_drawn_and_told(client_for):
    day = timezone.localdate() - timedelta(days=1)
    steady = {"psi_sentiment": 0.03, "psi_emotion": 0.02, "psi_length": 0.01, "messages": 350}
    moved = {**steady, "psi_sentiment": 0.41, "state": "alert"}
    figures = {"judged": "alert", "cause": "input", "centroid": 0.0952, "days": 7}
    for back in range(1, 20):
        DriftReading.objects.create(
            day=day - timedelta(days=back), analyser="embedded-pt-2", state="ok", **steady
        )
    DriftReading.objects.create(day=day, analyser="embedded-pt-2", figures=figures, **moved)
    page = page_of(client_for("supervisor"), url("drift"))
    assert page.count('<rect class="fo"') == 19
    assert page.count('<rect class="fb"') == 1
    assert page.count("banner bad") == 1
    assert re.search(r">0[.,]095<", page)


def test_another_companys_experiment_is_not_there(client_for, other_tenant):
    with tenant_scope(other_tenant):
        foreign = make_run()
    client = client_for("owner")
    for name in ("detail", "state", "csv"):
        assert client.get(url(name, foreign)).status_code == 404
    for name in ("start", "pause", "resume", "cancel", "end", "review", "promote", "roll-back"):
        assert client.post(url(name, foreign)).status_code == 404
    foreign_page = client.get(f"{url('create')}?de={foreign.public_id}")
    assert foreign_page.status_code == 404
