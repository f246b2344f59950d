from collections.abc import Iterator

import pytest

from messaging.tests.health.rig import Simulator, simulator


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with simulator() as running:
        yield running
