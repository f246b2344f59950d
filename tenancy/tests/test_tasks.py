"""Celery tasks run inside their tenant or not at all. Messages go through a real Redis."""

import json
import threading
from base64 import b64decode
from uuid import uuid4

import pytest
from celery import current_app, shared_task
from celery.exceptions import Retry
from django.db import transaction

from evosense.celery import app
from evosense.core.schema import (
    TENANT_HEADER,
    NoTenantError,
    active_tenant,
    enqueue,
    public_scope,
    tenant_scope,
)
from evosense.testing.databases import ALPHA, BETA
from evosense.testing.threads import run_threads
from tenancy.db import fair, tickets
from tenancy.db.tasks import TenantBusy, TenantRefused
from tenancy.models import Tenant
from tenancy.tasks import due_turns, fan_out, turn_of

seen = []


@shared_task(name="tests.note")
def note(**kwargs):
    seen.append((active_tenant(), kwargs))


@shared_task(name="tests.note_shared", tenant_required=False)
def note_shared():
    seen.append((active_tenant(), {}))


@shared_task(name="tests.note_always", allow_suspended=True)
def note_always():
    seen.append((active_tenant(), {}))


@shared_task(name="tests.fail", bind=True, max_retries=3)
def fail(self, *, how):
    seen.append((active_tenant(), {"retries": self.request.retries}))
    if how == "retry":
        raise self.retry(countdown=7)
    raise ValueError(how)


@pytest.fixture(autouse=True)
def _clean():
    seen.clear()
    tickets._known_weights.clear()


def run_with(task, tenant_id=None, **kwargs):
    headers = {TENANT_HEADER: str(tenant_id)} if tenant_id else None
    return task.apply(kwargs=kwargs, headers=headers)


def messages(redis_db, queue="maintenance"):
    raw = [json.loads(each) for each in redis_db.lrange(queue, 0, -1)]
    return [(m["headers"], json.loads(b64decode(m["body"]))[1]) for m in raw]


def test_the_published_message_carries_the_tenant(tenant, redis_db):
    note.apply_async(kwargs={"x": 1})
    [(headers, kwargs)] = messages(redis_db)
    assert (headers[TENANT_HEADER], headers["task"], kwargs) == (
        str(tenant.id),
        "tests.note",
        {"x": 1},
    )


def test_publishing_without_a_tenant_fails_at_once(public, redis_db):
    with pytest.raises(NoTenantError):
        note.apply_async()
    assert messages(redis_db) == []


def test_a_shared_task_takes_no_tenant_along(tenant, redis_db):
    note_shared.apply_async(headers={TENANT_HEADER: str(tenant.id)})
    [(headers, _kwargs)] = messages(redis_db)
    assert TENANT_HEADER not in headers


def test_enqueue_pins_the_tenant_active_at_the_call(committed, redis_db):
    with public_scope(), transaction.atomic():
        with tenant_scope(ALPHA):
            enqueue(note, x=1)
        assert messages(redis_db) == []
    assert [headers[TENANT_HEADER] for headers, _kwargs in messages(redis_db)] == [str(ALPHA.id)]


def test_enqueue_of_a_rolled_back_change_sends_nothing(committed, redis_db):
    with tenant_scope(ALPHA), transaction.atomic():
        enqueue(note, x=1)
        transaction.set_rollback(True)
    assert messages(redis_db) == []


def test_it_runs_inside_the_tenant_and_leaves_nothing_behind(db):
    run_with(note, BETA.id, x=2).get()
    assert seen == [(seen[0][0], {"x": 2})]
    assert seen[0][0].schema_name == BETA.schema_name
    assert active_tenant() is None


def test_the_scope_is_reset_after_an_error(db):
    with pytest.raises(ValueError, match="bug"):
        run_with(fail, ALPHA.id, how="bug").get()
    assert active_tenant() is None


def test_a_shared_task_runs_in_the_shared_schema_whatever_called_it(tenant):
    run_with(note_shared, tenant.id).get()
    assert seen == [(None, {})]


@pytest.mark.parametrize("tenant_id", [None, uuid4()])
def test_without_or_with_an_unknown_tenant_it_does_not_run(db, tenant_id):
    with pytest.raises(TenantRefused):
        run_with(note, tenant_id).get()
    assert seen == []


@pytest.mark.parametrize("state", ["deleting", "failed"])
def test_a_tenant_on_its_way_out_is_refused(db, state):
    Tenant.objects.filter(pk=ALPHA.id).update(state=state)
    with pytest.raises(TenantRefused):
        run_with(note_always, ALPHA.id).get()
    assert seen == []


@pytest.mark.parametrize("state", ["provisioning", "moving"])
def test_a_task_waits_while_its_tenant_is_made_or_moved(db, redis_db, state):
    Tenant.objects.filter(pk=ALPHA.id).update(state=state)
    note.push_request(
        headers={TENANT_HEADER: str(ALPHA.id)}, called_directly=False, retries=0, kwargs={}, id="i"
    )
    try:
        with pytest.raises(Retry) as raised:
            note()
    finally:
        note.pop_request()
    assert seen == []
    assert isinstance(raised.value.exc, TenantBusy)
    [(headers, _kwargs)] = messages(redis_db)
    assert headers[TENANT_HEADER] == str(ALPHA.id)


def test_a_suspended_tenant_works_only_where_it_is_allowed(db):
    Tenant.objects.filter(pk=ALPHA.id).update(status="suspended")
    with pytest.raises(TenantRefused):
        run_with(note, ALPHA.id).get()
    run_with(note_always, ALPHA.id).get()
    assert len(seen) == 1


def test_threads_of_a_worker_keep_their_tenants_apart(committed):
    def work(tenant):
        def act():
            for _turn in range(50):
                run_with(note, tenant.id, wanted=str(tenant.id)).get()

        return act

    run_threads([work(ALPHA), work(BETA)] * 2)
    assert len(seen) == 200
    assert all(str(tenant.id) == kwargs["wanted"] for tenant, kwargs in seen)


def test_every_thread_publishes_with_our_app():
    found = []
    thread = threading.Thread(target=lambda: found.append(current_app.main))
    thread.start()
    thread.join()
    assert found == ["evosense"]


def test_every_periodic_task_exists_and_takes_its_arguments():
    app.autodiscover_tasks(force=True)
    for entry in app.conf.beat_schedule.values():
        assert entry["task"] in app.tasks, entry["task"]
        named = entry.get("kwargs", {}).get("task")
        assert named is None or app.tasks[named].tenant_required
        assert named or not app.tasks[entry["task"]].tenant_required


def test_a_worker_without_options_serves_every_kind():
    # Looks at numbers have a queue and no ring: they share themselves out.
    assert {queue.name for queue in app.conf.task_queues} == {*tickets.LANES, "watch"}


def test_fan_out_starts_each_tenant_once_a_period(db, redis_db, monkeypatch):
    Tenant.objects.filter(pk=BETA.id).update(state="moving")
    monkeypatch.setattr("tenancy.tasks.due_turns", lambda *_args, **_kwargs: set(range(60)))
    fan_out.run(task="tests.note", minutes=60)
    assert [headers[TENANT_HEADER] for headers, _kwargs in messages(redis_db)] == [str(ALPHA.id)]


def test_turns_of_a_period_come_once_and_missed_ones_are_made_up_for(redis_db):
    assert due_turns("j", 60, now=600 * 60) == {0}
    assert due_turns("j", 60, now=601 * 60) == {1}
    assert due_turns("j", 60, now=601 * 60 + 30) == set()
    assert due_turns("j", 60, now=605 * 60) == {2, 3, 4, 5}
    assert due_turns("j", 60, now=2000 * 60) == set(range(60))
    assert turn_of(ALPHA.id, 60) in range(60)


# --- fair work -----------------------------------------------------------------------------------


def enqueue_fairly(tenant, task=note, **kwargs):
    with tenant_scope(tenant):
        tickets.fair_enqueue("ai", task, **kwargs)


def test_fair_work_waits_in_the_ring_and_its_ticket_has_no_content(committed, redis_db):
    enqueue_fairly(ALPHA, message_id=5)
    [(headers, kwargs)] = messages(redis_db, "ai")
    assert (headers["task"], kwargs) == ("tenancy.take_next", {"kind": "ai"})
    assert fair.waiting("ai", ALPHA.id) == 1
    assert tickets.work_off("ai") == 1
    assert [(tenant.id, kwargs) for tenant, kwargs in seen] == [(ALPHA.id, {"message_id": 5})]
    assert fair.waiting("ai") == 0


def test_one_ticket_works_everything_off_in_turns(committed):
    for number in range(3):
        enqueue_fairly(ALPHA, n=number)
    enqueue_fairly(BETA, n=9)
    assert tickets.work_off("ai") == 4
    assert [tenant.slug for tenant, _kwargs in seen] == ["alpha", "beta", "alpha", "alpha"]


def test_a_turn_of_the_background_ends_when_somebody_waits_for_a_worker(committed, redis_db):
    for number in range(3):
        enqueue_fairly(ALPHA, n=number)
    with tenant_scope(ALPHA):
        tickets.fair_enqueue("asked", note, n=9)
    assert tickets.work_off("ai") == tickets.TURN_ITEMS
    assert [kwargs["n"] for _tenant, kwargs in seen] == [0]
    redis_db.delete("asked")
    assert tickets.work_off("asked") == 1
    assert tickets.work_off("ai") == 2
    assert [kwargs["n"] for _tenant, kwargs in seen] == [0, 9, 1, 2]


def test_news_waits_for_no_turn_of_the_background(committed, redis_db):
    for number in range(3):
        enqueue_fairly(ALPHA, n=number)
    with tenant_scope(ALPHA):
        tickets.fair_enqueue("ingest", note, n=9)
    assert tickets.work_off("ai") == tickets.TURN_ITEMS
    assert [kwargs["n"] for _tenant, kwargs in seen] == [0]


def test_a_thousand_calls_are_as_many_as_may_run(committed, redis_db):
    with tenant_scope(ALPHA):
        for _each in range(1_000):
            tickets.fair_call("ai", note)
    cap = tickets.LANES["ai"].cap
    assert fair.waiting("ai", ALPHA.id) == len(messages(redis_db, "ai")) == cap
    assert tickets.work_off("ai") == cap
    with tenant_scope(ALPHA):
        tickets.fair_call("ai", note)
    assert fair.waiting("ai", ALPHA.id) == 1


def test_an_outbox_subscriber_can_be_fair(db):
    fairly = tickets.Fairly("ai", note)
    assert fairly == tickets.Fairly("ai", note)
    fairly.apply_async(kwargs={"event_id": 1}, headers={TENANT_HEADER: str(ALPHA.id)})
    tickets.work_off("ai")
    assert seen[0][1] == {"event_id": 1}


def test_an_unknown_kind_is_refused_at_the_call(tenant):
    with pytest.raises(ValueError, match="kind of work"):
        tickets.fair_enqueue("nonsense", note)


@pytest.mark.parametrize("how", ["retry", "bug"])
def test_failed_work_comes_back_later_and_others_go_on(committed, monkeypatch, how):
    enqueue_fairly(ALPHA, fail, how=how)
    enqueue_fairly(ALPHA, n=1)
    assert tickets.work_off("ai") == 2
    assert fair.waiting("ai") == 1
    assert fair.reap("ai", now=0) == 0
    assert fair.reap("ai", now=4e9) == 1
    seen.clear()
    tickets.work_off("ai")
    assert seen[0][1] == {"retries": 1}


def test_fair_work_of_a_refused_tenant_is_dropped(committed):
    enqueue_fairly(ALPHA, n=1)
    Tenant.objects.filter(pk=ALPHA.id).update(state="deleting")
    tickets.work_off("ai")
    assert seen == []
    assert fair.waiting("ai") == 0


def test_fair_work_of_a_moving_tenant_waits_for_ever(committed):
    enqueue_fairly(ALPHA, n=1)
    Tenant.objects.filter(pk=ALPHA.id).update(state="moving")
    for _turn in range(fair.MAX_ATTEMPTS + 2):
        tickets.work_off("ai")
        fair.reap("ai", now=4e9)
    Tenant.objects.filter(pk=ALPHA.id).update(state="ready")
    tickets.work_off("ai")
    assert len(seen) == 1


def test_weights_come_from_the_plan(committed):
    Tenant.objects.filter(pk=ALPHA.id).update(plan="scale")
    for number in range(6):
        enqueue_fairly(ALPHA, n=number)
        enqueue_fairly(BETA, n=number)
    tickets.work_off("ai")
    assert [tenant.slug for tenant, _kwargs in seen][:5] == ["alpha"] * 4 + ["beta"]


def test_the_reaper_sends_tickets_for_work_that_lost_its_own(committed, redis_db):
    enqueue_fairly(ALPHA, n=1)
    redis_db.delete("ai")
    tickets.reap(["ai"])
    assert len(messages(redis_db, "ai")) == 1
