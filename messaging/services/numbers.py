"""Whether numbers are on WhatsApp: asked at most once a day each, because asking is noticed.

Evolution tries the other Brazilian form by itself in some releases only. So a number that is absent
is asked in its other form too, and both forms keep what was said.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.crypto import tenant_hmac
from evosense.core.errors import Conflict, Invalid
from evosense.core.locks import try_named_lock
from evosense.core.phones import br_variants, parse_phone
from evosense.core.schema import current_tenant
from messaging.gateway.client.answers import NumberAnswer
from messaging.gateway.client.evolution import evolution
from messaging.gateway.client.instance import Instance
from messaging.gateway.servers import instance_of
from messaging.models import Connection, NumberCheck
from messaging.services.lifecycle.problems import asking

FRESH_FOR = timedelta(days=1)
BATCH = 20
MOST_NUMBERS = 100
_WAIT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Checked:
    """`number` in digits as it was asked; `jid` is the address that WhatsApp really uses."""

    number: str
    exists: bool
    jid: str
    asked_at: datetime
    from_cache: bool


def check_numbers(connection: Connection | None, numbers: Sequence[str]) -> list[Checked]:
    """Return for each of `numbers`, in their order, whether it is on WhatsApp.

    Asks through `connection`, else the default or any connected one. Raises Invalid for what is no
    number, Conflict when nothing can be asked. Network: call it outside transactions.
    """
    digits = _digits(numbers)
    wanted = list(dict.fromkeys(digits))
    known = _remembered(wanted)
    found = {number: _checked(number, row, from_cache=True) for number, row in known.items()}
    if missing := [number for number in wanted if number not in found]:
        found |= _ask_once(connection or _asker(), missing)
    return [found[number] for number in digits]


def _digits(numbers: Sequence[str]) -> list[str]:
    if not 1 <= len(numbers) <= MOST_NUMBERS:
        wanted = _("Give 1 to %(most)s numbers.") % {"most": MOST_NUMBERS}
        raise Invalid("invalid", wanted, field="numbers")
    found: list[str] = []
    for place, number in enumerate(numbers):
        digits = parse_phone(number)
        if digits is None:
            message = _("Use a number with country and area code, such as 55 11 91234-5678.")
            raise Invalid("invalid", message, field=f"numbers.{place}")
        found.append(digits)
    return found


def _asker() -> Connection:
    connected = Connection.objects.filter(
        state=Connection.State.CONNECTED, is_active=True, removed_at=None, quarantined_at=None
    )
    found = connected.order_by("-is_default", "pk").first()
    if found is None:
        message = _("No number is connected, so WhatsApp cannot be asked.")
        raise Conflict("no_connection", message)
    return found


def _ask_once(connection: Connection, numbers: list[str]) -> dict[str, Checked]:
    """Ask WhatsApp; who comes at the same time waits, and then finds the answers stored."""
    with _turn(connection):
        known = _remembered(numbers)
        missing = [number for number in numbers if number not in known]
        with asking():
            instance = instance_of(connection)
            absent = _ask(instance, connection, missing)
            others = [form for number in absent for form in br_variants(number)[1:]]
            unasked = set(others) - set(_remembered(others))
            # Who is found under the other form replaces the absence under this one.
            _ask(instance, connection, sorted(unasked))
        rows = _remembered(numbers)
    return {
        number: _checked(number, rows[number], from_cache=number in known) for number in numbers
    }


def _ask(instance: Instance, connection: Connection, numbers: list[str]) -> list[str]:
    """Ask in small batches and keep the answers; returns the numbers that are not there."""
    absent: list[str] = []
    for start in range(0, len(numbers), BATCH):
        batch = numbers[start : start + BATCH]
        said = {one.number: one for one in evolution().whatsapp_numbers(instance, batch)}
        # What was not mentioned is not there.
        answers = [
            said.get(number) or NumberAnswer(number, exists=False, jid="") for number in batch
        ]
        _keep(answers, connection)
        absent += [one.number for one in answers if not one.exists]
    return absent


def _keep(answers: Sequence[NumberAnswer], connection: Connection | None) -> None:
    now = timezone.now()
    rows = {
        number: NumberCheck(
            hmac=_hmac(number),
            exists=answer.exists,
            jid=answer.jid or None,
            lid=answer.lid or None,
            connection=connection,
            checked_at=now,
        )
        for answer in answers
        # Who is there under one form is reached under the other as well.
        for number in (br_variants(answer.number) if answer.exists else (answer.number,))
    }
    NumberCheck.objects.bulk_create(
        rows.values(),
        update_conflicts=True,
        unique_fields=["hmac"],
        update_fields=["exists", "jid", "lid", "connection", "checked_at"],
    )


def _remembered(numbers: Sequence[str]) -> dict[str, NumberCheck]:
    """Return what was said within a day, by number."""
    by_hmac = {_hmac(number): number for number in numbers}
    rows = NumberCheck.objects.filter(
        hmac__in=list(by_hmac), checked_at__gt=timezone.now() - FRESH_FOR
    )
    return {by_hmac[bytes(row.hmac)]: row for row in rows}


def _checked(number: str, row: NumberCheck, *, from_cache: bool) -> Checked:
    return Checked(number, row.exists, str(row.jid or ""), row.checked_at, from_cache)


def _hmac(number: str) -> bytes:
    return tenant_hmac(f"check|{number}")


@contextmanager
def _turn(connection: Connection) -> Iterator[None]:
    """Let one at a time ask through a connection; raises Conflict after a while."""
    name = f"numbers:{current_tenant().id}:{connection.pk}"
    end = time.monotonic() + _WAIT_SECONDS
    with ExitStack() as stack:
        while not stack.enter_context(try_named_lock(name)):
            if time.monotonic() > end:
                message = _("Numbers are being checked at the moment. Try again in a minute.")
                raise Conflict("check_running", message)
            time.sleep(0.1)
        yield
