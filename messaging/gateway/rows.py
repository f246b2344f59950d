"""Rows of servers and their keys, read in the scope of whoever owns them.

Keys are encrypted for their owner: a company's inside its scope, the house's outside all. Whatever
reads a row of the house for a company therefore leaves the key out, and `key_of` fetches it.
"""

from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import NotFound
from evosense.core.schema import active_tenant
from messaging.gateway import lanes
from messaging.gateway.models import EvolutionServer, Lane
from messaging.gateway.ways import scope_of_owner


def server_rows() -> QuerySet[EvolutionServer]:
    """Return the servers that may be used here, without keys, which may not be readable here."""
    rows = EvolutionServer.objects.defer("api_key")
    tenant = active_tenant()
    # Row-level security says the same; it does not bind whoever connects as a superuser.
    return rows.filter(Q(tenant_id=tenant.id) | Q(tenant_id=None)) if tenant else rows


def server_row(server_id: UUID) -> EvolutionServer:
    """Return a server that may be used here, without its key; raises NotFound."""
    row = server_rows().filter(pk=server_id).first()
    if row is None:
        raise no_such_server()
    return row


def scope_of(server: EvolutionServer) -> AbstractContextManager[Any]:
    """Return the scope in which the row may be written and its key be read."""
    return scope_of_owner(server.tenant_id)


def key_of(server: EvolutionServer) -> str | None:
    """Return the server's key, whoever owns it; None when it has none."""
    with scope_of(server):
        row = EvolutionServer.objects.only("api_key").filter(pk=server.pk).first()
    return row.api_key if row is not None else None


def release_lanes(server_id: UUID) -> None:
    """Let every number of a server try again, because what stopped them may be over."""
    stopped = Lane.objects.filter(server_id=server_id, state__in=["tripped", "held"])
    for connection_id in stopped.values_list("connection_id", flat=True):
        lanes.release(connection_id)


def no_such_server() -> NotFound:
    """Return the refusal for a server that is not there, or not theirs."""
    return NotFound("not_found", _("There is no such server."))
