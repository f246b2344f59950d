import pytest

from analytics.experiments.report import compute_report
from analytics.models import ExperimentRun
from analytics.tests.experiments.factories import freeze, judged, make_messages, make_run

pytestmark = pytest.mark.usefixtures("tenant")
BASE = "/api/v1/experiments"
BODY = {
    "name": "Melhor que uma lista?",
    "mode": "backfill",
    "baseline": {"engine": "words"},
    "candidates": [{"engine": "embedded"}],
}


@pytest.fixture
def call(client, api_key):
    def calling(method, path="", data=None, status=200):
        answer = getattr(client, method)(
            f"{BASE}{path}",
            data,
            content_type="application/json",
            headers={"Authorization": f"Bearer {api_key}", "Host": "alpha.testserver"},
        )
        assert answer.status_code == status, answer.content
        return answer.json()

    return calling


def test_an_experiment_is_created_started_held_and_cancelled(call):
    made = call("post", data=BODY, status=201)
    assert made["status"] == "draft"
    assert [arm["model_name"] for arm in made["arms"]] == ["words-pt-1", "embedded-pt-2"]
    path = f"/{made['id']}"
    assert call("post", f"{path}/start")["status"] == "running"
    assert call("post", f"{path}/start", status=409)["code"] == "wrong_state"
    assert call("post", f"{path}/pause")["status"] == "paused"
    assert call("post", f"{path}/resume", data={})["status"] == "running"
    assert call("post", f"{path}/cancel")["status"] == "cancelled"
    assert call("get", path)["created_by"].startswith("API")
    assert [row["id"] for row in call("get")["results"]] == [made["id"]]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"mode": "gold"}, "gold_set"),
        ({"min_effect": 3}, "min_effect"),
        ({"name": "a\u2066b"}, "name"),
        ({"candidates": []}, "candidates"),
        ({"candidates": [{"engine": "nobody"}]}, "candidate_1"),
        ({"mode": "canary", "share": 0.1, "candidates": [{"engine": "words"}],
          "baseline": {"engine": "embedded"}}, "candidate_1"),
    ],
)  # fmt: skip
def test_a_bad_body_is_refused_by_field(call, change, field):
    answer = call("post", data=BODY | change, status=400)
    assert answer["errors"][0]["field"] == field
    assert not ExperimentRun.objects.exists()


def test_a_report_and_its_disagreements_are_read_in_pages(call):
    messages = make_messages(8)
    run = make_run(status="completed")
    freeze(run, messages)
    for place, message in enumerate(messages):
        judged(run, "baseline", message, 0.8)
        judged(run, "candidate-1", message, -0.8 if place < 3 else 0.8)
    run.report = compute_report(run)
    run.save()
    path = f"/{run.public_id}"
    assert call("get", f"{path}/report")["report"]["kind"] == "agreement"
    first = call("get", f"{path}/disagreements?limit=2")
    assert len(first["results"]) == 2
    rest = call("get", f"{path}/disagreements?limit=2&cursor={first['next']}")
    assert len(rest["results"]) == 1
    assert rest["next"] is None
    call("get", f"{path}/disagreements?cursor=x", status=400)
    same = call("get", f"/compare/{run.public_id}/{run.public_id}")
    assert same["messages"] == 8
    assert same["agreement"]["sentiment_accuracy"][1] == 1


def test_a_replay_needs_a_prompt_that_is_there(call):
    answer = call(
        "post", "/replay", status=400,
        data={"start": "2025-11-01T00:00:00Z", "end": "2025-11-15T00:00:00Z",
              "prompt_version": "x@1"},
    )  # fmt: skip
    assert answer["errors"][0]["field"] == "prompt_version"


def test_a_used_up_budget_is_refused_under_the_name_of_the_api(call):
    run = make_run(status="paused", error="budget", budget_micros=100, spent_micros=100)
    answer = call("post", f"/{run.public_id}/resume", data={"budget_micros": 90}, status=400)
    assert answer["errors"][0]["field"] == "budget_micros"


def test_stats_count_by_state(call):
    make_run()
    assert call("get", "/stats")["experiments"] == {"draft": 1}
