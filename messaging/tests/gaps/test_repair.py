"""What a server kept while it could not tell us is fetched, exactly once."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from evosense.core.errors import Conflict, Invalid
from evosense.core.models import OutboxEvent
from evosense.core.schema import public_scope
from messaging.gateway.client.errors import EvolutionError
from messaging.models import Connection, Conversation, GapRepair, Message
from messaging.services.gaps import cancel_repair, request_repair, run, run_repair
from messaging.tests.health.rig import Simulator, make_line, make_server, open_line
from messaging.tests.ingest.rig import deliver, work


def window(hours: int = 2) -> dict[str, Any]:
    return {"since": timezone.now() - timedelta(hours=hours)}


def repaired(line: Connection, **over: Any) -> GapRepair:
    repair = request_repair(line.public_id, **(window() | over))
    assert run_repair(repair.pk) == "done"
    repair.refresh_from_db()
    return repair


def news(topic: str) -> list[dict[str, Any]]:
    with public_scope():
        rows = OutboxEvent.objects.filter(topic=f"messaging.{topic}").order_by("pk")
        return [row.payload for row in rows]


def test_exactly_the_missing_messages_come_and_twice_changes_nothing(
    tenant, redis_db, sim: Simulator
) -> None:
    line = open_line(sim, make_server(sim.url))
    sim.write(line.instance, 5, ago=3000, every=60)
    first = repaired(line)
    assert (first.missing, first.recovered, Message.objects.count()) == (5, 5, 5)
    sim.write(line.instance, 7, ago=1800, every=60)
    second = repaired(line)
    assert (second.seen, second.missing, second.recovered) == (12, 7, 7)
    third = repaired(line)
    assert (third.seen, third.missing, third.recovered) == (12, 0, 0)
    assert Message.objects.count() == 12
    assert third.chats == Conversation.objects.count() > 0


def test_missed_messages_are_unread_but_nothing_answers_them(
    tenant, redis_db, sim: Simulator
) -> None:
    line = open_line(sim, make_server(sim.url))
    sim.write(line.instance, 6, ago=1800, every=60)
    repaired(line)
    assert sum(Conversation.objects.values_list("unread_count", flat=True)) == 6
    assert not Message.objects.filter(is_history=True).exists()
    assert [one["is_history"] for one in news("messages_stored")] == [True]
    assert news("gap_repaired")[0]["recovered"] == 6


def test_a_recovered_message_whose_event_comes_late_stays_one(
    tenant, redis_db, sim: Simulator
) -> None:
    line = open_line(sim, make_server(sim.url))
    sim.write(line.instance, 1, ago=600)
    repaired(line)
    found = sim.post(f"/chat/findMessages/{line.instance}", {"where": {}})["messages"]["records"]
    body = {"event": "messages.upsert", "instance": line.instance, "data": found[0]}
    deliver(line.public_id, body, timezone.now())
    work()
    assert Message.objects.count() == 1
    assert Conversation.objects.get().unread_count == 1


def test_receipts_that_never_came_are_brought_up_to_date(tenant, redis_db, sim: Simulator) -> None:
    line = open_line(sim, make_server(sim.url))
    sim.write(line.instance, 1, from_me=True, ago=600)
    repaired(line)
    message = Message.objects.get()
    receipt = {"keyId": message.provider_id, "status": "READ", "fromMe": True}
    body = {"instance": line.instance, "event": "messages.update", "data": receipt}
    sim.post("/_sim/emit", body)
    again = repaired(line)
    assert (again.missing, again.recovered) == (0, 0)
    assert Message.objects.get().status == "read"


def test_a_worker_that_dies_between_pages_is_gone_on_from(
    tenant, redis_db, sim: Simulator, monkeypatch
) -> None:
    line = open_line(sim, make_server(sim.url))
    sim.write(line.instance, 9, ago=3000, every=60)
    monkeypatch.setattr(run, "PAGE_SIZE", 4)
    repair = request_repair(line.public_id, **window())
    real, pages = run.store, []

    def dying(connection: Connection, records: Any) -> Any:
        stored = real(connection, records)
        pages.append(len(records))
        if len(pages) == 2:
            raise SystemExit
        return stored

    monkeypatch.setattr(run, "store", dying)
    with pytest.raises(SystemExit):
        run_repair(repair.pk)
    repair.refresh_from_db()
    assert (repair.state, repair.page, repair.recovered) == ("running", 2, 4)
    assert Message.objects.count() == 4
    assert run_repair(repair.pk) == "", "its lease still holds"
    GapRepair.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert run_repair(repair.pk) == "done"
    repair.refresh_from_db()
    assert (repair.seen, repair.missing, repair.recovered) == (9, 9, 9)
    assert Message.objects.count() == 9


def test_whoever_lost_the_lease_writes_nothing(tenant, redis_db, sim: Simulator, monkeypatch):
    line = open_line(sim, make_server(sim.url))
    sim.write(line.instance, 3, ago=600)
    repair = request_repair(line.public_id, **window())
    real = run.store

    def robbed(connection: Connection, records: Any) -> Any:
        GapRepair.objects.update(lease_until=timezone.now() + timedelta(hours=1))
        return real(connection, records)

    monkeypatch.setattr(run, "store", robbed)
    assert run_repair(repair.pk) == ""
    assert not Message.objects.exists()


def test_a_window_that_grows_meanwhile_is_read_whole(
    tenant, redis_db, sim: Simulator, monkeypatch
) -> None:
    line = open_line(sim, make_server(sim.url))
    sim.write(line.instance, 3, ago=600)
    sim.write(line.instance, 4, ago=5 * 3600, every=1)
    repair = request_repair(line.public_id, **window(1))
    real, asked = run.store, []

    def growing(connection: Connection, records: Any) -> Any:
        if not asked:
            asked.append(request_repair(line.public_id, **window(8)).pk)
        return real(connection, records)

    monkeypatch.setattr(run, "store", growing)
    assert run_repair(repair.pk) == "done"
    assert asked == [repair.pk], "one is active for a connection"
    assert Message.objects.count() == 7


def test_a_ceiling_ends_what_has_no_end_and_says_so(
    tenant, redis_db, sim: Simulator, monkeypatch
) -> None:
    line = open_line(sim, make_server(sim.url))
    sim.write(line.instance, 9, ago=3000, every=60)
    monkeypatch.setattr(run, "PAGE_SIZE", 2)
    monkeypatch.setattr(run, "MOST_PAGES", 2)
    repair = request_repair(line.public_id, **window())
    assert run_repair(repair.pk) == "done"
    repair.refresh_from_db()
    assert (repair.error, repair.seen) == ("page_limit", 4)


def test_a_server_that_is_away_is_asked_again(tenant, redis_db, sim: Simulator) -> None:
    line = open_line(sim, make_server(sim.url))
    sim.write(line.instance, 2, ago=600)
    sim.post("/_sim/cut", {"instance": line.instance, "how": "down"})
    repair = request_repair(line.public_id, **window())
    with pytest.raises(EvolutionError):
        run_repair(repair.pk)
    repair.refresh_from_db()
    assert repair.state == "queued"
    assert repair.error
    sim.post("/_sim/heal", {"instance": line.instance})
    assert run_repair(repair.pk) == "done"
    assert Message.objects.count() == 2


def test_what_cannot_be_read_is_refused_with_the_field(tenant, redis_db, sim: Simulator) -> None:
    line = make_line(make_server(sim.url))
    now = timezone.now()
    with pytest.raises(Invalid, match="empty_window"):
        request_repair(line.public_id, since=now, until=now - timedelta(hours=1))
    with pytest.raises(Invalid, match="window_too_wide"):
        request_repair(line.public_id, since=now - timedelta(days=40))
    Connection.objects.update(server_id=None)
    with pytest.raises(Conflict, match="no_server"):
        request_repair(line.public_id)


def test_a_person_may_stop_it(tenant, redis_db, sim: Simulator) -> None:
    line = open_line(sim, make_server(sim.url))
    repair = request_repair(line.public_id)
    assert cancel_repair(repair.public_id).state == "cancelled"
    assert run_repair(repair.pk) == ""
    assert request_repair(line.public_id).pk != repair.pk
