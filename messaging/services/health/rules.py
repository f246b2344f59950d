"""The source systems' fixed rule of silence, as an owner may switch it on for a number."""

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Invalid
from messaging.models import Connection
from messaging.selectors.connections import connection_model
from messaging.services.trail import write_down

SHORTEST, LONGEST = 5, 1440


def set_silence_rule(public_id: UUID, *, minutes: int | None) -> Connection:
    """Call a number unstable after so many minutes without activity; None switches it off.

    Raises NotFound, Invalid. The source systems had it at five minutes for every number, which
    makes a quiet night an alarm: it is off by default and never part of anything else.
    """
    if minutes is not None and not SHORTEST <= minutes <= LONGEST:
        message = _("Use %(shortest)s to %(longest)s minutes.") % {
            "shortest": SHORTEST,
            "longest": LONGEST,
        }
        raise Invalid("invalid", message, field="silence_minutes")
    connection = connection_model(public_id)
    before, connection.silence_minutes = connection.silence_minutes, minutes
    if before != minutes:
        with transaction.atomic():
            connection.save(update_fields=["silence_minutes", "updated_at"])
            write_down(
                "connection.silence_rule_set",
                connection,
                silence_minutes=[before or "", minutes or ""],
            )
    return connection
