import threading

import pytest
import redis

from analytics.providers import limits
from analytics.tests.providers.helpers import ask_about, make_ref
from evosense.core.streams import redis_client

URL = "http://127.0.0.1:9/v1"


def give_back(ref, permit, **over):
    told = {"used_tokens": permit.tokens, "is_good": True, "is_limited": False, "headers": {}}
    limits.leave(ref, permit, **{**told, **over})


def test_requests_a_minute_are_kept(tenant):
    ref = make_ref(URL, requests_per_minute=3)
    permits = [limits.enter(ref, 10) for _ in range(3)]
    assert all(one.wait_seconds == 0 for one in permits)
    assert 15 < limits.enter(ref, 10).wait_seconds <= 20


def test_tokens_a_minute_are_kept_and_corrected_by_use(tenant):
    ref = make_ref(URL, tokens_per_minute=1_000)
    first = limits.enter(ref, 900)
    assert limits.enter(ref, 900).wait_seconds > 30
    give_back(ref, first, used_tokens=50)
    assert limits.enter(ref, 900).wait_seconds == 0


def test_a_request_larger_than_the_bucket_may_still_go(tenant):
    ref = make_ref(URL, tokens_per_minute=100)
    assert limits.enter(ref, 5_000).wait_seconds == 0


def test_headers_shrink_what_people_configured(tenant):
    ref = make_ref(URL, requests_per_minute=600)
    permit = limits.enter(ref, 1)
    headers = {"x-ratelimit-limit-requests": "2", "x-ratelimit-remaining-requests": "1"}
    give_back(ref, permit, headers=headers)
    assert limits.enter(ref, 1).wait_seconds == 0
    assert limits.enter(ref, 1).wait_seconds > 20


def test_what_is_used_up_makes_everybody_wait_for_its_reset(tenant):
    ref = make_ref(URL)
    permit = limits.enter(ref, 1)
    headers = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m30s"}
    give_back(ref, permit, headers=headers)
    assert 85 < limits.enter(ref, 1).wait_seconds <= 90


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("6m0s", 360), ("120ms", 0.12), ("1h2m", 3_720), ("7", 7), ("soon", 0), ("", 0)],
)
def test_spans_of_headers_are_read(text, seconds):
    assert limits.span_seconds(text) == seconds


def test_slots_grow_slowly_and_halve_at_a_429(tenant):
    ref = make_ref(URL)

    def free() -> int:
        taken = []
        while (permit := limits.enter(ref, 1)).wait_seconds == 0:
            taken.append(permit)
        for one in taken:
            give_back(ref, one, is_good=False)
        return len(taken)

    assert free() == limits.FIRST_SLOTS
    for _ in range(limits.SUCCESSES_FOR_MORE):
        give_back(ref, limits.enter(ref, 1))
    assert free() == limits.FIRST_SLOTS + 1
    give_back(ref, limits.enter(ref, 1), is_good=False, is_limited=True)
    assert free() == 2


def test_a_429_slows_the_next_question(tenant, fake):
    ref = make_ref(fake.url_of("limited"))
    assert ask_about(ref).status == "ok"
    assert len(fake.seen) == 2


def test_threads_never_take_more_slots_than_there_are(tenant):
    ref = make_ref(URL)
    taken, lock = [], threading.Lock()

    def enter():
        permit = limits.enter(ref, 1)
        if permit.wait_seconds == 0:
            with lock:
                taken.append(permit)

    threads = [threading.Thread(target=enter) for _ in range(16)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(taken) == limits.FIRST_SLOTS


def test_keys_are_those_of_the_owner(tenant):
    ref = make_ref(URL, requests_per_minute=9)
    limits.enter(ref, 1)
    names = [name.decode() for name in redis_client().keys("*ai:*")]
    assert names
    assert all(name.startswith(f"t:{tenant.id}:ai:") for name in names)


def test_without_redis_a_low_rate_is_kept(tenant, monkeypatch):
    def away():
        raise redis.ConnectionError

    monkeypatch.setattr("analytics.providers.limits.redis_client", away)
    monkeypatch.setattr("evosense.core.ratelimit.redis_client", away)
    ref = make_ref(URL, requests_per_minute=2)
    waits = [limits.enter(ref, 1).wait_seconds for _ in range(3)]
    assert waits[:2] == [0, 0]
    assert waits[2] > 0
