"""pytest fixtures for all apps; the root conftest loads this module as a plugin.

tenant          enters the tenant `alpha`, yields its TenantRef; everything is rolled back
other_tenant    the TenantRef of `beta`, not entered
public          enters the shared schema
committed       no wrapping transaction, for threads and workers; empties the tables afterwards
count_queries   counts what a block sends, without our own `SET search_path`
make_user, make_member, client_for, api_key    see tenancy/tests/factories.py
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis

from evosense.core.schema import TenantRef, active_tenant, public_scope, tenant_scope
from evosense.core.streams import redis_client
from evosense.testing import query_watch

query_watch.watch()
# The same examples in every run and none too slow: a busy machine is no fault of the code, and
# a new example that fails belongs to whoever looks for it, not to the next change.
hypothesis.register_profile(
    "tests", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis.load_profile("tests")


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Any) -> Iterator[None]:
    """Replace pytest-django's: ours clones a template that has both tenants."""
    from evosense.testing.databases import close_test_database, open_test_database

    with django_db_blocker.unblock():
        _refuse_foreign_redis()
        name = open_test_database(os.environ.get("PYTEST_XDIST_WORKER", ""))
    yield
    with django_db_blocker.unblock():
        close_test_database(name)


def _refuse_foreign_redis() -> None:
    """Tests empty their Redis database; one that holds something is somebody's data."""
    if redis_client().dbsize():
        pytest.exit("REDIS_URL names a Redis database with keys in it; give tests an empty one.", 2)


@pytest.fixture(autouse=True)
def _no_statement_joins_companies() -> Iterator[None]:
    """Fail the test in which a statement names two companies' schemas; see query_watch."""
    query_watch.violations.clear()
    yield
    assert query_watch.violations == []


@pytest.fixture
def redis_db(django_db_setup: None) -> Iterator[Any]:
    """Yield the client of this worker's Redis database and empty that afterwards."""
    yield redis_client()
    redis_client().flushdb()


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any, redis_db: Any) -> Iterator[None]:
    """Let the test commit for real; empties our tables afterwards. Threads: see run_threads."""
    from evosense.testing.databases import truncate_everything

    with django_db_blocker.unblock():
        try:
            yield
        finally:
            truncate_everything()
            connections.close_all()


@pytest.fixture
def _database(request: pytest.FixtureRequest) -> None:
    """Take the wrapping transaction, unless the test asked to commit."""
    request.getfixturevalue("committed" if "committed" in request.fixturenames else "db")


@pytest.fixture
def tenant(_database: None) -> Iterator[TenantRef]:
    from evosense.testing.databases import ALPHA

    with tenant_scope(ALPHA):
        yield ALPHA


@pytest.fixture
def other_tenant(_database: None) -> TenantRef:
    from evosense.testing.databases import BETA

    return BETA


@pytest.fixture
def public(_database: None) -> Iterator[None]:
    with public_scope():
        yield


@pytest.fixture(autouse=True)
def _no_tenant_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test that leaves a tenant active; forget what was kept outside the database."""
    yield
    if "_database" in request.fixturenames or "db" in request.fixturenames:
        from evosense.testing.memories import forget_everything

        forget_everything()
    if "db" in request.fixturenames and "redis_db" not in request.fixturenames:
        redis_client().flushdb()
    assert active_tenant() is None, "the test left a tenant scope open"


def _fill_memories() -> None:
    """Read anew what processes remember for seconds, so that no memory ends inside a count."""
    from evosense.testing.databases import ALPHA
    from evosense.testing.memories import forget_everything
    from tenancy.selectors import announcements, brand, hosts

    forget_everything()
    with public_scope():
        announcements._current()  # noqa: SLF001  (nothing public fills it)
    brand.look_of(ALPHA.id)
    hosts.tenant_of_host(f"{ALPHA.slug}.{settings.PUBLIC_HOST}")


@pytest.fixture
def count_queries() -> Callable[[], AbstractContextManager[list[str]]]:
    """Return a context manager whose list holds, afterwards, the statements of the block."""

    @contextmanager
    def counting() -> Iterator[list[str]]:
        seen: list[str] = []
        _fill_memories()
        with CaptureQueriesContext(connection) as captured:
            yield seen
        seen += [
            query["sql"]
            for query in captured.captured_queries
            if not query["sql"].startswith(("SET search_path", "SAVEPOINT", "RELEASE SAVEPOINT"))
        ]

    return counting


@pytest.fixture
def make_user(_database: None) -> Callable[..., Any]:
    from tenancy.tests import factories

    return factories.make_user


@pytest.fixture
def make_member(_database: None) -> Callable[..., Any]:
    from tenancy.tests import factories

    return factories.make_member


@pytest.fixture
def client_for(_database: None) -> Callable[..., Client]:
    """Return `client_for(role, tenant=ALPHA)`: a browser logged in on that tenant's host."""
    from tenancy.tests import factories

    return factories.client_for


@pytest.fixture
def api_key(_database: None) -> str:
    """Return a key of `alpha` with every scope, as a client sends it."""
    from tenancy.tests import factories

    return factories.make_api_key()
