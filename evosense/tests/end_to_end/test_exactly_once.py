"""From HTTP to the company's tables through real processes that are killed meanwhile."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from evosense.core.schema import tenant_scope
from evosense.testing.databases import ALPHA, BETA

pytestmark = pytest.mark.chaos

MESSAGES = 240


def test_every_acknowledged_message_is_stored_once_although_workers_die(house, line) -> None:
    from messaging.models import Contact, Conversation, Message

    now = int(time.time()) - MESSAGES

    def deliver(number: int) -> tuple[str, bool]:
        name = f"3EB0{number:018X}"
        chat = f"55119000{number % 7:05d}"
        statuses = [
            line.say(f"mensagem {number}", provider_id=name, at=now + number, chat=chat)
            for _repeat in range(2)
        ]
        return name, 200 in statuses

    with ThreadPoolExecutor(8) as pool:
        delivered = list(pool.map(deliver, range(MESSAGES // 3)))
        house.kill("ingest_worker")
        delivered += list(pool.map(deliver, range(MESSAGES // 3, 2 * MESSAGES // 3)))
        house.start("ingest_worker")
        house.kill("relay")
        delivered += list(pool.map(deliver, range(2 * MESSAGES // 3, MESSAGES)))
        house.kill("ingest_worker")
        house.start("ingest_worker")
        house.start("relay")
    acknowledged = {name for name, was_taken in delivered if was_taken}
    counts = house.manage("backlog", "--tenant", "alpha", "--wait", "60")
    assert (counts["ingest"], counts["outbox"], counts["dead"]) == (0, 0, 0)
    with tenant_scope(ALPHA):
        stored = list(Message.objects.values_list("provider_id", flat=True))
        assert sorted(stored) == sorted(set(stored))
        assert set(stored) == acknowledged
        assert len(acknowledged) == MESSAGES
        assert Contact.objects.count() == 7
        assert Conversation.objects.filter(is_live=True).count() == 7
        assert sum(Conversation.objects.values_list("unread_count", flat=True)) == MESSAGES
    with tenant_scope(BETA):
        assert not Message.objects.exists()


def test_a_killed_web_process_loses_nothing_that_it_acknowledged(house, line) -> None:
    from messaging.models import Message

    now = int(time.time()) - 100

    def deliver(number: int) -> str | None:
        name = f"3EB1{number:018X}"
        return name if line.say("oi", provider_id=name, at=now + number) == 200 else None

    with ThreadPoolExecutor(4) as pool:
        first = pool.map(deliver, range(40))
        taken = {next(first) for _ in range(20)}
        house.kill("web")
        taken |= set(first)
    house.start("web")
    house.wait_until_ready()
    house.manage("backlog", "--tenant", "alpha", "--wait", "60")
    with tenant_scope(ALPHA):
        stored = set(Message.objects.values_list("provider_id", flat=True))
    assert taken - {None} <= stored
