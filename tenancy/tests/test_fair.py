"""The fair ring on a real Redis; time is an argument, so nothing here sleeps."""

import random
from collections import Counter
from uuid import UUID

import pytest

from evosense.testing.threads import run_threads
from tenancy.db import fair

BIG, SMALL, OTHER = (UUID(int=number) for number in (1, 2, 3))
KIND = "ai"


def add(tenant, number=1, weight=1):
    return [
        fair.push(KIND, tenant_id=tenant, task="t", kwargs={"n": n}, weight=weight)
        for n in range(number)
    ]


def take(now=0.0, cap=1000):
    return fair.take(KIND, now=now, lease_seconds=60, cap=cap)


def tenants_of(number, **options):
    return [take(**options).tenant_id for _turn in range(number)]


def test_items_come_back_as_they_were_and_in_order(redis_db):
    fair.push(KIND, tenant_id=BIG, task="a.task", kwargs={"ids": [1, 2], "none": {}})
    add(BIG)
    item = take()
    assert (item.tenant_id, item.task, item.kwargs) == (BIG, "a.task", {"ids": [1, 2], "none": {}})
    assert take().kwargs == {"n": 0}
    assert take() is None


def test_a_small_tenant_waits_one_item_not_a_thousand(redis_db):
    add(BIG, 1000)
    tenants_of(3)
    add(SMALL)
    assert SMALL in tenants_of(2)


def test_weights_share_a_round(redis_db):
    add(BIG, 100, weight=4)
    add(SMALL, 100)
    assert Counter(tenants_of(50)) == {BIG: 40, SMALL: 10}


def test_a_tenant_at_its_cap_leaves_the_rest_to_others(redis_db):
    add(BIG, 10)
    add(SMALL, 1)
    first = [take(cap=2) for _turn in range(3)]
    assert Counter(item.tenant_id for item in first) == {BIG: 2, SMALL: 1}
    assert take(cap=2) is None
    assert fair.finish(KIND, next(i.id for i in first if i.tenant_id == BIG))
    assert take(cap=2).tenant_id == BIG


def test_work_of_a_dead_worker_comes_back_once(redis_db):
    add(BIG)
    lost = take(now=0)
    assert fair.reap(KIND, now=59) == 0
    assert fair.reap(KIND, now=61) == 1
    assert fair.reap(KIND, now=61) == 0
    again = take(now=61)
    assert (again.id, again.attempts) == (lost.id, 1)
    assert fair.finish(KIND, again.id)
    # The first worker was only slow: its end must not free a slot twice.
    assert not fair.finish(KIND, lost.id)
    assert fair.waiting(KIND) == fair.waiting(KIND, BIG) == 0


def test_an_extended_lease_is_not_reaped(redis_db):
    add(BIG)
    item = take(now=0)
    assert fair.extend(KIND, item.id, until=500)
    assert fair.reap(KIND, now=400) == 0
    fair.finish(KIND, item.id)
    assert not fair.extend(KIND, item.id, until=900)


def test_a_postponed_item_frees_its_slot_and_returns_later(redis_db):
    add(BIG, 2)
    first = take(cap=1)
    assert take(cap=1) is None
    assert fair.postpone(KIND, first.id, until=100)
    second = take(cap=1)
    assert second.id != first.id
    fair.finish(KIND, second.id)
    assert fair.reap(KIND, now=99) == 0
    assert fair.reap(KIND, now=100) == 1
    assert take(now=100).attempts == 1


def test_waiting_for_a_busy_tenant_is_no_attempt(redis_db):
    add(BIG)
    for turn in range(3):
        fair.postpone(KIND, take(now=turn).id, until=turn, counts=False)
        fair.reap(KIND, now=turn)
    assert take().attempts == 0


def test_what_always_fails_is_set_aside(redis_db):
    add(BIG)
    for attempt in range(fair.MAX_ATTEMPTS):
        item = take(now=attempt)
        assert item.attempts == attempt
        fair.postpone(KIND, item.id, until=attempt)
        fair.reap(KIND, now=attempt)
    assert take() is None
    assert [each.id for each in fair.dead(KIND)] == [item.id]
    assert fair.waiting(KIND) == 0


def test_no_more_calls_wait_than_may_run_and_who_was_taken_may_be_called_again(redis_db):
    def call(tenant=BIG):
        return fair.call(KIND, tenant_id=tenant, task="look", most=2)

    assert [call() for _each in range(4)] == [True, True, False, False]
    assert call(SMALL)
    add(BIG)
    first = take()
    assert (first.task, first.kwargs) == ("look", {})
    assert call()
    assert not call()
    # What comes back from a dead worker counts again as one that waits.
    fair.reap(KIND, now=61)
    assert not call()
    assert fair.forget_tenant(KIND, BIG) == 4
    assert call()


def test_kinds_do_not_touch_each_other(redis_db):
    add(BIG)
    assert fair.take("dispatch", now=0, lease_seconds=1, cap=1) is None


def test_two_workers_never_get_the_same_item(redis_db):
    wanted = {*add(BIG, 200), *add(SMALL, 200), *add(OTHER, 200)}

    def work():
        done = []
        while item := take(cap=3):
            done.append(item.id)
            fair.finish(KIND, item.id)
        return done

    first, second = run_threads([work, work])
    assert len(first) + len(second) == 600
    assert {*first, *second} == wanted
    left = [key for key in redis_db.keys("*") if b"fair" in key]
    assert left == [], "an idle ring leaves nothing behind"


@pytest.mark.parametrize("seed", range(3))
def test_everything_is_done_once_whatever_dies(redis_db, seed):  # noqa: C901
    """Random pushes, crashes, failures and reaps: nothing is lost, no slot leaks."""
    dice, wanted, done, now = random.Random(seed), set(), Counter(), 0.0
    for _step in range(600):
        now += dice.random() * 10
        if dice.random() < 0.4 and len(wanted) < 150:
            wanted |= {*add(dice.choice([BIG, SMALL, OTHER]), 1, dice.choice([1, 2]))}
        elif item := take(now=now, cap=2):
            fate = dice.random()
            if fate < 0.8:
                done[item.id] += fair.finish(KIND, item.id)
            elif fate < 0.9:
                fair.postpone(KIND, item.id, until=now + 5, counts=False)
        if dice.random() < 0.2:
            fair.reap(KIND, now=now)
    while fair.waiting(KIND):
        now += 100
        fair.reap(KIND, now=now)
        while item := take(now=now, cap=2):
            done[item.id] += fair.finish(KIND, item.id)
    assert {*done, *(each.id for each in fair.dead(KIND))} == wanted
    assert set(done.values()) <= {1}
    assert not redis_db.exists("g:fair:ai:running", "g:fair:ai:slots", "g:fair:ai:leases")


def test_small_tenants_are_served_within_a_round_of_the_noisy_one(redis_db):
    """Eight slots, one tenant with 2,000 items, ten that add one now and then."""
    small = [UUID(int=number) for number in range(100, 110)]
    add(BIG, 2000)
    dice, running, waits = random.Random(1), [], []
    asked = {}
    for tick in range(1500):
        if tick % 10 == 0:
            asked[add(dice.choice(small))[0]] = tick
        if len(running) >= 8:
            fair.finish(KIND, running.pop(0).id)
        item = take(cap=6)
        if item is None:  # the noisy one is at its cap and nobody else has work
            fair.finish(KIND, running.pop(0).id)
            continue
        running.append(item)
        if item.id in asked:
            waits.append(tick - asked.pop(item.id))
    assert len(waits) > 140
    assert max(waits) <= 12
    assert sorted(waits)[len(waits) // 2] <= 2
