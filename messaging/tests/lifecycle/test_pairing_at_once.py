"""Double clicks and two windows: whatever is pressed at once, one pairing begins."""

import itertools
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from evosense.core.errors import Conflict
from evosense.core.schema import current_tenant, tenant_scope
from evosense.testing.threads import run_threads
from messaging.gateway.client.answers import ConnectAnswer
from messaging.gateway.client.evolution import Evolution
from messaging.models import Connection
from messaging.services import lifecycle
from messaging.services.lifecycle import PairingView
from messaging.tests.lifecycle.rig import World
from tenancy.models import AuditEntry

Press = Callable[[], PairingView]


@pytest.fixture
def line(world: World) -> Connection:
    return lifecycle.create_instance(name="loja", number="5511900004200")


@pytest.fixture
def others_are_done(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """A server that answers the first who asks for a code only after the others were answered."""
    done = threading.Semaphore(0)
    connect = Evolution.connect

    def late(*arguments: Any, **options: Any) -> ConnectAnswer:
        assert done.acquire(timeout=60), "more than one asked"
        return connect(*arguments, **options)

    monkeypatch.setattr(Evolution, "connect", late)
    return done


def press(acts: list[Press], others_are_done: threading.Semaphore) -> list[PairingView | str]:
    """Press all of them at the same moment; refusals are their codes."""
    tenant, left = current_tenant(), itertools.count(len(acts) - 1, -1)

    def pressed(act: Press) -> PairingView | str:
        with tenant_scope(tenant):
            try:
                return act()
            except Conflict as refusal:
                return refusal.code if str(refusal.message) else "without words"
            finally:
                if next(left) == 1:
                    others_are_done.release()

    return run_threads([lambda act=act: pressed(act) for act in acts])


def begun() -> Counter[str]:
    wanted = ("connection.pairing_started", "connection.session_recreated")
    return Counter(AuditEntry.objects.filter(action__in=wanted).values_list("action", flat=True))


def codes_made(world: World, line: Connection) -> int:
    rows: list[dict[str, Any]] = world.call("GET", "/_sim/instances")
    return next(int(row["codes"]) for row in rows if row["instance"] == line.instance)


@pytest.mark.parametrize("by_code", [False, True])
def test_four_clicks_at_once_make_one_code(
    world: World, line: Connection, others_are_done: threading.Semaphore, by_code: bool
) -> None:
    act: Press = lambda: lifecycle.start_pairing(line.public_id, by_code=by_code)  # noqa: E731
    shown = press([act] * 4, others_are_done)
    shown_state = "code_waiting" if by_code else "waiting"
    states = Counter(one.state for one in shown if isinstance(one, PairingView))
    assert states == {shown_state: 1, "creating": 3}
    assert sum(begun().values()) == 1
    assert codes_made(world, line) == 1
    now = lifecycle.pairing_view(line.public_id)
    assert (now.state, now.count) == (shown_state, 1)
    # The next click, after it, finds the code.
    assert lifecycle.start_pairing(line.public_id, by_code=by_code).state == shown_state
    assert sum(begun().values()) == 1


def test_different_wishes_at_once_have_one_winner_and_clear_refusals(
    world: World, line: Connection, others_are_done: threading.Semaphore
) -> None:
    acts: list[Press] = [
        lambda: lifecycle.start_pairing(line.public_id),
        lambda: lifecycle.start_pairing(line.public_id, by_code=True),
        lambda: lifecycle.recreate_session(line.public_id),
    ]
    shown = press(acts, others_are_done)
    assert Counter(one for one in shown if isinstance(one, str)) == {"pairing_under_way": 2}
    (winner,) = [one for one in shown if isinstance(one, PairingView)]
    assert winner.state in {"waiting", "code_waiting"}
    assert sum(begun().values()) == 1
    world.sim("pair", instance=line.instance)
    assert world.until_state(line, "connected").wants_session


def test_an_earlier_end_is_not_told_to_whoever_came_second(
    line: Connection, others_are_done: threading.Semaphore
) -> None:
    Connection.objects.update(wants_session=False, last_error="qr_expired")
    assert lifecycle.pairing_view(line.public_id).state == "expired"
    shown = press([lambda: lifecycle.start_pairing(line.public_id)] * 3, others_are_done)
    assert {one.state for one in shown if isinstance(one, PairingView)} == {"waiting", "creating"}
