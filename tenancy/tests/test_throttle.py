"""Counting failures: pauses that grow, never lock out, and are not forgiven by a flush."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from evosense.core.schema import public_scope
from evosense.core.streams import redis_client
from evosense.testing.databases import ALPHA
from evosense.testing.threads import run_threads
from tenancy.models import AuditEntry, LoginThrottle
from tenancy.services import throttle
from tenancy.tests.factories import PASSWORD, anonymous_client, make_member


def fail(client, email, times: int) -> list[bytes]:
    """Try wrong passwords; forgets the Redis buckets so that only PostgreSQL counts."""
    answers = []
    for _turn in range(times):
        redis_client().flushdb()
        answers.append(client.post("/entrar/", {"email": email, "password": "wrong wrong wrong"}))
    return [answer.content for answer in answers]


def _refusals(bodies: list[bytes]) -> list[str]:
    return [
        re.findall(r'class="err" id="id_password-error">.*?</svg>(.*?)</p>', body.decode())[0]
        for body in bodies
    ]


def test_the_pause_grows_to_fifteen_minutes_and_no_further(public, time_machine) -> None:
    time_machine.move_to("2026-03-02 12:00:00+00:00", tick=False)
    for _free in range(4):
        assert throttle.count_attempt("account", "ana@example.com").until is None
    pauses = []
    for _turn in range(9):
        turn = throttle.count_attempt("account", "ana@example.com")
        assert turn.allowed
        assert turn.was_last
        assert turn.until is not None
        pauses.append((turn.until - timezone.now()).total_seconds())
        refused = throttle.count_attempt("account", "ana@example.com")
        assert (refused.allowed, refused.until) == (False, turn.until)
        time_machine.move_to(turn.until, tick=False)
    assert pauses == [30, 60, 120, 240, 480, 900, 900, 900, 900]


def test_attempts_during_a_pause_do_not_prolong_it(public, time_machine) -> None:
    time_machine.move_to("2026-03-02 12:00:00+00:00", tick=False)
    until = [throttle.count_attempt("account", "a@example.com").until for _turn in range(50)][-1]
    assert until == timezone.now() + timedelta(seconds=30)


def test_failures_are_forgotten_after_a_day(public, time_machine) -> None:
    time_machine.move_to("2026-03-02 12:00:00+00:00", tick=False)
    for _turn in range(5):
        throttle.count_attempt("account", "a@example.com")
    time_machine.shift(timedelta(days=1, seconds=1))
    assert throttle.count_attempt("account", "a@example.com").until is None
    time_machine.shift(timedelta(days=1, seconds=1))
    assert throttle.purge() == 1
    assert not LoginThrottle.objects.exists()


def test_what_still_blocks_is_not_purged(public, time_machine) -> None:
    time_machine.move_to("2026-03-02 12:00:00+00:00", tick=False)
    for _turn in range(3):
        throttle.count_attempt("account", "a@example.com")
    assert throttle.purge() == 0


def test_the_table_names_nobody(public) -> None:
    throttle.count_attempt("account", "ana@example.com")
    subject = bytes(LoginThrottle.objects.get().subject)
    assert len(subject) == 32
    assert b"ana" not in subject
    assert throttle.subject_of("account", " ANA@example.com ") == subject
    assert throttle.subject_of("factor", "ana@example.com") != subject


def test_a_flush_of_redis_forgives_nothing(tenant) -> None:
    member = make_member("agent")
    client = anonymous_client()
    bodies = fail(client, member.user.email, 6)
    assert "Muitas tentativas" not in bodies[4].decode()
    redis_client().flushdb()
    answer = client.post("/entrar/", {"email": member.user.email, "password": PASSWORD})
    assert answer.status_code == 422, "the right password has to wait as well"
    with public_scope():
        entry = AuditEntry.objects.get(tenant_id=ALPHA.id)
    assert (entry.action, entry.object_label) == ("session.failed", member.user.email)


def test_an_account_that_nobody_has_is_slowed_down_alike_and_not_written_down(tenant) -> None:
    real = fail(anonymous_client(), make_member("agent").user.email, 7)
    unknown = fail(anonymous_client(), "nobody@example.com", 7)
    assert _refusals(real) == _refusals(unknown)
    assert len(set(_refusals(real))) == 2
    with public_scope():
        labels = set(AuditEntry.objects.values_list("object_label", flat=True))
    assert "nobody@example.com" not in labels


def test_a_success_starts_the_count_anew(tenant) -> None:
    member = make_member("agent")
    client = anonymous_client()
    fail(client, member.user.email, 4)
    redis_client().flushdb()
    answer = client.post("/entrar/", {"email": member.user.email, "password": PASSWORD})
    assert answer.status_code == 302
    with public_scope():
        assert sum(LoginThrottle.objects.values_list("failures", flat=True)) == 4, "the address's"


def test_a_stranger_who_guesses_does_not_keep_out_a_browser_that_is_known(tenant) -> None:
    member = make_member("agent")
    known = anonymous_client()
    known.post("/entrar/", {"email": member.user.email, "password": PASSWORD})
    known.post("/sair/")
    fail(anonymous_client(), member.user.email, 6)
    redis_client().flushdb()
    answer = known.post("/entrar/", {"email": member.user.email, "password": PASSWORD})
    assert answer.status_code == 302
    known.post("/sair/")
    redis_client().flushdb()
    stranger = anonymous_client()
    # A cookie that we did not sign is no known browser.
    stranger.cookies["device"] = "0" * 24 + ":1:xx"
    answer = stranger.post("/entrar/", {"email": member.user.email, "password": PASSWORD})
    assert answer.status_code == 422


def test_codes_are_slowed_down_by_person(tenant) -> None:
    from tenancy.services.login import check_factor

    user = make_member("agent").user
    words = [check_factor(user, "000000", ALPHA.id)[1] for _turn in range(7)]
    assert words[4] != words[5]
    assert words[5] == words[6]


def test_many_at_once_share_the_five_places(committed) -> None:
    def attempt() -> bool:
        return throttle.count_attempt("account", "ana@example.com").allowed

    assert sum(run_threads([attempt] * 12)) == 5


def test_an_address_that_failed_often_waits_but_known_browsers_do_not(tenant, monkeypatch) -> None:
    monkeypatch.setitem(throttle.FREE, "address", 6)
    member = make_member("agent")
    known = anonymous_client()
    known.post("/entrar/", {"email": member.user.email, "password": PASSWORD})
    known.post("/sair/")
    for number in range(7):
        fail(anonymous_client(), f"person{number}@example.com", 1)
    redis_client().flushdb()
    right = {"email": make_member("agent").user.email, "password": PASSWORD}
    assert anonymous_client().post("/entrar/", right).status_code == 422
    right = {"email": member.user.email, "password": PASSWORD}
    assert known.post("/entrar/", right).status_code == 302


def test_failures_of_an_address_are_forgotten_after_a_quarter_of_an_hour(
    public, time_machine
) -> None:
    time_machine.move_to("2026-03-02 12:00:00+00:00", tick=False)
    for _turn in range(throttle.FREE["address"] - 1):
        throttle.count_attempt("address", "203.0.113.9")
    time_machine.shift(timedelta(minutes=15, seconds=1))
    assert throttle.count_attempt("address", "203.0.113.9").until is None


@pytest.mark.parametrize("kind", ["account", "device", "address", "factor"])
def test_every_kind_has_a_number(kind) -> None:
    assert throttle.FREE[kind] >= 5
