"""The number that a connection is expected to have, put on record before a phone is paired."""

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict, Invalid
from messaging.models import Connection
from messaging.selectors.connections import connection_model
from messaging.services.connections import number_of
from messaging.services.trail import write_down


def register_number(public_id: UUID, *, number: str) -> Connection:
    """Put a number on record; raises NotFound, Invalid, and Conflict once a phone was paired.

    From then on another number that reads the code is held back, see `lifecycle.accept_number`.
    """
    digits = number_of(number)
    if digits is None:
        raise Invalid("number_missing", _("Enter the number of the phone."), field="number")
    with transaction.atomic():
        connection = connection_model(public_id)
        rows = Connection.objects.filter(pk=connection.pk, own_hmac=None, quarantined_at=None)
        if not rows.update(number=digits):
            message = _("A phone is paired already; its number is the one on record.")
            raise Conflict("already_paired", message, field="number")
        write_down("connection.number_registered", connection)
    connection.number = digits
    return connection
