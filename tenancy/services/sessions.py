"""Log-in sessions of people: begun, kept alive, listed, ended.

`UserSession` (allauth) holds one row for each: when it began, when a person last did something.
The session itself keeps only flags, because two requests at once overwrite each other's.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from allauth.usersessions.models import UserSession
from django.contrib.auth import login as begin_session
from django.contrib.auth import logout as end_session
from django.contrib.auth import update_session_auth_hash
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from evosense.core.actor import Actor, acting, current_actor
from evosense.core.client_address import client_address
from evosense.core.schema import active_tenant, public_scope
from tenancy import devices
from tenancy.models import AuditEntry, Membership, User
from tenancy.recent import mark_proved
from tenancy.services import audit, stream_doors

LONGEST = timedelta(days=7)
# On the public host only operators have sessions.
OPERATOR_IDLE = timedelta(hours=1)
OPERATOR_LONGEST = timedelta(hours=12)
TOUCH_EVERY = timedelta(minutes=1)
SECOND_FACTOR = "second_factor"
BACKEND = "django.contrib.auth.backends.ModelBackend"

End = Literal["", "idle", "expired"]


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One place where a person is logged in."""

    key: str
    device: str
    icon: str
    address: str
    host: str
    started_at: datetime
    seen_at: datetime
    is_current: bool


def start(request: HttpRequest, user: User, *, method: str, second_factor: bool) -> AuditEntry:
    """Log the person in under a new session key; returns the audit entry about it."""
    request.session.pop("half_way", None)
    begin_session(request, user, backend=BACKEND)
    request.session[SECOND_FACTOR] = second_factor
    request.session.save()
    with public_scope():
        UserSession.objects.create_from_request(request)
        mine = UserSession.objects.filter(session_key=request.session.session_key)
        mine.update(data={"host": request.get_host(), "method": method})
    device = devices.describe(request.headers.get("User-Agent", ""))
    with acting(_person(user, request)):
        return audit.record(
            "session.started",
            object_type="user",
            object_id=user.pk,
            object_label=user.email,
            changes={"method": ["", method], "device": ["", device]},
        )


def note_proof(request: HttpRequest | None, **_details: object) -> None:
    """Count every log-in as proof, also one through Django's own function."""
    if request is not None:
        mark_proved(request)


def end(request: HttpRequest, *, reason: str = "logout") -> None:
    """End this session and forget it."""
    user = request.user
    if isinstance(user, User):
        _note_end(user, reason)
        stream_doors.end_sessions(user.pk, [public_key(request.session.session_key or "")])
        with public_scope():
            UserSession.objects.filter(session_key=request.session.session_key).delete()
    end_session(request)


def touch(request: HttpRequest, *, idle: timedelta, longest: timedelta, active: bool) -> End:
    """Note that the person does something; returns why the session is over, if it is."""
    key = request.session.session_key
    with public_scope():
        row = UserSession.objects.filter(session_key=key).only("created_at", "last_seen_at").first()
        if row is None:
            UserSession.objects.create_from_request(request)
            return ""
        now = timezone.now()
        if now - row.created_at >= longest:
            return "expired"
        if now - row.last_seen_at >= idle:
            return "idle"
        if active and now - row.last_seen_at >= TOUCH_EVERY:
            _write_activity(request, row, now)
    return ""


def rotate(request: HttpRequest) -> None:
    """Give the session a new key after a change of what it may do."""
    before = request.session.session_key
    request.session.cycle_key()
    _follow(before, request)


def renew(request: HttpRequest, user: User) -> None:
    """Keep this session, under a new key, after the person's password changed."""
    before = request.session.session_key
    update_session_auth_hash(request, user)
    mark_proved(request)
    _follow(before, request)


def listed(user: User, current_key: str | None) -> list[SessionRow]:
    """Return where the person is logged in, the present session first, then the newest."""
    with public_scope():
        rows = list(UserSession.objects.filter(user_id=user.pk).order_by("-last_seen_at"))
        keys = [row.session_key for row in rows]
        alive = set(
            Session.objects.filter(
                session_key__in=keys, expire_date__gt=timezone.now()
            ).values_list("session_key", flat=True)
        )
    shown = [
        _row(row, current_key)
        for row in rows
        if row.session_key in alive and timezone.now() - row.created_at < LONGEST
    ]
    return sorted(shown, key=lambda row: not row.is_current)


def end_one(user: User, key: str) -> bool:
    """End the session that `listed` calls `key`; False when the person has no such session."""
    with public_scope():
        rows = UserSession.objects.filter(user_id=user.pk)
        found = [row for row in rows if public_key(row.session_key) == key]
    return bool(_end_rows(user, found, reason="ended by the person"))


def end_others(user: User, *, keep: str | None, reason: str) -> int:
    """End every session of the person but the one with the key `keep`; returns how many."""
    with public_scope():
        rows = UserSession.objects.filter(user_id=user.pk).exclude(session_key=keep or "")
        found = list(rows)
    return _end_rows(user, found, reason=reason)


def end_all(user: User, *, reason: str) -> int:
    """End every session of the person, as after a reset of the password."""
    return end_others(user, keep=None, reason=reason)


def public_key(session_key: str) -> str:
    """Return a name for a session that opens nothing."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:20]


def purge() -> int:
    """Drop sessions that are over and what was noted about them; returns how many."""
    now = timezone.now()
    with public_scope():
        gone, _rows = Session.objects.filter(expire_date__lt=now).delete()
        alive = Session.objects.values("session_key")
        UserSession.objects.filter(created_at__lt=now - timedelta(hours=1)).exclude(
            session_key__in=alive
        ).delete()
    return int(gone)


def _follow(before: str | None, request: HttpRequest) -> None:
    with public_scope():
        UserSession.objects.filter(session_key=before).update(
            session_key=request.session.session_key
        )


def _write_activity(request: HttpRequest, row: UserSession, now: datetime) -> None:
    # Compared again: of many requests at once one writes.
    stale = UserSession.objects.filter(pk=row.pk, last_seen_at__lt=now - TOUCH_EVERY)
    fresh = {"last_seen_at": now, "ip": client_address(request) or "0.0.0.0"}  # noqa: S104
    if not stale.update(**fresh):
        return
    membership = getattr(request, "membership", None)
    if membership is not None:
        Membership.objects.filter(pk=membership.pk).update(last_seen_at=now)


def _end_rows(user: User, rows: list[UserSession], *, reason: str) -> int:
    if not rows:
        return 0
    with transaction.atomic():
        with public_scope():
            Session.objects.filter(session_key__in=[row.session_key for row in rows]).delete()
            UserSession.objects.filter(pk__in=[row.pk for row in rows]).delete()
        _note_end(user, reason, count=len(rows))
        stream_doors.end_sessions(user.pk, [public_key(row.session_key) for row in rows])
    return len(rows)


def _note_end(user: User, reason: str, *, count: int = 1) -> None:
    audit.record(
        "session.ended",
        object_type="user",
        object_id=user.pk,
        object_label=user.email,
        changes={"reason": ["", reason], "sessions": [count, 0]},
    )


def _row(row: UserSession, current_key: str | None) -> SessionRow:
    return SessionRow(
        key=public_key(row.session_key),
        device=devices.describe(row.user_agent),
        icon=devices.icon_of(row.user_agent),
        address="" if row.ip == "0.0.0.0" else str(row.ip),  # noqa: S104
        host=row.data.get("host", ""),
        started_at=row.created_at,
        seen_at=row.last_seen_at,
        is_current=row.session_key == current_key,
    )


def _person(user: User, request: HttpRequest) -> Actor:
    """Name the person: until now the request belonged to nobody."""
    now = current_actor()
    kind: Literal["operator", "user"] = "user" if active_tenant() else "operator"
    return Actor(
        kind=kind,
        id=str(user.pk),
        label=user.email,
        address=client_address(request),
        request_id=now.request_id or getattr(request, "request_id", ""),
    )
