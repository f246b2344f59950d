"""What people decide about a connection: its name, its role, its settings, its silence."""

from dataclasses import asdict, fields
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Invalid
from messaging.gateway.client.evolution import evolution
from messaging.models import Connection
from messaging.selectors.connections import living
from messaging.services.connections import one_line, rename_connection, take_turn
from messaging.services.lifecycle import reaching
from messaging.services.lifecycle.problems import asking
from messaging.services.lifecycle.row import managed
from messaging.services.lifecycle.views import InstanceSettings
from messaging.services.trail import write_down

LONGEST_MUTE = timedelta(days=7)
_KNOWN = {one.name for one in fields(InstanceSettings)}


def rename(public_id: UUID, *, name: str) -> Connection:
    """Give a connection another name; raises Conflict when it is taken."""
    return rename_connection(living(public_id).public_id, name=name)


def set_default(public_id: UUID) -> Connection:
    """Send from this connection where nobody chooses another."""
    with transaction.atomic():
        take_turn()
        connection = living(public_id)
        if connection.is_default:
            return connection
        Connection.objects.filter(is_default=True).update(is_default=False)
        connection.is_default = True
        connection.save(update_fields=["is_default", "updated_at"])
        write_down("connection.made_default", connection)
    return connection


def set_bulk(public_id: UUID, *, allowed: bool) -> Connection:
    """Allow or forbid that automated sending uses this number."""
    connection = living(public_id)
    before, connection.allows_bulk = connection.allows_bulk, allowed
    with transaction.atomic():
        connection.save(update_fields=["allows_bulk", "updated_at"])
        if before != allowed:
            write_down("connection.bulk_changed", connection, allows_bulk=[before, allowed])
    return connection


def settings_of(connection: Connection) -> InstanceSettings:
    """Return the settings as wanted; what was never said has our default."""
    return InstanceSettings(**{k: v for k, v in connection.settings.items() if k in _KNOWN})


def save_settings(public_id: UUID, settings: InstanceSettings) -> Connection:
    """Set the instance's settings on its server, then here. Raises ServerRefused."""
    connection = managed(public_id)
    text = settings.call_text.strip()
    wanted = asdict(settings) | {"call_text": one_line(text, "call_text", 200) if text else ""}
    before = asdict(settings_of(connection))
    with asking(connection):
        evolution().set_settings(reaching.reach(connection), wanted)
    with transaction.atomic():
        connection.settings = wanted
        connection.save(update_fields=["settings", "updated_at"])
        # The text may name people; that it changed is enough.
        changed = {k: [before[k], v] for k, v in wanted.items() if v != before[k]}
        if "call_text" in changed:
            changed["call_text"] = ["", "changed"]
        if changed:
            write_down("connection.settings_changed", connection, **changed)
    return connection


def mute(public_id: UUID, *, until: datetime | None) -> Connection:
    """Let a connection's alerts be silent until then; None ends it. At most seven days."""
    connection, now = living(public_id), timezone.now()
    if until is not None and not now < until <= now + LONGEST_MUTE:
        message = _("Choose a time within the next seven days.")
        raise Invalid("invalid", message, field="muted_until")
    before, connection.muted_until = connection.muted_until, until
    with transaction.atomic():
        connection.save(update_fields=["muted_until", "updated_at"])
        times = [one.isoformat() if one else "" for one in (before, until)]
        write_down("connection.muted" if until else "connection.unmuted", connection, until=times)
    return connection
