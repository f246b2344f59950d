"""What every route of the API keeps to, whatever it is about."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.conf import settings
from django.test import Client

from evosense.core import rest
from evosense.core.ids import uuid7
from evosense.core.schema import tenant_scope
from messaging.tests.factories import (
    make_connection,
    make_contact,
    make_conversation,
    make_message,
    make_raw_event,
)
from tenancy.permissions import SCOPES
from tenancy.tests import factories

PROBLEM = "application/problem+json"
LISTS = ("connections", "conversations", "contacts", "messages", "health")


@pytest.fixture
def stored(tenant):
    """One of everything, as the paths of the API name it."""
    message = make_message()
    event = make_raw_event(message.connection, status=2)
    conversation = message.conversation
    return {
        "connection": message.connection.public_id,
        "conversation": conversation.public_id,
        "contact": conversation.contact.public_id,
        "message": message.public_id,
        "event": event,
    }


def routes(ids):
    """(method, path, body, scope, status when allowed) of every operation."""
    connection = f"connections/{ids['connection']}"
    new = {"name": f"nova {uuid7()}", "instance": f"evs-{uuid7()}"}
    return [
        ("get", "connections", None, "connections:read", 200),
        ("post", "connections", new, "connections:write", 201),
        ("get", connection, None, "connections:read", 200),
        ("post", f"{connection}/rotate", None, "connections:write", 200),
        ("get", f"{connection}/events", None, "events:read", 200),
        ("get", f"{connection}/events/{ids['event']}", None, "events:read", 200),
        ("post", f"{connection}/events/{ids['event']}/replay", None, "events:write", 202),
        ("get", "conversations", None, "conversations:read", 200),
        ("get", f"conversations/{ids['conversation']}", None, "conversations:read", 200),
        ("get", f"conversations/{ids['conversation']}/messages", None, "messages:read", 200),
        ("get", "contacts", None, "contacts:read", 200),
        ("get", f"contacts/{ids['contact']}", None, "contacts:read", 200),
        ("patch", f"contacts/{ids['contact']}", {"name": "Ana"}, "contacts:write", 200),
        ("get", "messages", None, "messages:read", 200),
        ("get", f"messages/{ids['message']}", None, "messages:read", 200),
    ]


@pytest.mark.parametrize("number", range(15))
def test_route_opens_to_its_scope_and_to_no_other(api, stored, number):
    method, path, body, scope, status = routes(stored)[number]
    others = [other for other in SCOPES if other != scope]
    refused = api(*others).send(method, path, body)
    assert (refused.status_code, refused["Content-Type"]) == (403, PROBLEM)
    assert api(scope).send(method, path, body).status_code == status


@pytest.mark.parametrize("number", range(15))
def test_route_needs_a_key_of_this_company(api, stored, other_tenant, number):
    method, path, body, _scope, _status = routes(stored)[number]
    host = f"alpha.{settings.PUBLIC_HOST}"
    foreign = factories.make_api_key(tenant=other_tenant)
    for headers in ({}, {"Authorization": f"Bearer {foreign}"}, {"Authorization": "Bearer x"}):
        asked = Client(HTTP_HOST=host)
        options = {"data": body, "content_type": "application/json"} if body else {}
        answer = getattr(asked, method)(f"/api/v1/{path}", headers=headers, **options)
        assert (answer.status_code, answer["Content-Type"]) == (401, PROBLEM)
        assert answer["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("number", [2, 3, 4, 5, 6, 8, 9, 11, 12, 14])
def test_another_companys_id_is_not_found(api, stored, other_tenant, number):
    with tenant_scope(other_tenant):
        foreign = make_message()
        event = make_raw_event(foreign.connection, status=2)
        ids = {
            "connection": foreign.connection.public_id,
            "conversation": foreign.conversation.public_id,
            "contact": foreign.conversation.contact.public_id,
            "message": foreign.public_id,
            "event": event,
        }
    method, path, body, _scope, _status = routes(ids)[number]
    answer = api().send(method, path, body)
    assert (answer.status_code, answer["Content-Type"]) == (404, PROBLEM)


def test_event_of_another_connection_is_not_found(api, stored):
    path = f"connections/{make_connection().public_id}/events/{stored['event']}"
    assert api().get(path).status_code == 404
    assert api().post(f"{path}/replay").status_code == 404


@pytest.mark.parametrize("number", range(15))
def test_unknown_parameter_is_refused_by_name(api, stored, number):
    method, path, body, _scope, _status = routes(stored)[number]
    answer = api().send(method, path, body, surprise="1")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "surprise"


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "x"),
        ("limit", ""),
        ("cursor", "zzz"),
        ("cursor", "WyIyMDI1LTExLTE1VDEyOjAwOjAwKzAwOjAwIiw5MjIzMzcyMDM2ODU0Nzc1ODA4XQ"),
        ("cursor", ""),
    ],
)
def test_bad_page_is_refused_by_name(api, path, name, value):
    answer = api().get(path, **{name: value})
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)
    assert answer.json()["errors"][0]["field"] == name


@pytest.mark.parametrize("path", LISTS)
def test_repeated_parameter_is_refused_by_name(api, path):
    answer = api().get(path, limit=["1", "2"])
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "limit"


@pytest.mark.parametrize("path", LISTS)
def test_pages_meet_without_gap_or_repetition(api, path):
    connection = make_connection()
    for number in range(5):
        conversation = make_conversation(connection, make_contact(f"Pessoa {number}"))
        make_message(conversation)
        make_connection()
    caller, seen, cursor = api(), [], None
    while True:
        page = caller.get(path, limit=2, **({"cursor": cursor} if cursor else {})).json()
        assert set(page) == {"results", "next"}
        seen += [row["id"] for row in page["results"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == (6 if path in {"connections", "health"} else 5)


@pytest.mark.parametrize("path", LISTS)
def test_list_takes_the_same_queries_for_one_row_and_for_ten(api, count_queries, path):
    def add():
        message = make_message(
            reply_to_provider_id="X", quote={"author_key": "00" * 32, "text": "a"}
        )
        make_raw_event(message.connection)

    caller = api()
    add()
    caller.get(path)
    with count_queries() as one:
        assert len(caller.get(path).json()["results"]) == 1
    for _ in range(9):
        add()
    with count_queries() as ten:
        assert len(caller.get(path).json()["results"]) == 10
    assert len(one) == len(ten) <= 12


@pytest.mark.parametrize("method", ["put", "delete", "options"])
@pytest.mark.parametrize("path", LISTS)
def test_other_methods_are_refused(api, path, method):
    answer = api().send(method, path)
    assert (answer.status_code, answer["Content-Type"]) == (405, PROBLEM)
    assert answer.json()["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "path", ["nothing", "messages/1", "messages/", "x/01a1fe41-8edd-7faa-9df5-09d7a63fcc7c", ""]
)
def test_unknown_address_is_answered_in_json(api, path):
    answer = api().get(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, PROBLEM)
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[" * 5000, "application/json", 400),
        (b"[]", "application/json", 400),
        (b'"x"', "application/json", 400),
        (b"null", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"name":"\\u0000","instance":"x"}', "application/json", 400),
        (b'{"name":"\\ud800","instance":"x"}', "application/json", 400),
        (b'{"name":"a","instance":"b","state":"connected"}', "application/json", 400),
        (b'{"name":{},"instance":[]}', "application/json", 400),
        (b'{"name":"","instance":" "}', "application/json", 400),
        (b'{"name":"a","instance":"b","server_url":"ftp://x"}', "application/json", 400),
        (b'{"name":"a","instance":"b","number":"12"}', "application/json", 400),
        (b'{"name":"' + b"a" * (1024 * 1024) + b'"}', "application/json", 413),
        (b"name=a", "application/x-www-form-urlencoded", 415),
        (b"x", "text/plain", 415),
    ],
)
def test_bad_body_is_a_problem(api, body, kind, status):
    key = api().key
    asked = Client(HTTP_HOST=f"alpha.{settings.PUBLIC_HOST}", HTTP_AUTHORIZATION=f"Bearer {key}")
    answer = asked.post("/api/v1/connections", data=body, content_type=kind)
    assert (answer.status_code, answer["Content-Type"]) == (status, PROBLEM)


def test_key_that_asks_too_much_is_slowed_down(api, monkeypatch):
    monkeypatch.setattr(rest, "RATE", 2)
    caller = api()
    first = caller.get("contacts")
    assert (first["RateLimit-Limit"], first["RateLimit-Remaining"]) == ("2", "1")
    caller.get("contacts")
    refused = caller.get("contacts")
    assert (refused.status_code, refused["Content-Type"]) == (429, PROBLEM)
    assert int(refused["Retry-After"]) > 0
    assert refused["RateLimit-Remaining"] == "0"
    assert api().get("contacts").status_code == 200


def test_ids_are_public_and_times_are_utc(api, stored):
    (row,) = api().get("messages").json()["results"]
    assert UUID(row["id"]) == stored["message"]
    assert row["occurred_at"].endswith("Z")
    assert row["received_at"].endswith("Z")


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*"])
def test_answer_is_json_whatever_is_accepted(api, accept):
    answer = api().send("get", "contacts", headers={"Accept": accept})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


def test_time_range_must_run_forward(api):
    answer = api().get("messages", since="2025-11-02T00:00:00Z", until="2025-11-01T00:00:00Z")
    assert answer.json()["errors"][0] == {
        "field": "since",
        "code": "invalid_range",
        "reason": answer.json()["errors"][0]["reason"],
    }


def test_range_takes_its_start_and_leaves_its_end(api):
    message = make_message()
    at, later = message.occurred_at, message.occurred_at + timedelta(microseconds=1)
    found = api().get("messages", since=at.isoformat(), until=later.isoformat()).json()["results"]
    assert [row["id"] for row in found] == [str(message.public_id)]
    assert api().get("messages", until=at.isoformat()).json()["results"] == []
