"""The search of the API: filters by name, the source's call, and saved searches."""

import pytest
from django.test import Client

from analytics.models import EmbeddingModel, SavedSearch
from analytics.search import filling, jobs, spaces
from evosense.middleware import LocaleMiddleware
from evosense.testing.databases import BETA
from messaging.tests.factories import make_message
from tenancy.tests.factories import make_api_key


@pytest.fixture
def said(tenant, engine):
    found = [make_message(text="minha entrega atrasou"), make_message(text="boleto vencido")]
    jobs.want_embeddings([one.pk for one in found])
    filling.fill_queued()
    return found


@pytest.fixture
def ask(tenant, api_key, settings):
    def send(method, path, body=None, key=api_key, **params):
        browser = Client(
            HTTP_HOST=f"alpha.{settings.PUBLIC_HOST}", HTTP_AUTHORIZATION=f"Bearer {key}"
        )
        if method == "get":
            return browser.get(f"/api/v1/{path}", params)
        return getattr(browser, method)(f"/api/v1/{path}", body, content_type="application/json")

    return send


def test_hits_say_how_near_they_are_and_why(said, ask):
    answer = ask("get", "search", q="entrega atrasada")
    assert answer.status_code == 200
    first = answer.json()["results"][0]
    assert first["id"] == str(said[0].public_id)
    assert first["conversation"] == str(said[0].conversation.public_id)
    assert first["similarity_label"] in {"strong", "medium", "weak"}
    assert {one["kind"] for one in first["reasons"]} >= {"meaning", "word"}
    assert "".join(piece["text"] for piece in first["snippet"]) == said[0].text


def test_what_both_are_about_is_told_in_the_language_of_the_company(said, ask, monkeypatch):
    def told():
        reasons = ask("get", "search", q="entrega atrasada").json()["results"][0]["reasons"]
        return next(one["text"] for one in reasons if one["kind"] == "meaning")

    assert told() == "entrega"
    monkeypatch.setattr(LocaleMiddleware, "_language", lambda *_request: "en")
    assert told() == "delivery"


def test_pages_are_followed_by_cursor(said, ask):
    for number in range(5):
        make_message(text=f"boleto {number}")
    seen, cursor = [], {}
    for _page in range(10):
        answer = ask("get", "search", q="boleto", mode="words", limit=2, **cursor).json()
        seen += [one["id"] for one in answer["results"]]
        if answer["next"] is None:
            break
        cursor = {"cursor": answer["next"]}
    assert len(seen) == len(set(seen)) == 6


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mode", "magic"),
        ("order", "up"),
        ("connection", "x"),
        ("conversation", "1"),
        ("person", "ana"),
        ("since", "yesterday"),
        ("until", "never"),
        ("direction", "both"),
        ("sentiment", "sad"),
        ("sentiment_min", "-2"),
        ("sentiment_max", "2"),
        ("emotion", "tédio"),
        ("satisfaction_min", "-1"),
        ("satisfaction_max", "101"),
        ("limit", "0"),
        ("cursor", "rubbish"),
        ("unknown", "1"),
    ],
)
def test_a_bad_filter_is_named(said, ask, field, value):
    answer = ask("get", "search", **{"q": "entrega", field: value})
    assert answer.status_code == 400
    assert field in {one["field"] for one in answer.json()["errors"]}


@pytest.mark.parametrize("q", [None, "?!", "a" * 501])
def test_a_query_is_asked_for(said, ask, q):
    answer = ask("get", "search", **({"q": q} if q else {}))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "q"


def test_the_call_of_the_source_system_exists_with_its_parameters(said, ask):
    body = {"query": "minha entrega atrasou", "limit": 20, "similarity_threshold": 0.7}
    answer = ask("post", "messages/semantic-search", body)
    assert answer.status_code == 200
    assert [one["message_id"] for one in answer.json()["results"]] == [str(said[0].public_id)]
    assert answer.json()["results"][0]["similarity_score"] > 0.99
    assert set(answer.json()["results"][0]) >= {
        "text",
        "sentiment",
        "satisfaction",
        "similarity_score",
        "created_at",
    }
    calibrated = ask("post", "messages/semantic-search", {"query": "entrega"}).json()
    assert calibrated["similarity_threshold"] == spaces.EMBEDDED_CUTS[0]
    low = {"query": "entrega", "similarity_threshold": -1}
    assert len(ask("post", "messages/semantic-search", low).json()["results"]) == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [("query", ""), ("query", "?"), ("limit", 0), ("limit", "x"), ("similarity_threshold", 1.5)],
)
def test_a_bad_parameter_of_the_call_is_named(said, ask, field, value):
    answer = ask("post", "messages/semantic-search", {"query": "entrega", field: value})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field


def test_before_anything_is_placed_the_call_says_so(tenant, engine, ask):
    answer = ask("post", "messages/semantic-search", {"query": "entrega"})
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_placed")
    assert not EmbeddingModel.objects.exists()


def test_saved_searches_are_made_read_replaced_and_deleted(said, ask):
    body = {"name": "Atrasos", "query": {"q": "entrega", "since": "2025-01-02"}, "alert_from": 5}
    made = ask("post", "saved-searches", body)
    assert made.status_code == 201
    key = made.json()["id"]
    assert made.json()["query"] == body["query"]
    assert [one["id"] for one in ask("get", "saved-searches").json()["results"]] == [key]
    taken = ask("post", "saved-searches", body)
    assert (taken.status_code, taken.json()["code"]) == (409, "name_taken")
    changed = ask("put", f"saved-searches/{key}", {**body, "name": "Entregas", "alert_from": None})
    assert (changed.json()["name"], changed.json()["alert_from"]) == ("Entregas", None)
    assert SavedSearch.objects.get().query == {"q": "entrega", "desde": "2025-01-02"}
    assert ask("delete", f"saved-searches/{key}").status_code == 204
    assert ask("get", f"saved-searches/{key}").status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"q": "?"}, "query.q"),
        ({"q": "a", "since": "2025-02-01", "until": "2025-01-01"}, "query.since"),
    ],
)
def test_a_saved_search_must_be_one(said, ask, query, field):
    answer = ask("post", "saved-searches", {"name": "x", "query": query})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field


def test_a_key_without_the_scope_or_of_another_company_finds_nothing(said, ask):
    poor = make_api_key(scopes=("messages:read",))
    assert ask("get", "search", key=poor, q="entrega").status_code == 403
    foreign = make_api_key(tenant=BETA)
    assert ask("get", "search", key=foreign, q="entrega").status_code in {401, 403, 404}
