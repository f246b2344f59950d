"""What every act on a connection needs: its living row, its history entry, its news."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict, NotFound
from messaging.models import Connection
from messaging.selectors.connections import connection_model
from tenancy.services import audit


def living(public_id: UUID) -> Connection:
    """Return a connection that was not removed; raises NotFound."""
    connection = connection_model(public_id)
    if connection.removed_at is not None:
        raise NotFound("connection_not_found", _("This connection does not exist."))
    return connection


def managed(public_id: UUID) -> Connection:
    """Return a living connection whose instance we look after; raises Conflict for others."""
    connection = living(public_id)
    if not connection.is_managed:
        message = _("This connection was made by hand; change it on the server itself.")
        raise Conflict("by_hand", message)
    return connection


def write_down(action: str, connection: Connection, **changes: list[Any]) -> None:
    """Add the act to the audit trail; inside its transaction."""
    audit.record(
        action,
        object_type="connection",
        object_id=connection.public_id,
        object_label=connection.name,
        changes=dict(changes),
    )
