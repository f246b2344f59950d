from collections.abc import Iterator

import pytest

from messaging.tests.webhooks_out.rig import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server
