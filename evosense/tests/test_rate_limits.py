"""Every class of limit: it holds, it says so in headers, and it holds with Redis away."""

import pytest
import redis
from django.test import Client

from evosense.core import ratelimit
from evosense.core.errors import TooMany
from tenancy import api_auth
from tenancy.services import login

HEADERS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
pytestmark = pytest.mark.usefixtures("tenant", "redis_db")


@pytest.fixture
def browser(settings) -> Client:
    return Client(HTTP_HOST=f"alpha.{settings.PUBLIC_HOST}")


@pytest.fixture
def redis_away(monkeypatch) -> None:
    def away():
        raise redis.ConnectionError

    monkeypatch.setattr(ratelimit, "redis_client", away)
    monkeypatch.setattr(ratelimit, "_local", {})


def log_in(browser, email="ana@example.com", **headers):
    return browser.post("/entrar/", {"email": email, "password": "wrong one"}, headers=headers)


def test_log_in_slows_one_account_and_tells_when_to_come_back(browser, monkeypatch) -> None:
    monkeypatch.setattr(login, "PER_ACCOUNT", 3)
    answers = [log_in(browser) for _ in range(4)]
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert all(name in answers[0] for name in HEADERS)
    assert "Retry-After" not in answers[0]
    assert int(answers[-1]["Retry-After"]) > 0
    assert "Retry-After" not in log_in(browser, email="bia@example.com")


def test_log_in_slows_one_address_whatever_it_claims_to_be(browser, monkeypatch) -> None:
    monkeypatch.setattr(login, "PER_ADDRESS", 3)
    answers = [
        log_in(browser, email=f"{number}@example.com", **{"x-forwarded-for": f"6.6.6.{number}"})
        for number in range(4)
    ]
    assert ["Retry-After" in answer for answer in answers] == [False, False, False, True]


@pytest.mark.usefixtures("redis_away")
def test_log_in_stays_slow_with_redis_away(browser, monkeypatch) -> None:
    monkeypatch.setattr(login, "PER_ACCOUNT", 2)
    answers = [log_in(browser) for _ in range(3)]
    assert ["Retry-After" in answer for answer in answers] == [False, False, True]


def ask(browser, key: str):
    return browser.get("/api/v1/contacts", headers={"Authorization": f"Bearer {key}"})


def test_unknown_api_keys_have_a_ceiling_and_good_ones_do_not_meet_it(
    browser, api_key, monkeypatch
) -> None:
    monkeypatch.setattr(api_auth, "UNKNOWN_KEYS", 2)
    answers = [ask(browser, "evs_live_12345678_" + "x" * 43) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert answers[2]["Content-Type"] == "application/problem+json"
    assert int(answers[2]["Retry-After"]) > 0
    good = ask(browser, api_key)
    assert good.status_code == 200
    assert all(name in good for name in HEADERS)


@pytest.mark.usefixtures("redis_away")
def test_the_api_goes_on_and_stays_limited_with_redis_away(browser, api_key, monkeypatch) -> None:
    from evosense.core import rest

    monkeypatch.setattr(rest, "RATE", 2)
    assert [ask(browser, api_key).status_code for _ in range(3)] == [200, 200, 429]


def test_pages_without_a_limit_tell_none(browser) -> None:
    assert "RateLimit-Limit" not in browser.get("/entrar/")


def test_the_tightest_of_several_limits_is_told() -> None:
    wide = ratelimit.Decision(allowed=True, limit=100, remaining=99, reset_seconds=1)
    narrow = ratelimit.Decision(allowed=True, limit=5, remaining=1, reset_seconds=40)
    empty = ratelimit.Decision(allowed=False, limit=2, remaining=0, reset_seconds=1800)
    assert ratelimit.headers_of([wide, narrow])["RateLimit-Limit"] == "5"
    assert ratelimit.headers_of([empty, wide])["Retry-After"] == "1800"
    assert ratelimit.headers_of([]) == {}


def test_a_demand_is_refused_as_an_error_that_people_understand() -> None:
    ratelimit.demand("g:test:export", rate=1, per_seconds=3600)
    with pytest.raises(TooMany) as refusal:
        ratelimit.demand("g:test:export", rate=1, per_seconds=3600)
    assert refusal.value.status == 429
    assert str(refusal.value.message)
