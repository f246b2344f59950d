"""Number checks: both Brazilian forms, at most one look-up a day, small batches."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from evosense.core.errors import Conflict, Invalid
from evosense.core.schema import TenantRef, tenant_scope
from evosense.testing.databases import ALPHA
from evosense.testing.threads import run_threads
from messaging.gateway.client.answers import NumberAnswer
from messaging.gateway.client.errors import EvolutionError
from messaging.gateway.client.evolution import Evolution
from messaging.gateway.models import EvolutionServer
from messaging.models import Connection, NumberCheck
from messaging.services.numbers import check_numbers
from messaging.tests.factories import make_connection

WITH_NINTH, WITHOUT = "5571980001234", "557180001234"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Batches that reached the server, which knows one number, by its form without the ninth."""
    batches: list[list[str]] = []

    def answer(_self: Evolution, _instance: Any, numbers: list[str]) -> list[NumberAnswer]:
        batches.append(list(numbers))
        # In another order than asked, as WhatsApp does.
        return [
            NumberAnswer(one, one == WITHOUT, f"{one}@s.whatsapp.net") for one in reversed(numbers)
        ]

    monkeypatch.setattr(Evolution, "whatsapp_numbers", answer)
    return batches


def _connection(tenant: TenantRef) -> Connection:
    server = EvolutionServer.objects.create(
        tenant_id=tenant.id,
        name="próprio",
        url="https://evo.example.com",
        api_key="k",
        version="2.3.7",
    )
    connection = make_connection()
    Connection.objects.filter(pk=connection.pk).update(
        server_id=server.pk, state=Connection.State.CONNECTED
    )
    connection.refresh_from_db()
    return connection


def test_the_other_brazilian_form_is_tried_and_both_are_kept(
    tenant: TenantRef, asked: list[list[str]]
) -> None:
    connection = _connection(tenant)

    (found,) = check_numbers(connection, ["+55 (71) 98000-1234"])

    assert (found.number, found.exists, found.from_cache) == (WITH_NINTH, True, False)
    assert found.jid == f"{WITHOUT}@s.whatsapp.net"
    assert asked == [[WITH_NINTH], [WITHOUT]]
    again = check_numbers(connection, [WITHOUT, WITH_NINTH])
    assert [(one.exists, one.jid, one.from_cache) for one in again] == [(True, found.jid, True)] * 2
    assert len(asked) == 2


def test_what_is_absent_is_not_asked_again_that_day(
    tenant: TenantRef, asked: list[list[str]]
) -> None:
    connection = _connection(tenant)
    assert not check_numbers(connection, ["5511980009999"])[0].exists
    assert not check_numbers(connection, ["5511980009999"])[0].exists
    assert asked == [["5511980009999"], ["551180009999"]]

    NumberCheck.objects.update(checked_at=timezone.now() - timedelta(days=1, minutes=1))
    check_numbers(connection, ["5511980009999"])

    assert len(asked) == 4


def test_many_are_asked_in_batches_of_twenty_and_answered_in_order(
    tenant: TenantRef, asked: list[list[str]]
) -> None:
    numbers = [f"1202555{number:04d}" for number in range(45)]

    found = check_numbers(_connection(tenant), [f"+{number}" for number in [*numbers, numbers[0]]])

    assert [one.number for one in found] == [*numbers, numbers[0]]
    assert [len(batch) for batch in asked] == [20, 20, 5]


@pytest.mark.parametrize("numbers", [[], ["abc"], ["123"], ["5511900001234"] * 101])
def test_what_is_no_number_is_refused(
    tenant: TenantRef, asked: list[list[str]], numbers: list[str]
) -> None:
    with pytest.raises(Invalid) as refused:
        check_numbers(_connection(tenant), numbers)

    assert str(refused.value.field).startswith("numbers")
    assert asked == []


def test_without_a_connected_number_nobody_can_ask(
    tenant: TenantRef, asked: list[list[str]]
) -> None:
    make_connection()
    with pytest.raises(Conflict) as refused:
        check_numbers(None, ["5511900001234"])

    assert refused.value.code == "no_connection"
    connection = _connection(tenant)
    assert check_numbers(None, [WITHOUT])[0].exists
    assert NumberCheck.objects.first().connection_id == connection.pk


def test_a_failed_look_up_keeps_nothing(tenant: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> list[NumberAnswer]:
        raise EvolutionError("check_failed", can_retry=True)

    monkeypatch.setattr(Evolution, "whatsapp_numbers", fail)
    with pytest.raises(Conflict) as refused:
        check_numbers(_connection(tenant), ["5511900001234"])

    assert refused.value.code == "check_failed"
    assert not NumberCheck.objects.exists()


def test_many_at_the_same_moment_ask_once(committed: None, asked: list[list[str]]) -> None:
    with tenant_scope(ALPHA):
        connection = _connection(ALPHA)

    def check() -> bool:
        with tenant_scope(ALPHA):
            return check_numbers(connection, [WITHOUT])[0].exists

    assert run_threads([check] * 8) == [True] * 8
    assert asked == [[WITHOUT]]
