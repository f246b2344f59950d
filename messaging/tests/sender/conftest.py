"""The servers and the nursery of the proofs: started once, emptied between tests."""

from collections.abc import Iterator
from typing import Any

import pytest

from evosense.core.schema import tenant_scope
from evosense.testing.databases import ALPHA
from messaging.tests.sender.fakes import fake_server
from messaging.tests.sender.proof import Nursery, Proof, Stage, nursery_of_test_database


@pytest.fixture(scope="module")
def nursery(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Nursery]:
    with (
        django_db_blocker.unblock(),
        nursery_of_test_database(tmp_path_factory.mktemp("senders")) as made,
    ):
        yield made


@pytest.fixture(scope="module")
def simulators() -> Iterator[dict[str, Any]]:
    made: dict[str, Any] = {}
    yield made
    for simulator in made.values():
        simulator.stop()


@pytest.fixture
def stage(committed: None, nursery: Nursery, simulators: dict[str, Any]) -> Iterator[Stage]:
    stage = Stage(nursery, simulators, Proof(nursery.log))
    for simulator in simulators.values():
        simulator.calm()
        simulator.call("DELETE", "/_sim/journal")
    with tenant_scope(ALPHA):
        yield stage
    nursery.end_all()


@pytest.fixture
def server(tenant: Any, committed: None) -> Iterator[Any]:
    """Yield the fake that answers every send of the test's own process."""
    with fake_server() as fake:
        yield fake
