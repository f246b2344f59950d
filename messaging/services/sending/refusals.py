"""Why something is not even queued, in words: pages show them, the service raises them."""

from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict
from evosense.core.schema import current_tenant, database_cursor
from messaging.gateway.capabilities import Capabilities, Refusal
from messaging.models import Connection
from messaging.selectors.connections import connection_model

_State = Connection.State
# The number comes back by itself or after a scan; programs may queue for it.
_PASSING = {
    _State.INITIALIZING,
    _State.QR_PENDING,
    _State.CONNECTING,
    _State.DISCONNECTED,
}
_ABLE = """
SELECT version, coalesce((capabilities->>'is_licensed')::bool, true)
FROM public.gateway_evolutionserver WHERE id = %s
"""
_STATES: dict[str, tuple[str, Promise]] = {
    _State.LOGGED_OUT: (
        "logged_out",
        _("No phone is paired with this number any more. Pair it again."),
    ),
    _State.BANNED: ("banned", _("WhatsApp blocked this number.")),
    _State.REMOVED: ("removed", _("This connection was removed from its server.")),
    **{
        state: ("number_down", _("This number is not connected at the moment."))
        for state in _PASSING
    },
}


def sending_refusal(connection_id: UUID, kind: str = "text") -> Refusal | None:
    """Return why this connection cannot send `kind` now; None when it can."""
    return refusal_of(connection_model(connection_id), kind)


def refusal_of(connection: Connection, kind: str) -> Refusal | None:
    """Like `sending_refusal`, of a row that the caller has; gravest reasons first."""
    return _refusal(connection, kind, capabilities_of(connection))


def refuse(connection: Connection, kind: str, *, may_wait: bool) -> Capabilities | None:
    """Raise Conflict where `refusal_of` says so; who `may_wait` queues for an absent number.

    Returns what the server can do, as `capabilities_of`.
    """
    able = capabilities_of(connection)
    found = _refusal(connection, kind, able)
    if found and not (may_wait and found.code == "number_down"):
        raise Conflict(found.code, found.message)
    return able


def _refusal(connection: Connection, kind: str, able: Capabilities | None) -> Refusal | None:
    return _company() or _line(connection) or _server(connection, kind, able) or _state(connection)


def _company() -> Refusal | None:
    if not current_tenant().is_restricted():
        return None
    return Refusal("company_suspended", _("Sending is suspended for this company."))


def _line(connection: Connection) -> Refusal | None:
    if connection.removed_at is not None:
        return Refusal("removed", _STATES[_State.REMOVED][1])
    if not connection.is_active:
        return Refusal("closed", _("This connection is closed."))
    if connection.quarantined_at is not None:
        return Refusal(
            "quarantined",
            _("Another number was paired with this connection. Decide about it before sending."),
        )
    return None


def _state(connection: Connection) -> Refusal | None:
    found = _STATES.get(connection.state)
    return Refusal(*found) if found else None


def _server(connection: Connection, kind: str, able: Capabilities | None) -> Refusal | None:
    if connection.server_id is None and not connection.server_url:
        return Refusal(
            "no_server", _("Only the webhook of this connection is known; add its server to send.")
        )
    # A server that nobody asked yet is asked by the sender; what it cannot do is said then.
    return able.can_send(kind) if able and able.version else None


def capabilities_of(connection: Connection) -> Capabilities | None:
    """Return what the connection's server can do; None while no server is stored for it."""
    if connection.server_id is None:
        return None
    with database_cursor() as cursor:
        cursor.execute(_ABLE, [connection.server_id])
        row = cursor.fetchone()
    if row is None:
        return None
    return Capabilities(row[0], connection.integration, is_licensed=row[1])
