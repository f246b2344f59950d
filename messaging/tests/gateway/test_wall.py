"""Row-level security of servers, as the application's role meets it."""

import psycopg
import pytest
from psycopg import sql

from evosense.core.schema import public_scope
from evosense.testing.databases import ALPHA, BETA
from evosense.testing.house import database_url
from evosense.testing.roles import made_roles
from messaging.gateway.models import EvolutionServer
from tenancy.db.roles import RoleNames

NAMES = RoleNames(*(f"wall_{kind}" for kind in ("owner", "app", "readonly", "backup")))


def test_a_company_uses_the_house_s_servers_and_changes_only_its_own(committed: None) -> None:
    with public_scope():
        for tenant_id, url in ((None, "a"), (ALPHA.id, "b"), (BETA.id, "c")):
            EvolutionServer.objects.create(
                tenant_id=tenant_id, name=url, url=f"https://{url}.example.com"
            )
    with made_roles(NAMES), psycopg.connect(database_url(), autocommit=True) as link:
        link.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(NAMES.app)))
        path = sql.SQL("SET search_path = {}, public").format(sql.Identifier(ALPHA.schema_name))
        link.execute(path)
        seen = link.execute("SELECT name FROM gateway_evolutionserver ORDER BY name").fetchall()
        changed = link.execute("UPDATE gateway_evolutionserver SET name = 'x'").rowcount
        removed = link.execute(
            "DELETE FROM gateway_evolutionserver WHERE tenant_id IS NULL"
        ).rowcount
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            link.execute(
                "INSERT INTO gateway_evolutionserver (id, name, url, version, capabilities,"
                " problem, breaker, breaker_failures, is_active, updated_at)"
                " VALUES (gen_random_uuid(), 'n', 'u', '', '{}', '', 'closed', 0, true, now())"
            )

    assert [name for (name,) in seen] == ["a", "b"]
    assert (changed, removed) == (1, 0)
