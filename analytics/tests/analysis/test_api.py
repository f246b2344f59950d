"""The analysis part of the API: what is read, what is asked for, and how it refuses."""

from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client

from analytics.analysis.enqueue import note_messages
from analytics.analysis.items import ArmSpec, Item
from analytics.analysis.judging import judge_items
from analytics.analysis.worker import work_off
from analytics.errands.starting import start
from analytics.models import AiSettings, AnalysisJob, ConversationAnalysis, Inference
from analytics.tests.errands.helpers import do_waiting
from evosense.core.schema import public_scope, tenant_scope
from evosense.testing.databases import BETA
from messaging.services.judgements import MessageJudgement, store_judgements
from messaging.tests.factories import make_conversation, make_message
from tenancy.models import AuditEntry, Entitlement
from tenancy.tests.factories import make_api_key


@pytest.fixture
def ask(tenant):
    with public_scope():
        # The plan of `alpha` includes few keys.
        Entitlement.objects.create(tenant_id=tenant.id, name="api_keys", limit=None)
    api_key = make_api_key()

    def send(method, path, body=None, *, key=api_key, once="", **params):
        headers = {"Idempotency-Key": once} if once else {}
        browser = Client(
            HTTP_HOST=f"alpha.{settings.PUBLIC_HOST}",
            HTTP_AUTHORIZATION=f"Bearer {key}",
            headers=headers,
        )
        if method == "get":
            return browser.get(f"/api/v1/{path}", params)
        return getattr(browser, method)(f"/api/v1/{path}", body, content_type="application/json")

    return send


def result_of(ask, answer):
    """Return a request as it is once a worker did it."""
    assert answer.status_code == 202
    do_waiting()
    return ask("get", f"analysis/requests/{answer.json()['id']}").json()


@pytest.fixture
def judged(tenant):
    talk = make_conversation()
    messages = [make_message(talk, text=text) for text in ("foi bom", "foi ruim", "sei lá")]
    note_messages([one.pk for one in messages])
    work_off()
    return messages


def test_judgements_are_listed_by_filter_and_cursor(judged, ask) -> None:
    first = ask("get", "inferences", limit=2).json()
    assert len(first["results"]) == 2
    second = ask("get", "inferences", limit=2, cursor=first["next"]).json()
    assert second["next"] is None
    ids = {row["message_id"] for row in first["results"] + second["results"]}
    assert ids == {str(one.public_id) for one in judged}
    sad = ask("get", "inferences", emotion="frustracao").json()["results"]
    assert [row["sentiment"] for row in sad] == [-0.8]
    assert sad[0]["cues"] == [{"text": "ruim", "weight": -0.8}]
    one = ask("get", f"inferences/{sad[0]['id']}").json()
    assert one == sad[0]
    assert one["created_at"].endswith("Z")
    named = ask("get", "inferences", message=str(judged[0].public_id)).json()
    assert [row["message_id"] for row in named["results"]] == [str(judged[0].public_id)]
    assert ask("get", "inferences", is_degraded="true").json()["results"] == []
    assert len(ask("get", "inferences", provider="embedded").json()["results"]) == 3


@pytest.mark.parametrize(
    ("params", "code", "field"),
    [
        ({"status": "fine"}, "invalid_choice", "status"),
        ({"colour": "red"}, "unknown_parameter", "colour"),
        ({"cursor": "x"}, "invalid_cursor", "cursor"),
        (
            {"since": "2026-02-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"},
            "invalid_range",
            "since",
        ),
        ({"message": "1"}, "invalid", "message"),
    ],
)
def test_a_bad_filter_is_refused_by_name(ask, params, code, field) -> None:
    answer = ask("get", "inferences", **params)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"] == field


def test_a_page_costs_the_same_for_any_number_of_rows(judged, ask, count_queries) -> None:
    ask("get", "inferences", limit=1)
    with count_queries() as few:
        ask("get", "inferences", limit=1)
    with count_queries() as many:
        ask("get", "inferences", limit=3)
    assert len(few) == len(many)


def test_a_message_is_judged_on_demand_once_for_a_key(tenant, ask, stub) -> None:
    message = make_message(text="foi bom", direction="outbound")
    path = f"messages/{message.public_id}/analysis"
    assert ask("get", path).json()["results"] == []
    asked = ask("post", path, once="a")
    assert (asked.status_code, asked.json()["state"]) == (202, "waiting")
    again = ask("post", path, once="a")
    assert (again.status_code, again["Idempotent-Replayed"]) == (200, "true")
    # Without the key too, while it is open.
    assert ask("post", path).json()["id"] == asked.json()["id"]
    do_waiting()
    done = ask("get", f"analysis/requests/{asked.json()['id']}").json()
    assert (done["state"], done["replies"]) == ("done", None)
    made = done["inference"]
    assert (made["sentiment"], made["provider"]) == (0.8, "embedded")
    assert result_of(ask, ask("post", path))["inference"]["id"] == made["id"]
    assert Inference.objects.count() == 1
    message.refresh_from_db()
    assert message.judged_by == "embedded"


def test_on_demand_a_person_s_word_stays(tenant, ask) -> None:
    message = make_message(text="foi ruim")
    store_judgements([MessageJudgement(message.pk, 1, "alegria", 90, "neutro", "", 1, "person")])
    done = result_of(ask, ask("post", f"messages/{message.public_id}/analysis"))
    assert done["inference"]["sentiment"] == -0.8
    message.refresh_from_db()
    assert (message.sentiment, message.judged_by) == (1, "person")


def test_a_message_without_words_is_a_conflict(tenant, ask) -> None:
    message = make_message(text="", type="image")
    answer = ask("post", f"messages/{message.public_id}/analysis")
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_said")


def test_a_request_is_cancelled_and_nobody_else_s(tenant, ask) -> None:
    message = make_message(text="foi bom")
    number = ask("post", f"messages/{message.public_id}/analysis").json()["id"]
    assert ask("delete", f"analysis/requests/{number}").status_code == 204
    assert do_waiting() == []
    assert ask("get", f"analysis/requests/{number}").json()["state"] == "cancelled"
    with tenant_scope(BETA):
        theirs = start("test_provider", subject=uuid4())
    for method in ("get", "delete"):
        assert ask(method, f"analysis/requests/{theirs.public_id}").status_code == 404


def test_sides_are_tried_by_api_and_change_no_message(judged, ask) -> None:
    ids = [str(one.public_id) for one in judged[:2]]
    sides = [{"provider_id": None}, {}]
    done = result_of(ask, ask("post", "prompts/trials", {"message_ids": ids, "sides": sides}))
    assert [line["message_id"] for line in done["trial"]] == ids
    assert [one["sentiment"] for line in done["trial"] for one in line["answers"]] == [
        0.8, 0.8, -0.8, -0.8,
    ]  # fmt: skip
    own = result_of(ask, ask("post", "prompts/trials", {"texts": ["bom\ndia"], "sides": [{}]}))
    assert [line["text"] for line in own["trial"]] == ["bom dia"]
    assert Inference.objects.count() == 3


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"texts": []}, "texts"),
        ({"message_ids": [str(uuid4())]}, "texts"),
        ({"texts": [], "message_ids": [str(uuid4())]}, "messages"),
        ({"sides": []}, "sides"),
        ({"sides": [{"provider_id": str(uuid4())}]}, "sides.0"),
        ({"sides": [{}] * 5}, "sides"),
    ],
)
def test_a_trial_says_what_it_cannot_take(tenant, ask, over, field) -> None:
    answer = ask("post", "prompts/trials", {"texts": ["oi"], "sides": [{}]} | over)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"].startswith(field)


def test_many_messages_are_queued(tenant, ask, count_queries) -> None:
    messages = [make_message(text=f"foi bom {number}") for number in range(3)]
    body = {"message_ids": [str(one.public_id) for one in messages]}
    answer = ask("post", "analysis/messages", body)
    assert (answer.status_code, answer.json()) == (202, {"queued": 3})
    assert AnalysisJob.objects.count() == 3
    with count_queries() as one:
        ask("post", "analysis/messages", {"message_ids": body["message_ids"][:1]})
    with count_queries() as many:
        ask("post", "analysis/messages", body)
    assert len(many) == len(one)
    assert ask("post", "analysis/messages", {"message_ids": [str(uuid4())]}).status_code == 404
    assert ask("post", "analysis/messages", {"message_ids": []}).status_code == 400


def test_conversations_are_analysed_and_read(judged, ask) -> None:
    path = f"conversations/{judged[0].conversation.public_id}/analysis"
    assert (ask("get", path).status_code, ask("get", path).json()["code"]) == (404, "not_analysed")
    made = ask("post", path, once="k")
    assert made.status_code == 202
    row = result_of(ask, made)["conversation_analysis"]
    assert row["through_message_id"] == str(judged[-1].public_id)
    assert set(row["evidence"]) <= {str(one.public_id) for one in judged}
    assert ask("get", path).json() == row
    assert ask("post", path, once="k").status_code == 200
    assert ConversationAnalysis.objects.count() == 1


def test_replies_and_routes_are_suggested(judged, ask) -> None:
    path = f"conversations/{judged[0].conversation.public_id}/reply-suggestions"
    found = result_of(ask, ask("post", path))["replies"]
    assert [one["tone"] for one in found["suggestions"]] == ["formal", "cordial", "informal"]
    body = {
        "texts": ["quero o boleto"],
        "queues": [
            {"id": "fin", "name": "Financeiro", "keywords": ["boleto"]},
            {"id": "tec", "name": "Suporte"},
        ],
    }
    route = ask("post", "analysis/routing", body).json()
    assert (route["queue_id"], route["decision"]) == ("fin", "accept")
    body["queues"][1]["id"] = "fin"
    assert ask("post", "analysis/routing", body).status_code == 400


def test_figures_leave_out_what_is_not_sure(judged, ask) -> None:
    found = ask("get", "analysis/stats", since="2025-01-01T00:00:00Z").json()
    assert (found["messages"], found["judged"], found["counted"]) == (3, 3, 2)
    assert (found["positive"], found["negative"], found["satisfied"]) == (1, 1, 1)
    assert found["sentiment"] == pytest.approx(0)
    assert found["backlog"] == {"waiting": 0, "deferred": 0, "failed": 0, "embedding": 3}


def test_calls_and_their_cost_are_shown(tenant, ask, provider, model) -> None:
    arm = ArmSpec(kind="provider", provider_id=provider.pk)
    judge_items([Item(make_message(text="olha isso").pk, "olha isso")], arm, run_key="x")
    call = ask("get", "analysis/calls").json()["results"][0]
    assert (call["purpose"], call["provider_name"], call["cost_micros"]) == (
        "message_analysis", "Modelo", 300,
    )  # fmt: skip
    assert "olha" not in str(call)
    assert ask("get", "analysis/calls", failed="true").json()["results"] == []
    usage = ask("get", "analysis/usage").json()
    assert (usage["results"][0]["calls"], usage["results"][0]["cost_micros"]) == (1, 300)
    assert usage["budget"][0] == {
        "part": "all",
        "used_tokens": 150,
        "used_micros": 300,
        "limits": {"tokens": None, "micros": None},
    }


def test_settings_are_changed_and_the_change_is_in_the_trail(tenant, ask, provider) -> None:
    AiSettings.objects.all().delete()
    assert ask("get", "analysis/settings").json()["engine"] == "embedded"
    refused = ask("patch", "analysis/settings", {"engine": "provider"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "provider_id")
    body = {"engine": "provider", "provider_id": str(provider.pk), "redacts": False}
    assert ask("patch", "analysis/settings", body).json()["code"] == "confirmation_required"
    body["confirms_sharing"] = True
    assert ask("patch", "analysis/settings", body).json()["redacts"] is False
    entry = AuditEntry.objects.filter(action="analysis.settings_changed").get()
    assert entry.changes["redacts"] == [True, False]
    foreign = ask("patch", "analysis/settings", {"provider_id": str(uuid4())})
    assert foreign.json()["errors"][0]["field"] == "provider_id"
    for bad in ({"experiments_share": 101}, {"token_limit": -1}, {"currency": "real"}):
        answer = ask("patch", "analysis/settings", bad)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, next(iter(bad)))
    assert ask("patch", "analysis/settings", {"colour": 1}).json()["errors"][0]["field"] == "colour"


def test_reading_and_writing_are_scopes_of_their_own(judged, ask) -> None:
    reader = make_api_key(scopes=("analysis:read",))
    path = f"messages/{judged[0].public_id}/analysis"
    assert ask("get", path, key=reader).status_code == 200
    assert ask("post", path, key=reader).status_code == 403
    other = make_api_key(scopes=("messages:read",))
    assert ask("get", "inferences", key=other).status_code == 403


def test_another_company_s_messages_are_not_there(tenant, ask) -> None:
    with tenant_scope(BETA):
        message = make_message(text="foi bom")
        note_messages([message.pk])
        work_off()
        row = Inference.objects.get()
    assert ask("get", f"messages/{message.public_id}/analysis").status_code == 404
    assert ask("get", f"conversations/{message.conversation.public_id}/analysis").status_code == 404
    assert ask("get", f"inferences/{row.pk}").status_code == 404
