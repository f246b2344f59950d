"""The row that an act on a connection needs: a living one, or one that we look after."""

from uuid import UUID

from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict, NotFound
from messaging.models import Connection
from messaging.selectors.connections import connection_model


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
