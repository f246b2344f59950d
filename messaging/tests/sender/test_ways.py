"""The way to an instance as a turn reads it, and the cursor that reads it."""

import pytest
from django.db import transaction

from evosense.core.schema import current_tenant, database_cursor, public_scope, tenant_scope
from messaging.gateway.models import EvolutionServer
from messaging.gateway.servers import instance_of
from messaging.gateway.ways import Unreachable
from messaging.models import Connection, Outgoing
from messaging.sender import claims, steps
from messaging.sql import Sql
from messaging.tests.sending.things import make_line, say


def opened(line):
    """Return where a turn of this line would go; raises Unreachable."""
    say(line)
    claim = next(one for one in claims.claim(8, []) if one.connection_id == line.public_id)
    opening = steps.begin([claim])[0]
    Outgoing.objects.update(state="cancelled")
    steps.rest(opening.place)
    if opening.unreachable is not None:
        raise opening.unreachable
    return opening.instance


def test_a_turn_goes_where_everybody_else_goes(tenant, committed):
    line = make_line()

    found = opened(line)

    assert found == instance_of(Connection.objects.get(pk=line.pk))


def test_a_changed_key_is_used_by_the_next_turn(tenant, committed):
    line = make_line()
    assert opened(line).key != "changed"

    Connection.objects.filter(pk=line.pk).update(api_key="changed")

    assert opened(line).key == "changed"


@pytest.mark.parametrize(
    ("change", "code"),
    [({"is_active": False}, "server_inactive"), ({"version": ""}, "not_probed")],
)
def test_a_changed_server_counts_at_once(tenant, committed, change, code):
    line = make_line()
    opened(line)

    EvolutionServer.objects.filter(pk=line.server_id).update(**change)

    with pytest.raises(Unreachable) as caught:
        opened(line)
    assert caught.value.code == code


@pytest.mark.parametrize("is_managed", [True, False])
def test_the_key_of_the_house_is_only_for_what_we_made(tenant, committed, is_managed):
    with public_scope():
        fields = {"name": "Casa", "url": "http://127.0.0.1:9", "api_key": "house-key"}
        house = EvolutionServer.objects.create(version="2.3.7", **fields)
    line = make_line()
    own = {"server_id": house.pk, "is_managed": is_managed, "api_key": None}
    Connection.objects.filter(pk=line.pk).update(**own)

    if is_managed:
        assert opened(line).key == "house-key"
    else:
        with pytest.raises(Unreachable, match="no_key"):
            opened(line)


def test_a_server_of_another_company_is_no_way(tenant, other_tenant, committed):
    line = make_line()
    with tenant_scope(other_tenant):
        foreign = EvolutionServer.objects.create(
            tenant_id=other_tenant.id, name="x", url="http://127.0.0.1:7", version="2.3.7"
        )
    Connection.objects.filter(pk=line.pk).update(server_id=foreign.pk)

    with pytest.raises(Unreachable, match="no_server"):
        opened(line)


def test_each_statement_of_a_raw_cursor_looks_at_the_path(tenant):
    with transaction.atomic():
        sql = Sql()
        assert sql.rows("SELECT current_schema()") == [(current_tenant().schema_name,)]
        with public_scope(), database_cursor() as cursor:
            cursor.execute("SELECT 1")
        for ask in (sql.rows, sql.often, sql.run):
            with pytest.raises(RuntimeError, match="search path"):
                ask("SELECT 1")
        with pytest.raises(RuntimeError, match="search path"):
            sql.together(("SELECT 1", ()))


def test_statements_sent_together_see_what_the_ones_before_wrote(tenant):
    with transaction.atomic():
        found = Sql().together(
            ("CREATE TEMP TABLE noted (n int) ON COMMIT DROP", ()),
            ("INSERT INTO noted VALUES (%s::int), (2) RETURNING n", [1]),
            ("SELECT sum(n) FROM noted", ()),
        )
    assert found == [[], [(1,), (2,)], [(3,)]]
