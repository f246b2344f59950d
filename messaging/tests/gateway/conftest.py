from collections.abc import Iterator

import pytest

from messaging.gateway.client.evolution import Evolution
from messaging.tests.gateway.rig import Script, scripted


@pytest.fixture
def server() -> Iterator[Script]:
    with scripted() as script:
        yield script


@pytest.fixture
def client() -> Evolution:
    return Evolution()
