"""How far pairing is, put together from the row and the shelf. Asks no server."""

from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from messaging.models import Connection, ConnectionEvent
from messaging.selectors.connections import living
from messaging.services.lifecycle import shelf
from messaging.services.lifecycle.problems import BAD_KEY, LEFT, SERVER_DOWN, words_of
from messaging.services.lifecycle.shelf import Shelf
from messaging.services.lifecycle.tending import may_reconnect
from messaging.services.lifecycle.views import CODE_LIMIT, CODE_SECONDS, PairingView

State = Connection.State
# A server that works shows its first code within this.
FIRST_CODE = timedelta(seconds=25)
# The news that it connects, sent before the first code, may come after it; no person is so quick.
QUICKEST_SCAN = timedelta(seconds=1)
_UP = frozenset({State.CONNECTED, State.DEGRADED})
_STARTING = frozenset({State.INITIALIZING, State.CONNECTING, State.QR_PENDING})
_ENDS = {
    "qr_expired": "expired",
    "pairing_refused": "refused",
    "banned": "banned",
    **dict.fromkeys(SERVER_DOWN, "server_down"),
    **dict.fromkeys(BAD_KEY, "bad_key"),
}
# Starting anew forgets them, so the code that still lies there is the last of those that ended.
_CODES_ENDED = frozenset({"qr_expired", "pairing_refused"})
# The last things that went wrong which are not about pairing.
_NO_FAILURES = frozenset({"", "closed", "other_number", "logged_out", LEFT, "removed", "banned"})


def pairing_view(public_id: UUID) -> PairingView:
    """Return how far pairing is; raises NotFound."""
    connection, found = living(public_id), shelf.look(public_id)
    state, problem = _state(connection, found)
    has_code = state in {"waiting", "code_waiting"}
    shown_at = found.shown_at if has_code else None
    return PairingView(
        connection_id=public_id,
        connection_name=connection.name,
        state=state,
        qr_image=found.image if has_code else "",
        pairing_code=found.typed if has_code else "",
        sequence=found.sequence,
        shown_at=shown_at,
        expires_at=shown_at + timedelta(seconds=CODE_SECONDS) if shown_at else None,
        count=found.count,
        limit=max(CODE_LIMIT, found.count),
        expected_tail=(connection.number or "")[-4:],
        paired_tail=(connection.paired_number or "")[-4:],
        problem=problem,
        words=words_of(problem),
        number=(connection.number or "") if state in {"connected", "already_open"} else "",
        profile_name=connection.profile_name,
    )


def _state(connection: Connection, found: Shelf) -> tuple[str, str]:
    """Return the state for people, and the problem behind it."""
    if connection.quarantined_at is not None and connection.paired_number:
        return "wrong_number", "other_number"
    if connection.state in _UP:
        return ("already_open" if found.outcome == "already_open" else "connected"), ""
    if connection.state == State.BANNED or connection.last_error in _CODES_ENDED:
        problem = "banned" if connection.state == State.BANNED else connection.last_error
        return _ENDS[problem], problem
    if _was_scanned(connection):
        return "scanned", ""
    if found.has_code:
        return ("code_waiting" if found.typed else "waiting"), ""
    return _without_code(connection, found)


def _was_scanned(connection: Connection) -> bool:
    """Tell whether the server left the showing of codes to connect: a phone has read one."""
    if connection.state != State.CONNECTING:
        return False
    events = ConnectionEvent.objects.filter(connection=connection).order_by("-at", "-pk")
    last = list(events.values_list("state", "at")[:2])
    if [state for state, _at in last] != ["connecting", "qr_pending"]:
        return False
    return last[0][1] - last[1][1] > QUICKEST_SCAN


def _broke_off(connection: Connection, found: Shelf) -> bool:
    """Tell whether the session came up after the last code was asked for, and comes back alone."""
    up_at, started_at = connection.connected_at, found.started_at
    was_up = up_at is not None and (started_at is None or up_at >= started_at)
    return was_up and may_reconnect(connection)


def _without_code(connection: Connection, found: Shelf) -> tuple[str, str]:
    error = connection.last_error
    if error not in _NO_FAILURES:
        return _ENDS.get(error, "provider_error"), error
    if _broke_off(connection, found):
        return "lost", error
    if not connection.wants_session:
        return "none", error if error in {"logged_out", LEFT, "removed"} else ""
    if found.count:
        return "expired", "codes_stopped"
    started_at = found.started_at
    if started_at is not None and timezone.now() - started_at < FIRST_CODE:
        return "creating", ""
    is_stuck = started_at is not None and connection.state in _STARTING
    return ("provider_error", "no_code") if is_stuck else ("none", error)
