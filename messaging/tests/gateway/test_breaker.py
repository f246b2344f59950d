"""A silent server rests, and only one request tries it afterwards."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from evosense.core.schema import public_scope
from evosense.testing.threads import run_threads
from messaging.gateway import breaker
from messaging.gateway.models import EvolutionServer


@pytest.fixture
def server(committed: None) -> Iterator[EvolutionServer]:
    with public_scope():
        yield EvolutionServer.objects.create(name="casa", url="https://evo.example.com")


def _rest_seconds(server: EvolutionServer) -> float:
    server.refresh_from_db()
    assert server.breaker_until is not None
    return (server.breaker_until - timezone.now()).total_seconds()


def _end_rest(server: EvolutionServer) -> None:
    EvolutionServer.objects.update(breaker_until=timezone.now() - timedelta(seconds=1))
    server.refresh_from_db()


def test_three_failures_in_a_row_mean_a_rest_and_a_success_ends_the_count(
    server: EvolutionServer,
) -> None:
    breaker.note_failure(server.pk, "connect_failed")
    breaker.note_failure(server.pk, "connect_failed")
    breaker.note_success(server.pk)
    breaker.note_failure(server.pk, "connect_failed")
    breaker.note_failure(server.pk, "connect_failed")
    server.refresh_from_db()
    assert breaker.available(server)

    breaker.note_failure(server.pk, "connect_failed")
    server.refresh_from_db()
    assert (server.breaker, server.problem) == ("open", "connect_failed")
    assert not breaker.available(server)
    assert 13 < _rest_seconds(server) <= 15


def test_each_rest_is_twice_as_long_up_to_five_minutes(server: EvolutionServer) -> None:
    rests = []
    for _ in range(3):
        breaker.note_failure(server.pk, "connect_failed")
    for _ in range(7):
        rests.append(round(_rest_seconds(server)))
        _end_rest(server)
        assert breaker.available(server)
        breaker.note_failure(server.pk, "connect_failed")

    assert rests == [15, 30, 60, 120, 240, 300, 300]


def test_late_failures_do_not_make_a_rest_longer(server: EvolutionServer) -> None:
    for _ in range(12):
        breaker.note_failure(server.pk, "connect_failed")

    assert _rest_seconds(server) <= 15


def test_a_missing_licence_is_enough_once(server: EvolutionServer) -> None:
    breaker.note_failure(server.pk, "license_required")

    server.refresh_from_db()
    assert (server.breaker, server.problem) == ("open", "license_required")


def test_after_a_rest_exactly_one_of_many_tries(server: EvolutionServer) -> None:
    for _ in range(3):
        breaker.note_failure(server.pk, "connect_failed")
    _end_rest(server)

    answers = run_threads([lambda: breaker.available(server)] * 16)

    assert answers.count(True) == 1
    server.refresh_from_db()
    assert server.breaker == "half_open"
    assert not breaker.available(server)
    breaker.note_success(server.pk)
    server.refresh_from_db()
    assert (server.breaker, server.breaker_failures, server.problem) == ("closed", 0, "")


def test_who_tried_and_died_is_replaced(server: EvolutionServer) -> None:
    for _ in range(3):
        breaker.note_failure(server.pk, "connect_failed")
    _end_rest(server)
    assert breaker.available(server)
    _end_rest(server)

    assert run_threads([lambda: breaker.available(server)] * 8).count(True) == 1


def test_failures_at_the_same_moment_are_all_counted(server: EvolutionServer) -> None:
    run_threads([lambda: breaker.note_failure(server.pk, "connect_failed")] * 2)

    server.refresh_from_db()
    assert (server.breaker, server.breaker_failures) == ("closed", 2)
    run_threads([lambda: breaker.note_failure(server.pk, "connect_failed")] * 16)
    server.refresh_from_db()
    assert (server.breaker, server.breaker_failures) == ("open", 3)
