"""Fixtures that the tests of several subjects of this app share."""

from collections.abc import Iterator

import pytest

from tenancy.selectors.brand import forget_looks


@pytest.fixture
def _no_look_kept() -> Iterator[None]:
    """Forget the brands that this process has read, before and after."""
    forget_looks()
    yield
    forget_looks()
