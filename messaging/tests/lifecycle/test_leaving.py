"""A phone that somebody here unpaired: nobody calls it an act of the phone, and nothing is left."""

from datetime import timedelta

import pytest
from django.utils import timezone

from evosense.core.models import OutboxEvent
from evosense.core.schema import public_scope
from messaging.models import Connection, ConnectionEvent, GapRepair, Incident
from messaging.selectors.connections import connection_view
from messaging.selectors.health import states_timeline
from messaging.services import lifecycle
from messaging.services.health.following import follow_state
from messaging.tests.lifecycle.rig import row_of

NUMBER, OTHER = "5511900004200", "5511977776666"


@pytest.fixture
def line(world) -> Connection:
    return lifecycle.create_instance(name="loja", number=NUMBER)


def pair(world, line, number):
    lifecycle.start_pairing(line.public_id)
    world.sim("pair", instance=line.instance, number=number)


def label_of(line):
    return connection_view(line.public_id).state_label


def test_who_unpaired_it_stays_known_whatever_the_server_posts(world, line):
    pair(world, line, NUMBER)
    world.until_state(line, "connected")
    before = len(world.inbox)

    lifecycle.log_out(line.public_id)
    world.until(lambda: len(world.inbox) >= before + 2)

    assert row_of(line).last_error == "left"
    told = ConnectionEvent.objects.filter(state="logged_out").values_list("detail", flat=True)
    assert list(told) == ["left"]
    since = timezone.now() - timedelta(hours=1)
    assert states_timeline(row_of(line), since)[-1].label == label_of(line)
    Connection.objects.update(last_error="logged_out")
    assert label_of(line) == str(Connection.State.LOGGED_OUT.label) != "Unpaired from here"
    Connection.objects.update(last_error="left")
    view = lifecycle.pairing_view(line.public_id)
    assert (view.state, view.problem) == ("none", "left")

    pair(world, line, NUMBER)
    assert world.until_state(line, "connected").last_error == ""


def test_a_strange_number_that_was_sent_away_leaves_nothing_to_decide(world, line):
    pair(world, line, OTHER)
    world.until(lambda: row_of(line).quarantined_at)
    follow_state(line.pk)
    assert label_of(line) == str(Incident.Kind.WRONG_NUMBER.label)
    assert Incident.objects.get().ended_at is None

    lifecycle.log_out(line.public_id)

    found = row_of(line)
    assert (found.quarantined_at, found.quarantine_reason, found.paired_number) == (None, "", None)
    with public_scope():
        news = OutboxEvent.objects.filter(topic="messaging.connection_state_changed")
        assert news.latest("pk").payload["state"] == "logged_out"
    follow_state(line.pk)
    incident = Incident.objects.get()
    assert (incident.kind, incident.ended_at is None) == ("wrong_number", False)
    assert not GapRepair.objects.exists(), "its messages are not ours to fetch"
