"""The way to an instance, and how it is made on its server. Network; never in a transaction."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.crypto import token_digest
from evosense.core.errors import Invalid
from messaging.gateway import probes, servers
from messaging.gateway.client.answers import RemoteInstance
from messaging.gateway.client.errors import EvolutionError
from messaging.gateway.client.evolution import evolution
from messaging.gateway.client.instance import Instance
from messaging.gateway.models import EvolutionServer
from messaging.gateway.servers import Unreachable
from messaging.models import Connection
from messaging.services.connections import webhook_url
from messaging.services.lifecycle import webhooks
from messaging.services.lifecycle.problems import asking
from tenancy.services import routes


def reach(connection: Connection) -> Instance:
    """Return where the connection's instance is asked; a server never asked before is asked now.

    Raises Unreachable.
    """
    try:
        return servers.instance_of(connection)
    except Unreachable as refusal:
        if refusal.code != "not_probed" or connection.server_id is None:
            raise
    _probe(servers.server_row(connection.server_id))
    return servers.instance_of(connection)


def admin(server: EvolutionServer) -> Instance:
    """Return who may make instances on the server; raises Unreachable."""
    try:
        return servers.admin_of(server)
    except Unreachable as refusal:
        if refusal.code != "not_probed":
            raise
    _probe(server)
    return servers.admin_of(servers.server_row(server.pk))


def _probe(server: EvolutionServer) -> None:
    found = probes.probe_server(server.pk)
    if not found.version:
        raise Unreachable(found.problem or "not_probed")


def make_instance(connection: Connection, *, token: str) -> None:
    """Have the server make the instance with our webhook and no code, then store what it is.

    Repeating it after a crash finds the instance made before. Raises ServerRefused.
    """
    with asking(connection):
        made = _create(connection, token)
    if made is not None:
        _store(connection, instance_id=made[0], api_key=made[1])
        routes.promote_token(route_id=connection.public_id, digest=token_digest(token))
        Connection.objects.filter(pk=connection.pk).update(
            webhook_state="ok", webhook_checked_at=timezone.now()
        )


def _create(connection: Connection, token: str) -> tuple[str, str] | None:
    """Return id and key of a new instance; None when one made before was found and stored."""
    asker = admin(_server(connection))
    webhooks.wait_for_receivers()
    try:
        made = evolution().create_instance(
            asker,
            name=connection.instance,
            webhook_url=webhook_url(connection.public_id),
            webhook_headers={webhooks.HEADER: token},
            settings=connection.settings,
            number=connection.number or "",
            token=connection.api_key or "",
        )
    except EvolutionError as error:
        if error.code != "name_taken":
            raise
        _find(connection, asker)
        return None
    return made.instance_id, made.token


def _find(connection: Connection, asker: Instance) -> None:
    """Take over the instance that an earlier try made: the name is random, so it is ours."""
    found = remote(asker, connection.instance)
    if found is None:
        raise EvolutionError("name_taken")
    _store(connection, instance_id=found.instance_id, api_key=found.token)
    webhooks.repair(connection, servers.instance_of(connection))


def remote(asker: Instance, name: str) -> RemoteInstance | None:
    """Return an instance as its server lists it, None when it has none of this name."""
    for found in evolution().fetch_instances(asker, name=name):
        if found.name == name:
            return found
    return None


def _store(connection: Connection, *, instance_id: str, api_key: str) -> None:
    connection.instance_id = instance_id[:64] or connection.instance
    # A server that hides tokens takes the one that we chose.
    connection.api_key = api_key or connection.api_key
    connection.save(update_fields=["instance_id", "api_key", "updated_at"])


def _server(connection: Connection) -> EvolutionServer:
    if connection.server_id is None:
        raise Unreachable("no_server")
    return servers.server_row(connection.server_id)


def choose_server(server_id: object | None) -> EvolutionServer:
    """Return the server that was asked for, or the only one there is; raises Invalid."""
    usable = [view for view in servers.servers_for_tenant() if view.is_active and view.has_key]
    chosen = [view for view in usable if server_id in (None, view.id)]
    if len(chosen) != 1:
        message = (
            _("Choose the server that the number shall be connected to.")
            if chosen
            else _("There is no server that can make instances. Add one with its key first.")
        )
        raise Invalid("server_missing", message, field="server_id")
    return servers.server_row(chosen[0].id)
