"""The backend keeps statements in the tenant of the context, whoever changed the connection."""

import asyncio
from contextlib import closing, suppress
from copy import deepcopy

import psycopg
import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from evosense.core.schema import (
    NoTenantError,
    after_commit,
    current_schema,
    public_scope,
    tenant_scope,
)
from evosense.testing.databases import ALPHA, BETA
from evosense.testing.threads import run_threads
from messaging.models import Connection
from tenancy.db.backend.base import DatabaseWrapper, quoted, render_path
from tenancy.db.pool import reset_search_path
from tenancy.models import Tenant


def path(cursor=None):
    if cursor is not None:
        cursor.execute("SHOW search_path")
        return cursor.fetchone()[0]
    with connection.cursor() as opened:
        return path(opened)


def name_a_connection(name):
    Connection.objects.create(name=name, instance=name)


def names():
    return list(Connection.objects.values_list("name", flat=True))


def test_scopes_nest_and_come_back(db):
    with tenant_scope(ALPHA):
        with tenant_scope(BETA):
            assert path() == "t_test2, public"
        with public_scope():
            assert path() == "public"
        assert path() == "t_test1, public"
    assert path() == "public"


def test_rows_of_one_tenant_are_invisible_in_the_other(tenant, other_tenant):
    name_a_connection("mine")
    with tenant_scope(other_tenant):
        assert names() == []
    assert names() == ["mine"]


def test_a_tenant_table_does_not_exist_in_the_shared_schema(public):
    with pytest.raises(DatabaseError), transaction.atomic():
        names()


def test_a_cursor_kept_open_follows_the_scope(db):
    with connection.cursor() as cursor:
        with tenant_scope(ALPHA):
            assert path(cursor) == "t_test1, public"
        assert path(cursor) == "public"
        with tenant_scope(BETA):
            assert path(cursor) == "t_test2, public"


def test_a_server_side_cursor_reads_the_tenant_that_opened_it(tenant, other_tenant):
    name_a_connection("mine")
    rows = Connection.objects.values_list("name", flat=True).iterator(chunk_size=1)
    assert next(rows) == "mine"
    with tenant_scope(other_tenant):
        assert list(Connection.objects.iterator(chunk_size=1)) == []


@pytest.mark.parametrize(
    "statement",
    [
        "SET search_path = t_test2, public",
        "SELECT set_config('search_path', 't_test2', false)",
        "RESET search_path",
        "RESET ALL",
    ],
)
def test_somebody_elses_path_is_healed(tenant, statement):
    connection.connection.execute(statement)
    assert path() == "t_test1, public"


def test_discard_all_is_healed(tenant, committed):
    path()
    connection.connection.execute("DISCARD ALL")
    assert path() == "t_test1, public"


def test_a_rolled_back_savepoint_takes_the_path_along_and_it_is_healed(db):
    path()
    sid = transaction.savepoint()
    with tenant_scope(ALPHA):
        assert path() == "t_test1, public"
        transaction.savepoint_rollback(sid)
        assert connection.connection.info.parameter_status("search_path") == "public"
        assert path() == "t_test1, public"


def test_a_failed_transaction_is_healed_after_its_rollback(tenant, other_tenant):
    with suppress(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT no_such_column")
    assert path() == "t_test1, public"
    with suppress(DatabaseError), transaction.atomic(), tenant_scope(other_tenant):
        names()
        with connection.cursor() as cursor:
            cursor.execute("SELECT no_such_column")
    assert path() == "t_test1, public"


def test_the_path_is_set_once_for_many_statements(tenant):
    with CaptureQueriesContext(connection) as captured, tenant_scope(BETA):
        for _turn in range(5):
            names()
    sets = [query["sql"] for query in captured if query["sql"].startswith("SET search_path")]
    assert len(sets) == 1
    assert len(captured) == 6


def test_the_server_reports_its_path_so_asking_costs_no_round_trip(tenant):
    path()
    assert connection.connection.info.parameter_status("search_path") == "t_test1, public"
    assert render_path(["t_test1", "public"]) == "t_test1, public"
    assert render_path(["Odd name", "public"]) == '"Odd name", public'


def test_stock_doors_are_closed(public):
    with pytest.raises(RuntimeError):
        connection.set_tenant(Tenant(schema_name="t_test1"))
    with pytest.raises(RuntimeError):
        connection.set_schema("t_test1")
    with pytest.raises(RuntimeError), Tenant(schema_name="t_test1"):
        pass
    assert current_schema() == "public"


def test_only_our_kind_of_name_may_stand_in_a_statement():
    assert quoted("t_abc123") == '"t_abc123"'
    for bad in ('t"; DROP SCHEMA public; --', "T_Upper", "", "t-x", "t_x\n", "public"):
        with pytest.raises(ValueError, match="schema name"):
            quoted(bad)


def test_threads_keep_their_own_tenant(committed):
    def work(tenant):
        def act():
            found = set()
            for _turn in range(100):
                with tenant_scope(tenant):
                    found.add(path().split(",")[0])
                found.add(path())
            return found

        return act

    results = run_threads([work(ALPHA), work(BETA)] * 2)
    assert results == [{"t_test1", "public"}, {"t_test2", "public"}] * 2


def test_async_tasks_keep_their_own_tenant(committed):
    """200 interleaved tasks through one connection, a thread each, and the cache on the loop."""

    def in_thread():
        with closing(connection):
            return path()

    async def one(tenant, number):
        with tenant_scope(tenant):
            await asyncio.sleep(0)
            shared = await sync_to_async(path)()
            own = (
                await sync_to_async(in_thread, thread_sensitive=False)() if number < 20 else shared
            )
            await cache.aset("k", tenant.slug)
            await asyncio.sleep(0)
            return {shared, own} == {f"{tenant.schema_name}, public"} and await cache.aget("k")

    async def main():
        return await asyncio.gather(*[one([ALPHA, BETA][n % 2], n) for n in range(200)])

    assert async_to_sync(main)() == ["alpha", "beta"] * 100


def test_a_new_thread_starts_without_a_tenant(committed):
    with tenant_scope(ALPHA):
        assert run_threads([path]) == ["public"]


@pytest.fixture
def pooled(committed):
    """A wrapper with one pooled connection, as production has them."""
    settings = deepcopy(connection.settings_dict)
    settings["CONN_MAX_AGE"] = 0
    settings["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 1, "reset": reset_search_path}
    wrapper = DatabaseWrapper(settings, "pooled_test")
    yield wrapper
    wrapper.close()
    wrapper.close_pool()


def use(wrapper, tenant):
    with tenant_scope(tenant), wrapper.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid(), current_schema()")
        row = cursor.fetchone()
    wrapper.close()
    return row


def test_a_pooled_connection_forgets_its_tenant(pooled):
    first = use(pooled, ALPHA)
    second = use(pooled, BETA)
    assert first[0] == second[0], "the same server process served both"
    assert (first[1], second[1]) == ("t_test1", "t_test2")
    with pooled.pool.connection() as raw:
        assert raw.execute("SHOW search_path").fetchone()[0] == '"$user", public'
        with pytest.raises(psycopg.errors.UndefinedTable):
            raw.execute("SELECT 1 FROM messaging_message")


def kill(pid):
    connection.cursor().execute("SELECT pg_terminate_backend(%s, 2000)", [pid])


def test_a_connection_that_died_in_the_pool_is_replaced(pooled):
    dead = use(pooled, ALPHA)[0]
    kill(dead)
    assert use(pooled, ALPHA)[0] != dead


def test_a_connection_that_dies_in_use_raises_djangos_error(pooled):
    with tenant_scope(ALPHA), pooled.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        kill(cursor.fetchone()[0])
        for _ in range(3):
            with pytest.raises(DatabaseError):
                cursor.execute("SELECT 1")
    with tenant_scope(BETA), suppress(DatabaseError), pooled.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_a_connection_returned_in_a_failed_transaction_forgets_too(pooled):
    with tenant_scope(ALPHA), suppress(DatabaseError), pooled.cursor() as cursor:
        pooled.set_autocommit(False)
        cursor.execute("SELECT no_such_column")
    pooled.close()
    assert use(pooled, BETA)[1] == "t_test2"


def test_after_commit_acts_in_the_tenant_of_the_call(committed):
    found = []
    with public_scope(), transaction.atomic():
        with tenant_scope(ALPHA):
            after_commit(lambda: found.append(current_schema()))
        after_commit(lambda: found.append(current_schema()))
        assert found == []
    assert found == ["t_test1", "public"]


def test_cache_keys_are_the_tenants_and_refused_without_one(tenant, other_tenant):
    cache.set("k", "alpha's")
    with tenant_scope(other_tenant):
        assert cache.get("k") is None
    assert cache.get("k") == "alpha's"
    with public_scope(), pytest.raises(NoTenantError):
        cache.get("k")


def test_listing_tables_looks_at_the_active_schema_only(tenant):
    tables = connection.introspection.table_names()
    assert "messaging_message" in tables
    assert "tenancy_tenant" not in tables
    with public_scope():
        assert "messaging_message" not in connection.introspection.table_names()
