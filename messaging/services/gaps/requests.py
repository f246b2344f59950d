"""Repairs asked for, by a person or by the end of an incident; one is active for a connection."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Greatest, Least
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.actor import current_actor
from evosense.core.errors import Conflict, Invalid, NotFound
from evosense.core.outbox import emit
from messaging.events import GapRepairAsked
from messaging.models import Connection, GapRepair, Incident
from messaging.selectors.connections import connection_model
from messaging.services.trail import write_down

# Evolution's clock and the phones' are not ours.
MARGIN = timedelta(minutes=10)
# Further back is an import of history, not a repair.
FURTHEST = timedelta(days=30)
FIRST_THE_EVENTS = timedelta(seconds=45)
DEFAULT_WINDOW = timedelta(hours=24)
# How often, and how long after it was asked for, a repair that was refused is tried again.
REFUSED_PAUSE, REFUSED_FOR = timedelta(minutes=5), timedelta(days=7)
ACTIVE = (GapRepair.State.QUEUED, GapRepair.State.RUNNING)
_UP = (Connection.State.CONNECTED, Connection.State.DEGRADED)


def request_repair(
    public_id: UUID,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    reason: str = "manual",
) -> GapRepair:
    """Read a window (by default the last day) again; raises NotFound, Invalid, Conflict.

    While a repair is active it takes on the wider window and is returned.
    """
    connection = connection_model(public_id)
    now = timezone.now()
    end = min(until or now, now)
    start = since or end - DEFAULT_WINDOW
    if start >= end:
        raise Invalid("empty_window", _("The beginning must be before the end."), field="since")
    if end - start > FURTHEST or start < now - FURTHEST:
        too_wide = _("A repair reaches back at most %(days)s days.") % {"days": FURTHEST.days}
        raise Invalid("window_too_wide", too_wide, field="since")
    if connection.removed_at is not None or not _can_be_asked(connection):
        unasked = _("Evolution cannot be asked: this connection has no server or no key.")
        raise Conflict("no_server", unasked)
    with transaction.atomic():
        repair = ask_for_repair(connection, since=start, until=end, reason=reason)
        write_down("connection.repair_asked", connection)
    return repair


def ask_for_repair(
    connection: Connection,
    *,
    since: datetime,
    until: datetime,
    reason: str,
    incident: Incident | None = None,
) -> GapRepair:
    """Queue a repair in the caller's transaction, or widen the one that is active.

    One that nobody asked for is begun by a look a minute later (`revive`): a session that is back
    brings events of its own first, and those count as news.
    """
    since = max(since - MARGIN, until - FURTHEST)
    wanted = GapRepair(
        connection=connection,
        incident=incident,
        reason=reason,
        since=since,
        until=until,
        actor_user_id=acting_person(),
    )
    GapRepair.objects.bulk_create([wanted], ignore_conflicts=True)
    # Locked, so that the one that is active cannot end before it has taken the window on.
    rows = GapRepair.objects.select_for_update().filter(connection=connection, state__in=ACTIVE)
    active = rows.get()
    if active.public_id != wanted.public_id:
        _widen(active, since, until)
    if reason == "manual":
        emit(GapRepairAsked(connection.pk, active.pk))
    return active


def fetch_missed(connection: Connection, *, since: datetime, reason: str) -> None:
    """Queue a repair up to now, for a connection whose server can be asked."""
    if _can_be_asked(connection):
        with transaction.atomic():
            ask_for_repair(connection, since=since, until=timezone.now(), reason=reason)


def cancel_repair(public_id: UUID) -> GapRepair:
    """Stop a repair; what it stored stays. Raises NotFound; one that has ended stays as it is."""
    with transaction.atomic():
        repair = GapRepair.objects.select_for_update().filter(public_id=public_id).first()
        if repair is None:
            raise NotFound("repair_not_found", _("This repair does not exist."))
        if repair.state in ACTIVE:
            repair.state, repair.finished_at = GapRepair.State.CANCELLED, timezone.now()
            repair.lease_until = None
            repair.save(update_fields=["state", "finished_at", "lease_until"])
    return repair


def revive(connection: Connection) -> None:
    """Start what has waited long enough, and again what nobody works on.

    Its worker died, its ticket was lost, or events were still on their way.
    """
    stale = GapRepair.objects.filter(connection=connection, state__in=ACTIVE).filter(
        Q(lease_until__lt=timezone.now())
        | Q(lease_until=None, created_at__lt=timezone.now() - FIRST_THE_EVENTS)
    )
    for repair in stale:
        with transaction.atomic():
            emit(GapRepairAsked(connection.pk, repair.pk))
    if connection.state in _UP:
        _ask_again(connection)


def _ask_again(connection: Connection) -> None:
    """Queue again what a server refused to tell, now and then: a key is mended, a way is opened."""
    now = timezone.now()
    rows = GapRepair.objects.filter(connection=connection)
    refused = rows.filter(
        state=GapRepair.State.FAILED,
        finished_at__lt=now - REFUSED_PAUSE,
        created_at__gt=now - REFUSED_FOR,
    )
    with transaction.atomic():
        repair = refused.select_for_update(skip_locked=True).order_by("pk").first()
        if repair is None or rows.filter(state__in=ACTIVE).exists():
            return
        # The page stays; what was recovered before is told already.
        counts = dict.fromkeys(("seen", "missing", "recovered", "chats"), 0)
        refused.filter(pk=repair.pk).update(
            state=GapRepair.State.QUEUED, lease_until=None, finished_at=None, **counts
        )
        emit(GapRepairAsked(connection.pk, repair.pk))


def _widen(active: GapRepair, since: datetime, until: datetime) -> None:
    """A wider window is read from its newest page on; its worker notices at the next page."""
    if active.since <= since and active.until >= until:
        return
    GapRepair.objects.filter(pk=active.pk).update(
        since=Least(F("since"), since), until=Greatest(F("until"), until), page=1, pages=None
    )
    active.refresh_from_db()


def _can_be_asked(connection: Connection) -> bool:
    return connection.server_id is not None or bool(connection.server_url and connection.api_key)


def acting_person() -> int | None:
    """Return the id of the person who acts, None for a key or the house itself."""
    actor = current_actor()
    return int(actor.id) if actor.kind == "user" and actor.id.isdigit() else None
