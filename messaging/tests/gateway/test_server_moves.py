"""A key goes only to the host that it was saved with: keys of single instances, too."""

import pytest

from evosense.core.schema import TenantRef, public_scope, tenant_scope
from messaging.gateway import lanes
from messaging.gateway.models import EvolutionServer
from messaging.gateway.servers import Unreachable, create_server, instance_of, update_server
from messaging.models import Connection
from messaging.tests.factories import make_connection
from tenancy.models import AuditEntry

OLD, NEW = "http://127.0.0.1:8", "http://127.0.0.1:5"


def _server() -> EvolutionServer:
    server = create_server(name="Servidor", url=OLD, api_key="old-key")
    _know(server)
    return server


def _know(server: EvolutionServer) -> None:
    EvolutionServer.objects.filter(pk=server.pk).update(version="2.3.7")


def _connection(server: EvolutionServer, *, is_managed: bool = True) -> Connection:
    connection = make_connection(api_key="of-the-instance")
    rows = Connection.objects.filter(pk=connection.pk)
    rows.update(server_id=server.pk, is_managed=is_managed)
    connection.refresh_from_db()
    lanes.wake(connection.public_id)
    return connection


def test_a_new_host_gets_the_key_that_was_entered_for_it(tenant: TenantRef) -> None:
    server = _server()
    moved, other = _connection(server), make_connection(api_key="of-another")
    assert instance_of(moved).key == "of-the-instance"

    update_server(server.pk, name="Servidor", url=NEW, api_key="new-key")
    _know(server)

    # Read before the change, asked after it.
    found = instance_of(moved)
    assert (found.url, found.key) == (NEW, "new-key")
    other.refresh_from_db()
    assert other.api_key == "of-another"
    with public_scope():
        entry = AuditEntry.objects.filter(action="server.changed").latest("pk")
    assert entry.changes["instance_keys"] == [1, 0]


def test_the_same_host_keeps_them(tenant: TenantRef) -> None:
    server = _server()
    connection = _connection(server)

    update_server(server.pk, name="Outro", url=f"{OLD}/evo", api_key="new-key")
    _know(server)

    assert instance_of(connection).key == "of-the-instance"


def test_a_server_of_the_house_forgets_those_of_every_company(
    tenant: TenantRef, other_tenant: TenantRef
) -> None:
    with public_scope():
        server = _server()
    ours = _connection(server)
    with tenant_scope(other_tenant):
        theirs = _connection(server, is_managed=False)

    with public_scope():
        update_server(server.pk, name="Casa", url=NEW, api_key="new-key")
        _know(server)

    assert (instance_of(ours).url, instance_of(ours).key) == (NEW, "new-key")
    with tenant_scope(other_tenant):
        # Not made by us: the house's key must not open it.
        with pytest.raises(Unreachable) as refused:
            instance_of(theirs)
        assert refused.value.code == "no_key"
