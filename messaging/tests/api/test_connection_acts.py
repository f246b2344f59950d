"""Servers and connections over the API, against a real simulator."""

from collections.abc import Iterator

import pytest

from evosense.core.schema import public_scope
from messaging.gateway.models import EvolutionServer
from messaging.models import Connection, ConnectionEvent, Incident
from messaging.tests.factories import make_connection
from messaging.tests.simulator.process import KEY, SimulatorProcess, running_simulator


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with running_simulator("--time-factor", "0.01") as process:
        yield process


@pytest.fixture
def server(api, simulator):
    """A server of the company, added over the API."""
    body = {"name": "nosso", "url": simulator.url, "api_key": KEY}
    answer = api().post("servers", body)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_a_server_is_added_asked_and_changed_and_its_key_never_answered(api, server, simulator):
    assert (server["version"], server["problem"], server["is_own"]) == ("2.3.7", "", True)
    caller, path = api(), f"servers/{server['id']}"

    wrong = caller.patch(path, {"api_key": "another-key"})
    assert (wrong.status_code, wrong.json()["problem"]) == (200, "unauthorized")
    renamed = caller.patch(path, {"name": "novo", "api_key": KEY}).json()
    assert (renamed["name"], renamed["problem"]) == ("novo", "")
    assert caller.post(f"{path}/test").json()["version"] == "2.3.7"
    stolen = caller.patch(path, {"url": "http://127.0.0.1:9"})
    assert (stolen.status_code, stolen.json()["errors"][0]["field"]) == (400, "api_key")
    for answer in (caller.get("servers"), caller.get(path)):
        assert KEY not in answer.content.decode()
        assert "api_key" not in answer.content.decode()
    taken = caller.post("servers", {"name": "x", "url": simulator.url, "api_key": "k"})
    assert (taken.status_code, taken.json()["errors"][0]["field"]) == (409, "url")
    assert caller.send("delete", path).status_code == 204
    assert caller.get(path).status_code == 404


def test_a_bad_key_is_refused_before_anything_is_made(api, simulator):
    body = {"name": "x", "url": simulator.url, "api_key": KEY}

    answer = api().post("servers", body, **{"Idempotency-Key": "my key"})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "Idempotency-Key")
    assert not EvolutionServer.objects.exists()


def test_an_address_inside_the_house_is_no_server(api):
    body = {"name": "x", "url": "http://169.254.169.254", "api_key": "k"}

    answer = api().post("servers", body)

    assert (answer.status_code, answer.json()["code"]) == (400, "address_refused")
    assert not EvolutionServer.objects.exists()


def test_a_house_server_may_be_used_and_not_changed_or_read(api, simulator, tenant):
    with public_scope():
        house = EvolutionServer.objects.create(name="Casa", url=simulator.url, api_key=KEY)
    caller, path = api(), f"servers/{house.pk}"

    shown = caller.get(path).json()
    assert (shown["url"], shown["is_own"]) == ("", False)
    assert caller.patch(path, {"name": "minha"}).status_code == 404
    assert caller.send("delete", path).status_code == 404
    for refused in (caller.get(f"{path}/instances"), caller.post(f"{path}/test")):
        assert (refused.status_code, refused.json()["code"]) == (403, "house_server")


def test_a_number_is_connected_paired_and_removed(api, server, simulator):
    caller = api()
    made = caller.post(
        f"servers/{server['id']}/connections", {"name": "loja", "number": "5511900004200"}
    )
    assert made.status_code == 201, made.content
    shown = made.json()
    assert (shown["server"], shown["is_managed"]) == (server["id"], True)
    assert shown["lane"]["state"] == "open"
    path = f"connections/{shown['id']}"

    pairing = caller.post(f"{path}/pairing", {}).json()
    assert pairing["state"] in {"creating", "waiting"}
    listed = caller.get(f"servers/{server['id']}/instances").json()["results"]
    assert shown["id"] in [one["connection"] for one in listed]
    settings = caller.patch(f"{path}/settings", {"reject_call": True, "call_text": "Escreva"})
    assert settings.json()["reject_call"] is True
    assert caller.get(f"{path}/settings").json()["call_text"] == "Escreva"
    checked = caller.post(f"{path}/webhook/verify").json()
    assert checked["webhook_state"] in {"ok", "repaired"}
    assert caller.post(f"{path}/webhook/rotate").status_code == 200
    simulator.ask("pair", instance=shown["instance"], number="5511900004200")
    assert caller.post(f"{path}/health").status_code == 200
    assert caller.post(f"{path}/restart").status_code == 200
    assert caller.post(f"{path}/logout").json()["state"] == "logged_out"
    assert caller.send("delete", path).status_code == 204
    assert caller.get(path).json()["removed_at"] is not None
    # What is left of it says nothing of the code that was shown.
    assert not ConnectionEvent.objects.filter(detail__contains="2@").exists()


def test_an_instance_that_is_there_is_taken_over(api, server, simulator):
    simulator.open_instance("antiga", {"url": "https://other.example.com/x", "events": []})
    caller, path = api(), f"servers/{server['id']}/connections"

    asked = caller.post(path, {"name": "antiga", "instance": "antiga"})
    assert (asked.status_code, asked.json()["errors"][0]["field"]) == (409, "take_over")
    taken = caller.post(path, {"name": "antiga", "instance": "antiga", "take_over": True})
    assert (taken.status_code, taken.json()["instance"]) == (201, "antiga")


def test_a_connection_is_changed_and_its_line_stopped(api, tenant):
    make_connection()
    connection = make_connection()
    caller, path = api(), f"connections/{connection.public_id}"

    changed = caller.patch(path, {"name": "nova", "is_default": True, "allows_bulk": False}).json()
    assert (changed["name"], changed["is_default"], changed["allows_bulk"]) == ("nova", True, False)
    assert caller.patch(path, {"is_default": False}).status_code == 400
    assert caller.patch(path, {"silence_minutes": 0}).status_code == 400
    assert caller.patch(path, {"is_active": False}).json()["is_active"] is False
    paused = caller.post(f"{path}/sending/pause").json()
    assert paused["lane"]["state"] == "paused"
    assert caller.post(f"{path}/sending/resume").json()["lane"]["state"] == "open"
    by_hand = caller.post(f"{path}/webhook/rotate")
    assert (by_hand.status_code, by_hand.json()["code"]) == (409, "by_hand")


def test_health_incidents_and_repairs_are_shown(api, tenant):
    connection = make_connection()
    incident = Incident.objects.create(
        connection=connection,
        kind="disconnected",
        severity="down",
        started_at=connection.created_at,
    )
    caller, path = api(), f"connections/{connection.public_id}"

    assert caller.get(f"{path}/health").json()["health"] == ""
    (row,) = caller.get("health").json()["results"]
    assert (row["id"], row["health"]) == (str(connection.public_id), "")
    listed = caller.get("incidents", open="true", connection=str(connection.public_id)).json()
    assert [one["id"] for one in listed["results"]] == [str(incident.public_id)]
    seen = caller.post(f"incidents/{incident.public_id}/acknowledge").json()
    assert seen["seen_at"] is not None
    assert caller.get(f"incidents/{incident.public_id}").json() == seen
    refused = caller.post(f"{path}/repairs", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "no_server")
    Connection.objects.update(server_url="http://127.0.0.1:9", api_key="k")
    asked = caller.post(f"{path}/repairs", {})
    assert (asked.status_code, asked.json()["state"]) == (201, "queued")
    assert caller.get(f"{path}/repairs").json()["results"] == [asked.json()]


def test_managing_needs_its_scope(api, tenant):
    path = f"connections/{make_connection().public_id}"
    reader = api("connections:read", "messages:write")

    assert reader.get(f"{path}/health").status_code == 200
    assert reader.get(f"{path}/pairing").status_code == 403
    for act in ("pairing", "restart", "logout", "webhook/verify", "sending/pause", "health"):
        assert reader.post(f"{path}/{act}", {}).status_code == 403
    assert reader.send("delete", path).status_code == 403
