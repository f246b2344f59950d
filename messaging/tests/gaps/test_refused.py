"""A repair that a server refused is tried again once the number is up, and its window is read."""

from datetime import timedelta

from django.utils import timezone

from evosense.core.models import OutboxEvent
from evosense.core.schema import public_scope
from messaging.gateway.models import EvolutionServer
from messaging.models import Connection, GapRepair, Message
from messaging.services.gaps import request_repair, run_repair
from messaging.services.gaps.requests import REFUSED_FOR, REFUSED_PAUSE, revive
from messaging.tests.health.rig import KEY, Simulator, make_server, open_line


def asked() -> int:
    with public_scope():
        return OutboxEvent.objects.filter(topic="messaging.gap_repair_asked").count()


def refused(sim: Simulator) -> tuple[Connection, GapRepair]:
    line = open_line(sim, make_server(sim.url))
    sim.write(line.instance, 4, ago=3000, every=60)
    repair = request_repair(line.public_id, since=timezone.now() - timedelta(hours=2))
    EvolutionServer.objects.update(api_key="wrong")
    assert run_repair(repair.pk) == "failed"
    repair.refresh_from_db()
    assert repair.error == "unauthorized"
    return line, repair


def pass_time(repair: GapRepair, **over: timedelta) -> None:
    ended = timezone.now() - REFUSED_PAUSE - timedelta(seconds=1)
    asked_at = timezone.now() - over.get("age", REFUSED_PAUSE)
    GapRepair.objects.filter(pk=repair.pk).update(finished_at=ended, created_at=asked_at)


def test_it_is_tried_again_and_brings_what_was_missing(tenant, redis_db, sim: Simulator) -> None:
    line, repair = refused(sim)
    before = asked()
    revive(line)
    assert asked() == before, "not at once"

    EvolutionServer.objects.update(api_key=KEY)
    pass_time(repair)
    revive(line)
    assert asked() == before + 1
    assert run_repair(repair.pk) == "done"
    repair.refresh_from_db()
    assert (repair.state, repair.recovered, Message.objects.count()) == ("done", 4, 4)

    pass_time(repair)
    revive(line)
    assert asked() == before + 1


def test_it_waits_while_the_number_is_away_or_another_one_reads(
    tenant, redis_db, sim: Simulator
) -> None:
    line, repair = refused(sim)
    pass_time(repair)
    Connection.objects.update(state="disconnected")
    line.refresh_from_db()
    revive(line)
    Connection.objects.update(state="connected")
    line.refresh_from_db()
    other = request_repair(line.public_id, since=timezone.now() - timedelta(hours=1))
    revive(line)
    repair.refresh_from_db()
    assert repair.state == "failed"

    GapRepair.objects.filter(pk=other.pk).update(state="done", finished_at=timezone.now())
    pass_time(repair, age=REFUSED_FOR + timedelta(hours=1))
    revive(line)
    repair.refresh_from_db()
    assert repair.state == "failed", "given up"
