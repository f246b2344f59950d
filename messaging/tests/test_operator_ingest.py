"""What operators see of ingest, and putting events back: one, many, all of a filter."""

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from evosense.core.schema import public_scope, tenant_scope
from evosense.testing.databases import ALPHA, BETA
from messaging.ingest.models import WebhookEvent
from messaging.selectors.house_events import EventFilter, shape_of
from messaging.services import house_replay
from messaging.services.usage import refresh_usage
from tenancy.db import fair
from tenancy.models import AuditEntry, TenantUsage
from tenancy.services import rings, support
from tenancy.tests.operators import make_operator, operator_client

SECRET = "meu pedido 123 para 5511987654321"
STATUS = WebhookEvent.Status


def make_event(tenant=ALPHA, status=STATUS.DEAD, flag="", **over):
    now = datetime.now(UTC)
    body = f'{{"event":"messages.upsert","data":{{"text":"{SECRET}","number":5511987654321}}}}'
    fields = {
        "received_at": now,
        "next_attempt_at": now,
        "tenant_id": tenant.id,
        "connection_id": uuid4(),
        "dedupe_key": b"1",
        "body": body.encode(),
        "event": "messages.upsert",
        "status": status,
        "flag": flag,
        "attempts": 5,
        "error_message": "DataError: value 5511987654321 is wrong",
        **over,
    }
    with public_scope():
        return WebhookEvent.objects.create(**fields)


def statuses():
    return list(WebhookEvent.objects.order_by("pk").values_list("status", flat=True))


def test_the_shape_of_a_body_tells_nothing_of_anybody():
    text = shape_of(b'{"event":"a.b","data":{"5511987654321@s.whatsapp.net":"x","t":"Ana 12"}}')
    assert '"event": "a.b"' in text
    for private in ("5511", "Ana", 'x"'):
        assert private not in text


@pytest.mark.parametrize("place", ["flow/backlog", "flow/spool", "flow/queues"])
def test_the_pages_open(place, public):
    make_event(status=STATUS.PENDING, received_at=datetime.now(UTC) - timedelta(hours=2))
    page = operator_client().get(f"/admin/{place}/")
    assert page.status_code == 200
    assert SECRET.encode() not in page.content


def test_the_first_page_counts_what_waits(public, redis_db):
    make_event()
    make_event(status=STATUS.PENDING)
    refresh_usage()
    page = operator_client().get("/admin/")
    assert page.status_code == 200
    assert TenantUsage.objects.get(tenant_id=ALPHA.id).dead == 1
    assert b"Alpha Ltda" in page.content


def test_without_support_access_no_text_and_no_number_is_shown(public):
    event = make_event()
    page = operator_client().get(f"/admin/ingest/webhookevent/{event.pk}/change/").content.decode()
    assert "meu pedido" not in page
    assert "5511987654321" not in page
    assert "messages.upsert" in page


def test_with_it_the_body_is_shown_and_looking_is_written_down(public):
    event = make_event()
    operator = make_operator()
    browser = operator_client(operator)
    place = f"/admin/ingest/webhookevent/{event.pk}/change/"
    support.open_grant(
        operator=operator, tenant_id=ALPHA.id, reason="lost messages", hours=1, may_write=True
    )
    assert "meu pedido" in browser.get(place).content.decode()
    for about in (ALPHA.id, None):
        assert AuditEntry.objects.filter(tenant_id=about, action="support.read").count() == 1
    # Another operator's access is not mine.
    assert "meu pedido" not in operator_client().get(place).content.decode()


def test_one_and_many_are_replayed_through_the_page_and_noted_on_both_trails(public):
    events = [make_event() for _number in range(3)] + [make_event(tenant=BETA)]
    oversize = make_event(flag="oversize", status=STATUS.KEPT)
    browser = operator_client()
    ids = [event.pk for event in [*events, oversize]]
    page = browser.get("/admin/ingest/webhookevent/act/replay/", {"ids": ids})
    html = page.content.decode()
    assert "(4)" in html
    # What the page asks about is what it sends back, however long the ids are.
    assert sorted(re.findall(r'name="ids" value="([^"]*)"', html)) == sorted(map(str, ids))
    browser.post("/admin/ingest/webhookevent/act/replay/", {"ids": ids})
    assert statuses() == [0, 0, 0, 0, STATUS.KEPT]
    entry = AuditEntry.objects.get(tenant_id=ALPHA.id, action="events.replayed")
    assert (entry.actor_kind, entry.changes["events"]) == ("operator", [0, 3])
    assert AuditEntry.objects.filter(tenant=None, action="events.replayed").count() == 2


def test_all_of_a_filter_are_counted_first_and_refused_when_they_grew(public):
    for _number in range(5):
        make_event()
    make_event(tenant=BETA)
    make_event(status=STATUS.KEPT, flag="unknown")
    browser = operator_client()
    asked = {"kind": "dead", "company": str(ALPHA.id)}
    page = browser.post("/admin/ingest/webhookevent/replay/", asked)
    assert 'name="expected" value="5"' in page.content.decode()
    assert set(statuses()) == {STATUS.DEAD, STATUS.KEPT}
    make_event()
    confirmed = {**asked, "expected": 5, "confirm": 1}
    browser.post("/admin/ingest/webhookevent/replay/", confirmed)
    assert 0 not in statuses()
    browser.post("/admin/ingest/webhookevent/replay/", {**confirmed, "expected": 6})
    assert statuses().count(0) == 6


def test_many_batches_are_one_act(public, monkeypatch):
    monkeypatch.setattr(house_replay, "BATCH", 3)
    for _number in range(10):
        make_event()
    assert house_replay.replay_matching(EventFilter(), expected=10) == 10
    assert statuses() == [0] * 10


def test_given_up_work_is_queued_again(public, redis_db):
    with tenant_scope(ALPHA):
        fair.push("ai", tenant_id=ALPHA.id, task="tests.fails", kwargs={"message_id": 7})
    item = fair.take("ai", now=0, lease_seconds=1, cap=1)
    for _attempt in range(fair.MAX_ATTEMPTS + 1):
        fair.postpone("ai", item.id, until=0)
        fair.reap("ai", now=10)
        item = fair.take("ai", now=10, lease_seconds=1, cap=1) or item
    assert [each.kwargs for each in fair.dead("ai")] == [{"message_id": 7}]
    ring = next(ring for ring in rings.rings(now=20) if ring.kind == "ai")
    assert ring.dead == 1
    operator_client().post("/admin/flow/queues/ai/revive/")
    assert fair.dead("ai") == []
    assert fair.waiting("ai", ALPHA.id) == 1
    again = fair.take("ai", now=20, lease_seconds=1, cap=1)
    assert (again.kwargs, again.attempts) == ({"message_id": 7}, 0)


def test_the_list_costs_the_same_for_many(public, count_queries):
    browser = operator_client()
    make_event()
    browser.get("/admin/ingest/webhookevent/")
    with count_queries() as few:
        browser.get("/admin/ingest/webhookevent/")
    for _number in range(30):
        make_event(tenant=BETA)
    with count_queries() as many:
        browser.get("/admin/ingest/webhookevent/")
    assert len(many) == len(few)


def test_the_pages_stay_up_without_redis(public, monkeypatch):
    import redis

    from evosense import operator_dashboard
    from messaging.admin import flow

    def away(**_arguments):
        raise redis.ConnectionError

    browser = operator_client()
    monkeypatch.setattr(operator_dashboard.rings, "rings", away)
    assert flow.rings is operator_dashboard.rings
    assert browser.get("/admin/").status_code == 200
    assert browser.get("/admin/flow/queues/").status_code == 200
