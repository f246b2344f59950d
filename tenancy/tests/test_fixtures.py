"""The fixtures every app builds on."""

import pytest
from django.db import connection

from evosense.core.schema import current_schema, tenant_scope
from evosense.core.streams import redis_client
from evosense.testing.databases import ALPHA
from evosense.testing.threads import run_threads
from tenancy.models import Domain, Membership, Tenant, User
from tenancy.services.keys import verify_key


def test_the_tenant_is_entered_and_the_other_is_not(tenant, other_tenant):
    assert current_schema() == tenant.schema_name == "t_test1"
    assert other_tenant.schema_name == "t_test2"


@pytest.mark.parametrize("_turn", [1, 2])
def test_rows_of_a_test_are_gone_in_the_next(tenant, make_member, _turn):
    assert User.objects.count() == 0
    make_member("owner")
    assert Membership.objects.get().tenant_id == tenant.id


@pytest.mark.parametrize("_turn", [1, 2])
def test_committed_rows_are_seen_by_threads_and_gone_afterwards(committed, make_user, _turn):
    make_user(email="a@example.com")
    assert run_threads([User.objects.count] * 2) == [1, 1]
    assert Tenant.objects.count() == Domain.objects.count() == 2


def test_committed_goes_together_with_a_tenant(tenant, committed):
    assert not connection.in_atomic_block

    def path():
        with tenant_scope(ALPHA), connection.cursor() as cursor:
            cursor.execute("SHOW search_path")
            return cursor.fetchone()[0]

    assert run_threads([path]) == ["t_test1, public"]


@pytest.mark.parametrize("_turn", [1, 2])
def test_redis_is_empty_at_the_start_of_each_test(db, _turn):
    assert redis_client().dbsize() == 0
    redis_client().set("g:left", 1)


def test_statements_are_counted_without_our_own(tenant, count_queries):
    with count_queries() as statements:
        User.objects.count()
        with tenant_scope(ALPHA):
            User.objects.count()
    assert len(statements) == 2


def test_the_key_is_one_of_alpha(api_key):
    key = verify_key(api_key)
    assert key is not None
    assert (key.tenant_id, key.scopes) == (ALPHA.id, ["all"])
