"""The row that an act on a connection's instance needs: one that we look after."""

from uuid import UUID

from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict
from messaging.models import Connection
from messaging.selectors.connections import living


def managed(public_id: UUID) -> Connection:
    """Return a living connection whose instance we look after; raises Conflict for others."""
    connection = living(public_id)
    if not connection.is_managed:
        message = _("This connection was made by hand; change it on the server itself.")
        raise Conflict("by_hand", message)
    return connection
