"""Connections on a server: made there, or taken over from it.

The row and its webhook route come first, in one transaction; then the server is asked; then its
answer is stored. A crash between the steps leaves a row without `instance_id`, which the next try
completes. Instance names are ours: they are shared by all who use a server.
"""

import secrets
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict, Invalid, NotAllowed
from evosense.core.ids import BASE62, random_token
from evosense.core.phones import br_key
from evosense.core.schema import current_tenant, public_scope
from messaging.gateway import lanes, servers
from messaging.gateway.client.answers import RemoteInstance
from messaging.gateway.client.evolution import evolution
from messaging.gateway.client.instance import Instance
from messaging.gateway.models import EvolutionServer, Lane
from messaging.models import Connection
from messaging.selectors.connections import living
from messaging.services.connections import number_of, one_line, refusals, store_connection
from messaging.services.lifecycle import reaching, webhooks
from messaging.services.lifecycle.observing import observe_state
from messaging.services.lifecycle.problems import ServerRefused, asking
from messaging.services.lifecycle.views import ForeignInstance, InstanceSettings
from messaging.services.trail import write_down
from tenancy.models import WebhookRoute
from tenancy.services import routes

_LETTERS = BASE62[:10] + BASE62[36:]


def create_instance(
    *,
    name: str,
    server_id: UUID | None = None,
    number: str = "",
    settings: InstanceSettings | None = None,
) -> Connection:
    """Make a connection and its instance on a server; `start_pairing` comes next.

    What the server surely refused leaves nothing behind. When nobody knows what it did, the
    connection stays and repeating this, or `start_pairing`, completes it. Raises ServerRefused.
    """
    server = reaching.choose_server(server_id)
    with asking():
        reaching.admin(server)
    fields: dict[str, Any] = {"name": one_line(name, "name", 80), "number": number_of(number)}
    connection = _unfinished(server, fields["name"])
    if connection is not None:
        finish(connection)
        return connection
    fields["settings"] = asdict(settings or InstanceSettings())
    fields |= {"instance": _new_name(), "api_key": random_token()}
    connection, token = _store(server, fields)
    try:
        reaching.make_instance(connection, token=token)
    except ServerRefused as refusal:
        if refusal.is_certain:
            _forget(connection)
        raise
    return connection


def finish(connection: Connection) -> None:
    """Complete a creation that a crash or a silent server cut short; changes nothing otherwise."""
    if connection.is_managed and not connection.instance_id:
        token = routes.offer_token(route_id=connection.public_id, in_use=None)
        reaching.make_instance(connection, token=token)


def adopt_instance(
    *,
    server_id: UUID,
    instance_name: str,
    name: str,
    number: str = "",
    take_over: bool = False,
) -> Connection:
    """Make a connection of an instance that a server of one's own already has.

    Its events come to us from then on; when they go somewhere else now, `take_over` must say so.
    """
    server = _own_server(server_id)
    with asking():
        asker = reaching.admin(server)
        found = reaching.remote(asker, instance_name)
        posts_to = _posts_to(asker, found) if found is not None else ""
    if found is None:
        message = _("The server has no instance of this name.")
        raise Invalid("instance_missing", message, field="instance")
    _refuse_taken(server, found)
    if posts_to and not take_over:
        message = _("This instance posts its events to %(place)s. Taking it over ends that.")
        raise Conflict("webhook_in_use", message % {"place": posts_to}, field="take_over")
    owner = found.owner_jid.partition("@")[0]
    fields = _adopted_fields(found, one_line(name, "name", 80), _agreed(number_of(number), owner))
    fields["settings"] = asdict(InstanceSettings()) | _settings_there(asker, found)
    connection, _token = _store(server, fields)
    connection = webhooks.verify_webhook(connection.public_id)
    observe_state(
        connection.public_id,
        found.state if found.state in {"open", "connecting"} else "",
        own_jid=found.owner_jid if found.state == "open" else "",
        profile_name=found.profile_name,
    )
    return living(connection.public_id)


def foreign_instances(server_id: UUID) -> list[ForeignInstance]:
    """Return what a server of one's own has, with those marked that are connections already."""
    server = _own_server(server_id)
    with asking():
        found = evolution().fetch_instances(reaching.admin(server))
    rows = Connection.objects.filter(server_id=server.pk, removed_at=None)
    ours = {one.instance: one for one in rows.only("instance", "public_id", "name")}
    taken = _taken_names(server)
    return [
        ForeignInstance(
            name=one.name,
            state=one.state,
            number=one.owner_jid.partition("@")[0] or one.number,
            profile_name=one.profile_name,
            integration=one.integration,
            connection_id=ours[one.name].public_id if one.name in ours else None,
            connection_name=ours[one.name].name if one.name in ours else "",
            is_taken=one.name in taken,
        )
        for one in sorted(found, key=lambda one: one.name)
    ]


def _unfinished(server: EvolutionServer, name: str) -> Connection | None:
    rows = Connection.objects.filter(is_managed=True, instance_id="", removed_at=None)
    return rows.filter(server_id=server.pk, name__iexact=name).first()


def _new_name() -> str:
    tail = "".join(secrets.choice(_LETTERS) for _ in range(12))
    return f"evs-{current_tenant().slug}-{tail}"


def _store(server: EvolutionServer, fields: dict[str, Any]) -> tuple[Connection, str]:
    """Store row, route and lane in one transaction; returns the row and the webhook's token."""
    # Where the house's servers stand is not a company's business.
    url = server.url if server.tenant_id is not None else ""
    managed = {"server_id": server.pk, "server_url": url, "is_managed": True}
    with refusals(), transaction.atomic():
        connection, token = store_connection(fields | managed)
        lanes.wake(connection.public_id)
        instance = ["", connection.instance]
        write_down("connection.created", connection, instance=instance, server=["", server.name])
    return connection, token


def _forget(connection: Connection) -> None:
    """Take back a row that nothing refers to yet."""
    with transaction.atomic():
        routes.delete_route(route_id=connection.public_id)
        with public_scope():
            Lane.objects.filter(connection_id=connection.public_id).delete()
        write_down("connection.not_created", connection)
        connection.delete()


def _own_server(server_id: UUID) -> EvolutionServer:
    if not servers.server_view(server_id).is_own:
        message = _("The instances of the house's servers belong to other companies too.")
        raise NotAllowed("house_server", message, field="server_id")
    return servers.server_row(server_id)


def _posts_to(asker: Instance, found: RemoteInstance) -> str:
    """Return the host that the instance posts its events to now, "" for none."""
    hook = evolution().find_webhook(_as(asker, found))
    if hook is None or not hook.is_enabled:
        return ""
    return hook.url.partition("://")[2].partition("/")[0][:100]


def _settings_there(asker: Instance, found: RemoteInstance) -> dict[str, Any]:
    with asking():
        return evolution().find_settings(_as(asker, found))


def _as(asker: Instance, found: RemoteInstance) -> Instance:
    return Instance(asker.server_id, asker.url, asker.key, found.name, asker.capabilities)


def _refuse_taken(server: EvolutionServer, found: RemoteInstance) -> None:
    is_ours = Connection.objects.filter(
        server_id=server.pk, instance=found.name, removed_at=None
    ).exists()
    if is_ours or found.name in _taken_names(server):
        message = _("This instance is already connected.")
        raise Conflict("instance_taken", message, field="instance")


def _taken_names(server: EvolutionServer) -> set[str]:
    """Return the instances at this address that other companies of the house use."""
    tenant = current_tenant()
    with public_scope():
        others = Lane.objects.filter(server__url=server.url).exclude(tenant_id=tenant.id)
        ids = list(others.values_list("connection_id", flat=True))
        names = WebhookRoute.objects.filter(pk__in=ids, is_active=True)
        return set(names.values_list("instance", flat=True))


def _agreed(number: str | None, owner: str) -> str | None:
    """Return the number on record: the one that is paired, which must be the one that was given."""
    if number and owner and br_key(number) != br_key(owner):
        message = _("Another number is paired with this instance.")
        raise Invalid("other_number", message, field="number")
    return owner or number


def _adopted_fields(found: RemoteInstance, name: str, number: str | None) -> dict[str, Any]:
    return {
        "name": name,
        "instance": found.name,
        "instance_id": found.instance_id[:64] or found.name,
        "api_key": found.token or None,
        "integration": found.integration[:24],
        "number": number,
        "profile_name": found.profile_name[:160],
    }
