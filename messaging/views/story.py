"""The story of one message: when it reached each state, and what each attempt came to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from messaging.models import Message, Outgoing, OutgoingAttempt
from messaging.selectors.outgoing import sending_views
from messaging.views.bubbles import type_words


@dataclass(frozen=True)
class Step:
    """One line of the timeline."""

    at: datetime
    title: str
    text: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Attempt:
    at: datetime
    act: str
    outcome: str
    detail: str
    milliseconds: int | None


@dataclass(frozen=True)
class Story:
    kind: str
    state: str
    reason: str
    steps: list[Step]
    attempts: list[Attempt]


def story_of(message: Message, attempts: Sequence[OutgoingAttempt]) -> Story:
    """Return everything that is known of how a message came or went."""
    view = sending_views([message.pk]).get(message.pk)
    out = Outgoing.objects.filter(message_id=message.pk).first()
    state = Outgoing.State(view.state).label if view else Message.Status(message.status).label
    if view and view.state == Outgoing.State.SENT:
        state = Message.Status(message.status).label
    return Story(
        kind=type_words(message.type, message.subtype) or _("Text"),
        state=str(state),
        reason=str(view.failure.words) if view and view.failure else "",
        steps=_steps(message, out),
        attempts=[_attempt(one) for one in attempts],
    )


def _steps(message: Message, out: Outgoing | None) -> list[Step]:
    found: list[tuple[datetime | None, Any, str]] = []
    if out is None:
        found.append((message.occurred_at, _("Written"), ""))
    else:
        found.append((out.created_at, _("Put in the queue"), ""))
        found.append((out.sending_at, _("Began to leave"), ""))
        found.append((out.sent_at, _("Handed to WhatsApp"), "ok"))
        if out.finished_at and not out.sent_at:
            found.append((out.finished_at, Outgoing.State(out.state).label, "bad"))
    if message.direction == Message.Direction.INBOUND:
        found.append((message.received_at, _("Received here"), "ok"))
    elif message.status_at and message.status in {"delivered", "read", "played"}:
        found.append((message.status_at, Message.Status(message.status).label, "ok"))
    found.append((message.edited_at, _("Edited"), ""))
    found.append((message.deleted_at, _("Deleted"), "bad"))
    steps = [Step(at, str(title), tone=tone) for at, title, tone in found if at]
    return sorted(steps, key=lambda step: step.at)


def _attempt(one: OutgoingAttempt) -> Attempt:
    outcomes = {
        "accepted": _("Accepted"),
        "not_sent": _("Not sent"),
        "permanent": _("Refused"),
        "unknown": _("Unknown"),
        "found": _("Found on the server"),
        "absent": _("Not on the server"),
    }
    code = f"HTTP {one.http_status}" if one.http_status else ""
    detail = " · ".join(part for part in (code, one.code, one.detail) if part)
    return Attempt(
        at=one.started_at,
        act=_("Sending") if one.act == "send" else _("Looking for it"),
        outcome=outcomes.get(one.outcome, _("Not known")),
        detail=detail,
        milliseconds=one.milliseconds,
    )
