"""Pairing through every outcome, with a simulator that shows real codes."""

import json
import logging
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from evosense.core.errors import Conflict, Invalid
from evosense.core.schema import current_tenant, database_cursor
from evosense.core.streams import hints_key, redis_client
from messaging.gateway import servers
from messaging.models import Connection, ConnectionEvent
from messaging.services import lifecycle
from messaging.services.connections import create_connection
from messaging.services.lifecycle import ServerRefused, shelf
from messaging.tests.lifecycle.rig import KEY, row_of, simulator
from tenancy.models import AuditEntry

NUMBER, OTHER = "5511900004200", "5511977776666"
# What the simulator posts when it begins to pair; the one may overtake the other, and then the
# state says "connecting" until the next code.
CONNECTING_AND_CODE = 2


@pytest.fixture
def line(world) -> Connection:
    return lifecycle.create_instance(name="loja", number=NUMBER)


def view_of(line):
    return lifecycle.pairing_view(line.public_id)


def pair(world, line, **over):
    """Show a code and let a phone read it."""
    lifecycle.start_pairing(line.public_id)
    world.sim("pair", instance=line.instance, **over)


def told(line):
    """How often pages of this connection were told to look again."""
    hints = redis_client().xrange(hints_key(current_tenant().id))
    wanted = f'"connection_id":"{line.public_id}"'.encode()
    return sum(one[b"kind"] == b"pairing" and wanted in one[b"ids"] for _, one in hints)


def test_code_is_shown_read_and_connected(world, line):
    assert view_of(line).state == "none"
    view = lifecycle.start_pairing(line.public_id)
    assert (view.state, view.count, view.limit, view.tries_left) == ("waiting", 1, 30, 29)
    assert view.qr_image.startswith("data:image/png;base64,")
    assert view.expected_tail == "4200"
    assert view.expires_at - view.shown_at == timedelta(seconds=45)
    assert told(line) == 1
    world.until_taken(CONNECTING_AND_CODE)
    # The event carried the same code, so nothing was counted twice.
    assert (view_of(line).count, view_of(line).sequence) == (1, view.sequence)
    world.sim("pair", instance=line.instance)
    found = world.until_state(line, "connected")
    assert (found.wants_session, found.retry_count, found.last_error) == (True, 0, "")
    assert found.connected_at is not None
    done = view_of(line)
    assert (done.state, done.number, done.qr_image) == ("connected", NUMBER, "")
    assert done.profile_name
    assert done.is_over


def test_every_code_replaces_the_one_before(world, line):
    first = lifecycle.start_pairing(line.public_id)
    for count in (2, 3):
        world.sim("pairing", instance=line.instance, outcome="expire")
        world.until(lambda count=count: view_of(line).count == count)
    last = view_of(line)
    assert (last.state, last.sequence) == ("waiting", first.sequence + 2)
    assert last.qr_image != first.qr_image
    assert told(line) >= 3


def test_second_click_opens_no_second_socket(world, line):
    lifecycle.start_pairing(line.public_id)
    before = len(world.call("GET", "/_sim/instances"))
    again = lifecycle.start_pairing(line.public_id)
    assert (again.state, again.count) == ("waiting", 1)
    world.take_in()
    assert len(world.call("GET", "/_sim/instances")) == before
    started = AuditEntry.objects.filter(action="connection.pairing_started")
    assert started.count() == 1


def test_code_to_type_even_when_a_picture_is_shown_already(world, line):
    lifecycle.start_pairing(line.public_id)
    world.until_taken(CONNECTING_AND_CODE)
    view = lifecycle.start_pairing(line.public_id, by_code=True)
    assert (view.state, len(view.pairing_code)) == ("code_waiting", 8)
    world.sim("pair", instance=line.instance)
    assert world.until_state(line, "connected").wants_session


def test_code_to_type_needs_a_number(world):
    line = lifecycle.create_instance(name="sem")
    with pytest.raises(Invalid) as refusal:
        lifecycle.start_pairing(line.public_id, by_code=True)
    assert refusal.value.field == "number"


def test_nobody_reads_a_code_in_time(world, line):
    lifecycle.start_pairing(line.public_id)
    world.sim("pairing", instance=line.instance, outcome="expire", times=29)
    world.until(lambda: len(world.inbox) == 31)
    world.sim("pairing", instance=line.instance, outcome="expire")
    world.until(lambda: len(world.inbox) == 33)
    found = world.until_state(line, "disconnected")
    assert (found.wants_session, found.last_error) == (False, "qr_expired")
    assert view_of(line).state == "expired"
    # Never by itself; only a person starts again.
    assert lifecycle.tend_session(line.public_id) is None
    assert lifecycle.start_pairing(line.public_id).state == "waiting"


def test_codes_that_stop_coming_say_so(world, line):
    lifecycle.start_pairing(line.public_id)
    shelf.clear(line.public_id)
    view = view_of(line)
    assert (view.state, view.problem) == ("expired", "codes_stopped")


def test_refusal_of_whatsapp(world, line):
    lifecycle.start_pairing(line.public_id)
    world.until_taken(CONNECTING_AND_CODE)
    world.sim("pairing", instance=line.instance, outcome="refuse")
    world.until_state(line, "disconnected")
    assert view_of(line).state in {"expired", "refused"}
    assert not row_of(line).wants_session


def test_ban_while_pairing(world, line):
    lifecycle.start_pairing(line.public_id)
    world.sim("pairing", instance=line.instance, outcome="ban")
    world.until_state(line, "banned")
    assert view_of(line).state == "banned"
    assert lifecycle.tend_session(line.public_id) is None


def test_phone_that_is_logging_in_is_shown_as_read(world, line):
    lifecycle.start_pairing(line.public_id)
    world.until_taken(CONNECTING_AND_CODE)
    world.sim("pairing", instance=line.instance, outcome="expire")
    world.until_state(line, "qr_pending")
    ConnectionEvent.objects.update(at=F("at") - timedelta(seconds=5))
    data = {"instance": line.instance, "state": "connecting", "statusReason": 200}
    world.sim("emit", instance=line.instance, event="connection.update", data=data)
    world.until_state(line, "connecting")
    assert view_of(line).state == "scanned"


def test_no_code_comes(world, line):
    world.sim("pairing", instance=line.instance, plan="no_code")
    assert lifecycle.start_pairing(line.public_id).state == "creating"
    key = shelf._keys(line.public_id)[1]
    redis_client().hset(key, "started_at", int(timezone.now().timestamp()) - 60)
    world.until_state(line, "connecting")
    view = view_of(line)
    assert (view.state, view.problem) == ("provider_error", "no_code")
    assert view.words


def test_error_of_the_provider_and_a_session_made_anew(world, line):
    world.sim("pairing", instance=line.instance, plan="error")
    view = lifecycle.start_pairing(line.public_id)
    assert (view.state, view.problem) == ("provider_error", "provider_error")
    before = row_of(line)
    view = lifecycle.recreate_session(line.public_id)
    assert view.state == "waiting"
    after = row_of(line)
    assert (after.instance, after.settings) == (before.instance, before.settings)
    world.sim("pair", instance=line.instance)
    found = world.until_state(line, "connected")
    assert found.wants_session
    assert {one.status for one in world.inbox} == {200}


def test_instance_that_vanished_is_made_again_by_a_click(world, line):
    world.call("DELETE", f"/instance/delete/{line.instance}")
    world.until_state(line, "removed")
    assert lifecycle.start_pairing(line.public_id).state == "waiting"
    world.sim("pair", instance=line.instance)
    assert world.until_state(line, "connected").wants_session


def test_session_that_is_open_already(world, line):
    pair(world, line)
    world.until_state(line, "connected")
    ConnectionEvent.objects.all().delete()
    Connection.objects.update(state="initializing", own_hmac=None, wants_session=False)
    view = lifecycle.start_pairing(line.public_id)
    assert (view.state, view.number) == ("already_open", NUMBER)
    assert row_of(line).wants_session


def test_server_down_and_bad_key(world, line):
    servers.update_server(world.server_id, name="casa", url="http://127.0.0.1:9", api_key=KEY)
    Connection.objects.update(server_id=world.server_id)
    servers.EvolutionServer.objects.update(version="2.3.7")
    view = lifecycle.start_pairing(line.public_id)
    assert (view.state, view.problem) == ("server_down", "connect_failed")
    servers.EvolutionServer.objects.update(url=world.url)
    Connection.objects.update(api_key="wrong")
    line = Connection.objects.get()
    line.api_key = "wrong"
    line.save()
    view = lifecycle.start_pairing(line.public_id)
    assert (view.state, view.problem) == ("bad_key", "unauthorized")


def test_connection_made_by_hand_without_server_says_what_is_missing(world):
    made = create_connection(name="mão", instance="x").connection
    view = lifecycle.start_pairing(made.public_id)
    assert (view.state, view.problem) == ("provider_error", "no_server")


@pytest.mark.parametrize("decision", ["accept", "disconnect"])
def test_wrong_number_waits_for_a_decision(world, line, decision):
    pair(world, line, number=OTHER)
    world.until(lambda: row_of(line).quarantined_at)
    view = view_of(line)
    assert (view.state, view.expected_tail, view.paired_tail) == ("wrong_number", "4200", "6666")
    assert lifecycle.tend_session(line.public_id) is None
    if decision == "accept":
        accepted = lifecycle.accept_number(line.public_id)
        assert (accepted.number, accepted.quarantined_at) == (OTHER, None)
        assert (accepted.state, view_of(line).state) == ("connected", "connected")
        return
    lifecycle.log_out(line.public_id)
    assert (row_of(line).state, view_of(line).state) == ("logged_out", "none")
    with pytest.raises(Conflict):
        lifecycle.accept_number(line.public_id)
    pair(world, line, number=NUMBER)
    assert world.until_state(line, "connected").quarantined_at is None


def test_number_in_its_other_brazilian_form_is_no_other_number(world):
    line = lifecycle.create_instance(name="loja", number="5571980001234")
    pair(world, line, number="557180001234")
    found = world.until_state(line, "connected")
    assert found.quarantined_at is None


def test_codes_are_in_no_table_and_no_log(world, line, caplog):
    caplog.set_level(logging.DEBUG)
    view = lifecycle.start_pairing(line.public_id, by_code=True)
    world.until_taken(CONNECTING_AND_CODE)
    (posted,) = (one for one in world.inbox if b"pairingCode" in one.body)
    code = json.loads(posted.body)["data"]["qrcode"]["code"]
    secrets = [code, view.pairing_code, view.qr_image[30:90]]
    with database_cursor() as cursor:
        cursor.execute("SELECT body FROM public.webhook_events")
        rows = [bytes(body).decode() for (body,) in cursor.fetchall()]
        for table in ("messaging_connection", "messaging_connectionevent"):
            cursor.execute(f"SELECT t::text FROM {table} t")  # noqa: S608  (two names of ours)
            rows += [text for (text,) in cursor.fetchall()]
        cursor.execute("SELECT t::text FROM public.tenancy_auditentry t")
        rows += [text for (text,) in cursor.fetchall()]
    for secret in secrets:
        assert len(secret) >= 8
        assert not [row for row in rows if secret in row]
        assert secret not in caplog.text
        assert secret not in repr(view)


def test_without_redis_pairing_goes_on(world, line, monkeypatch):
    client = redis_client().__class__.from_url("redis://127.0.0.1:9/0")
    monkeypatch.setattr(shelf, "redis_client", lambda: client)
    assert lifecycle.start_pairing(line.public_id).state in {"none", "creating"}
    world.sim("pair", instance=line.instance)
    assert world.until_state(line, "connected").wants_session
    assert view_of(line).state == "connected"


@pytest.mark.parametrize("version", ["2.2.3", "2.4.0-rc2"])
def test_other_releases_pair_as_well(world, version):
    with simulator("--licensed", version=version) as url:
        server = servers.create_server(name="outra", url=url, api_key="the-global-key")
        line = lifecycle.create_instance(name="loja", server_id=server.pk, number=NUMBER)
        assert lifecycle.start_pairing(line.public_id).state == "waiting"
        world.url, before = url, world.url
        world.sim("pair", instance=line.instance)
        world.until_state(line, "connected")
        assert lifecycle.verify_webhook(line.public_id).webhook_state == "ok"
        world.url = before


def test_server_without_licence_is_refused_before_anything_is_made(world):
    with simulator(version="2.4.0-rc2") as url:
        server = servers.create_server(name="outra", url=url, api_key="the-global-key")
        with pytest.raises(ServerRefused) as refusal:
            lifecycle.create_instance(name="loja", server_id=server.pk)
    assert refusal.value.code == "license_required"
    assert not Connection.objects.exists()
