"""Restart, log out, remove, and what people decide about a connection."""

from datetime import timedelta

import pytest
from django.utils import timezone

from evosense.core.errors import Conflict, Invalid, NotFound
from messaging.gateway import servers
from messaging.gateway.client.evolution import Evolution
from messaging.gateway.lanes import lane_views
from messaging.models import Connection, ConnectionEvent, Outgoing
from messaging.services import lifecycle
from messaging.services.connections import create_connection
from messaging.services.health.look import look
from messaging.services.health.watch import claim
from messaging.services.lifecycle import InstanceSettings, ServerRefused
from messaging.services.sending import SendRequest, send_message
from messaging.tests.factories import make_connection, make_conversation, make_message
from messaging.tests.lifecycle.rig import row_of
from tenancy.models import AuditEntry, WebhookRoute

NUMBER, OTHER = "5511900004200", "5511977776666"


@pytest.fixture
def line(world) -> Connection:
    made = lifecycle.create_instance(name="loja", number=NUMBER)
    lifecycle.start_pairing(made.public_id)
    world.sim("pair", instance=made.instance)
    return world.until_state(made, "connected")


def names_there(world):
    return [one["name"] for one in world.call("GET", "/instance/fetchInstances")]


def test_restart_brings_a_silent_session_back(world, line):
    world.sim("cut", instance=line.instance, how="silent")
    assert lifecycle.restart(line.public_id).state == "connecting"
    world.until_state(line, "connected")


def test_restart_of_a_closed_session_connects_it(world, line):
    world.sim("cut", instance=line.instance, how="close")
    world.until_state(line, "disconnected")
    lifecycle.restart(line.public_id)
    world.until_state(line, "connected")
    assert lifecycle.pairing_view(line.public_id).state == "connected"


def test_log_out_ends_it_for_good(world, line):
    lifecycle.log_out(line.public_id)
    found = row_of(line)
    assert (found.state, found.wants_session, found.next_retry_at) == ("logged_out", False, None)
    world.until(lambda: len(world.inbox) >= 6)
    assert row_of(line).state == "logged_out"
    assert lifecycle.tend_session(line.public_id) is None
    # It was not paired any more: that is what was wanted.
    assert lifecycle.log_out(line.public_id).state == "logged_out"
    states = list(ConnectionEvent.objects.order_by("pk").values_list("state", flat=True))
    assert states[-2:] == ["connected", "logged_out"]


def test_the_line_of_a_removed_number_goes_once_nothing_is_on_its_way(world, line):
    send_message(
        SendRequest(kind="text", payload={"text": "oi"}, connection=line.public_id, to=OTHER)
    )
    Outgoing.objects.update(state="unknown")
    lifecycle.remove(line.public_id)
    look(line.public_id)
    assert lane_views([line.public_id])[line.public_id].state == "paused"
    Outgoing.objects.update(state="dead")
    look(line.public_id)
    assert lane_views([line.public_id]) == {}


def test_removed_connection_keeps_what_was_said_and_frees_its_name(world, line):
    message = make_message(make_conversation(line))
    waiting = send_message(
        SendRequest(kind="text", payload={"text": "oi"}, connection=line.public_id, to=OTHER)
    )
    make_connection(name="segunda")
    gone = lifecycle.remove(line.public_id)
    assert (gone.state, gone.is_default, gone.api_key, gone.server_id) == (
        "removed",
        False,
        None,
        None,
    )
    assert gone.removed_at is not None
    assert names_there(world) == []
    # Operators do not see a line that stands still for ever.
    assert lane_views([line.public_id]) == {}
    claim()
    assert lane_views([line.public_id]) == {}
    message.refresh_from_db()
    assert message.connection_id == line.pk
    waiting.refresh_from_db()
    assert (waiting.status, waiting.outgoing.state) == ("failed", "cancelled")
    assert not WebhookRoute.objects.get(pk=line.public_id).is_active
    assert Connection.objects.get(name="segunda").is_default
    with pytest.raises(NotFound):
        lifecycle.pairing_view(line.public_id)
    again = lifecycle.create_instance(name="loja", number=NUMBER)
    assert again.public_id != line.public_id
    world.take_in()
    assert row_of(line).state == "removed"


def test_removal_needs_the_server_unless_the_instance_is_kept(world, line):
    servers.EvolutionServer.objects.update(url="http://127.0.0.1:9")
    with pytest.raises(ServerRefused) as refusal:
        lifecycle.remove(line.public_id)
    assert refusal.value.code == "connect_failed"
    assert row_of(line).removed_at is None
    assert lifecycle.remove(line.public_id, keep_on_server=True).removed_at is not None


@pytest.mark.parametrize("act", [lifecycle.log_out, lifecycle.remove])
def test_what_the_server_refused_changes_no_wish(world, line, act):
    Connection.objects.update(paired_number=OTHER)
    servers.EvolutionServer.objects.update(url="http://127.0.0.1:9")
    with pytest.raises(ServerRefused):
        act(line.public_id)
    found = row_of(line)
    assert (found.wants_session, found.next_retry_at) == (True, None)
    assert found.paired_number == OTHER


@pytest.mark.parametrize("act", [lifecycle.log_out, lifecycle.remove])
def test_nobody_reconnects_while_it_ends_and_a_crash_leaves_the_wish(world, line, act, monkeypatch):
    tended = []

    def die(_evolution, _instance):
        Connection.objects.update(state="disconnected", disconnected_at=timezone.now())
        tended.append(lifecycle.tend_session(line.public_id))
        raise SystemExit

    monkeypatch.setattr(Evolution, "logout", die)
    with pytest.raises(SystemExit):
        act(line.public_id)
    found = row_of(line)
    assert (found.retry_count, found.wants_session) == (0, True)
    assert tended == [found.next_retry_at]
    assert found.next_retry_at < timezone.now() + timedelta(minutes=4)


def test_instance_that_is_kept_posts_no_longer(world, line):
    lifecycle.remove(line.public_id, keep_on_server=True)
    assert names_there(world) == [line.instance]
    hook = world.call("GET", f"/webhook/find/{line.instance}")
    assert (hook["enabled"], hook["events"]) == (False, [])


def test_removal_of_what_was_made_by_hand_touches_no_server(world):
    made = create_connection(name="mão", instance="alheia", server_url=world.url).connection
    assert lifecycle.remove(made.public_id).removed_at is not None
    create_connection(name="mão", instance="alheia", server_url=world.url)


def test_one_default_and_only_one(world):
    first, second = (make_connection() for _ in range(2))
    assert (first.is_default, second.is_default) == (True, False)
    lifecycle.set_default(second.public_id)
    lifecycle.set_default(second.public_id)
    assert [one.is_default for one in Connection.objects.order_by("pk")] == [False, True]
    assert AuditEntry.objects.filter(action="connection.made_default").count() == 1


def test_settings_reach_the_server_first(world, line):
    wanted = InstanceSettings(groups_ignore=False, reject_call=True, call_text=" Não atendo ")
    lifecycle.save_settings(line.public_id, wanted)
    found = lifecycle.settings_of(row_of(line))
    assert (found.reject_call, found.call_text) == (True, "Não atendo")
    there = world.call("GET", f"/settings/find/{line.instance}")
    assert (there["rejectCall"], there["msgCall"]) == (True, "Não atendo")
    assert "Não atendo" not in str(list(AuditEntry.objects.values_list("changes", flat=True)))
    world.sim("faults", kind="5xx", status=500, count=1)
    with pytest.raises(ServerRefused):
        lifecycle.save_settings(line.public_id, InstanceSettings())
    assert lifecycle.settings_of(row_of(line)) == found
    with pytest.raises(Invalid):
        lifecycle.save_settings(line.public_id, InstanceSettings(call_text="x" * 201))


def test_small_decisions(world, line):
    assert lifecycle.rename(line.public_id, name="centro").name == "centro"
    assert not lifecycle.set_bulk(line.public_id, allowed=False).allows_bulk
    until = timezone.now() + timedelta(hours=2)
    assert lifecycle.mute(line.public_id, until=until).muted_until == until
    assert lifecycle.mute(line.public_id, until=None).muted_until is None
    for bad in (timezone.now() - timedelta(minutes=1), timezone.now() + timedelta(days=8)):
        with pytest.raises(Invalid) as refused:
            lifecycle.mute(line.public_id, until=bad)
        assert refused.value.field == "muted_until"
    make_connection(name="sul")
    with pytest.raises(Conflict):
        lifecycle.rename(line.public_id, name="SUL")
