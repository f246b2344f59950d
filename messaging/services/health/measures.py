"""Findings that the database alone can tell: events, receipts, the fixed rule, the webhook."""

from datetime import datetime, timedelta

from evosense.core.schema import current_tenant, database_cursor, public_scope
from messaging.models import Connection
from messaging.services.health.verdict import Finding
from tenancy.models import AuditEntry

_State = Connection.State
_GOOD, _PENDING = {_State.CONNECTED}, {_State.INITIALIZING, _State.QR_PENDING}
_UNSTABLE = {_State.CONNECTING, _State.DEGRADED}
# Pairing and short losses of the session pass through "connecting"; longer is a fault.
CONNECTING_FOR = timedelta(seconds=90)
# The server's word of the end may come before our own note of having asked for it.
ASKED_WITHIN = timedelta(minutes=5)
# Receipts: which sends are looked at, how long each had, and how few say nothing.
ACK_WINDOW, ACK_PATIENCE, ACK_AT_LEAST, ACK_MOST = (
    timedelta(minutes=30),
    timedelta(seconds=60),
    10,
    50,
)
# Phones that are off confirm later, so half of them missing is an ordinary evening.
ACK_PERCENT = 30

# Groups send no receipts (Evolution PR 2674), so only people's chats count.
_ACKS = """
SELECT count(*), count(*) FILTER (WHERE status IN ('delivered', 'read', 'played')) FROM (
    SELECT m.status FROM messaging_message m
    JOIN messaging_conversation c ON c.id = m.conversation_id
    WHERE m.connection_id = %s AND m.direction = 'outbound' AND c.kind = 'person'
      AND m.source IN ('panel', 'api', 'dispatch', 'flow') AND NOT m.is_history
      AND m.status NOT IN ('pending', 'failed') AND m.occurred_at BETWEEN %s AND %s
    ORDER BY m.occurred_at DESC, m.id DESC LIMIT %s
) last
"""


def has_lived(connection: Connection) -> bool:
    """Tell whether the number was ever connected; one that never was cannot be lost."""
    return connection.connected_at is not None or connection.last_inbound_at is not None


def events(connection: Connection, *, now: datetime) -> Finding:
    """Judge the state that the connection's own events told."""
    state, age = connection.state, int((now - connection.state_at).total_seconds())
    if connection.quarantined_at is not None:
        return Finding("events", "bad", "quarantined")
    if state in _GOOD:
        return Finding("events", "ok", state)
    if state in _PENDING or not has_lived(connection):
        return Finding("events", "unknown", state, age)
    if state == _State.LOGGED_OUT and _was_asked_for(connection):
        return Finding("events", "unknown", "left", age)
    if state in _UNSTABLE:
        is_new = now - connection.state_at < CONNECTING_FOR
        return Finding("events", "unknown" if is_new else "warn", state, age)
    return Finding("events", "bad", state, age)


def _was_asked_for(connection: Connection) -> bool:
    """Tell whether somebody here unpaired the phone: nothing is lost that was given up."""
    tenant = current_tenant()
    with public_scope():
        return AuditEntry.objects.filter(
            tenant_id=tenant.id,
            action="connection.logged_out",
            object_id=str(connection.public_id),
            at__gte=connection.state_at - ASKED_WITHIN,
        ).exists()


def acks(connection: Connection, *, now: datetime) -> Finding:
    """Judge how many of the last sends were confirmed by the other side."""
    last = connection.last_outbound_at
    if last is None or now - last > ACK_WINDOW:
        return Finding("acks", "unknown", "few")
    with database_cursor() as cursor:
        values = [connection.pk, now - ACK_WINDOW, now - ACK_PATIENCE, ACK_MOST]
        cursor.execute(_ACKS, values)
        sent, confirmed = cursor.fetchone()
    if sent < ACK_AT_LEAST:
        return Finding("acks", "unknown", "few")
    percent = confirmed * 100 // sent
    if not confirmed:
        return Finding("acks", "bad", "none", 0)
    if percent < ACK_PERCENT:
        return Finding("acks", "warn", "late", percent)
    return Finding("acks", "ok", "fine", percent)


def silence(connection: Connection, *, now: datetime) -> Finding:
    """Apply the source systems' rule of a fixed time without activity, where it is switched on."""
    minutes = connection.silence_minutes
    if minutes is None or connection.state not in _GOOD:
        return Finding("silence", "off", "off")
    quiet = now - (connection.last_event_at or connection.created_at)
    if quiet <= timedelta(minutes=minutes):
        return Finding("silence", "ok", "fine")
    return Finding("silence", "warn", "silent", int(quiet.total_seconds()))


def webhook(connection: Connection, *, lost_at: float | None = None) -> Finding:
    """Repeat what the last check of the webhook found (`lifecycle.verify_webhook`).

    From `lost_at`, when the server had messages whose events never came, until one comes again
    nothing else counts.
    """
    last = connection.last_event_at
    if lost_at is not None and (last is None or last.timestamp() < lost_at):
        return Finding("webhook", "bad", "lost", lost_at)
    found = connection.webhook_state
    if found in ("ok", "repaired"):
        return Finding("webhook", "ok", found)
    if found == "foreign":
        return Finding("webhook", "bad", found)
    return Finding("webhook", "unknown", found or "unchecked")
