"""What people do with a connection, for the audit."""

from typing import Any

from messaging.models import Connection
from tenancy.services import audit


def write_down(action: str, connection: Connection, **changes: list[Any]) -> None:
    """Add an act on a connection to the trail; inside the act's transaction."""
    audit.record(
        action,
        object_type="connection",
        object_id=connection.public_id,
        object_label=connection.name,
        changes=dict(changes),
    )
