"""Trying versions side by side on a few texts, without a row and without a customer noticing."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from uuid import UUID

from django.db import connections
from django.utils.translation import gettext as _

from analytics.analysis.context import context_of
from analytics.analysis.dialogue import ends_at
from analytics.analysis.items import ArmSpec, Item
from analytics.analysis.judging import preview_items
from analytics.models import Inference
from evosense.core.errors import Invalid
from messaging.models import Message

MOST_TEXTS = 50
MOST_COLUMNS = 4
LONGEST_TEXT = 4_000


@dataclass(frozen=True, slots=True)
class Column:
    """One side of the playground."""

    title: str
    arm: ArmSpec


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    message_id: UUID | None
    answers: list[Inference]


def pasted(text: str) -> list[Item]:
    """Return one item a line of what was pasted; raises Invalid with field `texts`."""
    lines = [line.strip() for line in text.replace("\x00", "").splitlines()]
    lines = [line for line in lines if line]
    if not lines:
        raise Invalid("required", _("Paste at least one message."), field="texts")
    if len(lines) > MOST_TEXTS:
        raise Invalid("too_many", _("At most 50 messages at a time."), field="texts")
    if any(len(line) > LONGEST_TEXT for line in lines):
        raise Invalid("too_long", _("A message has at most 4,000 characters."), field="texts")
    # Negative ids name nothing that is stored.
    return [Item(message_id=-at, text=line) for at, line in enumerate(lines, start=1)]


def stored(public_ids: Sequence[UUID]) -> list[Item]:
    """Return real messages with their context, in the order asked; raises Invalid `messages`."""
    if not 1 <= len(public_ids) <= MOST_TEXTS:
        raise Invalid("too_many", _("Choose 1 to 50 messages."), field="messages")
    rows = Message.objects.filter(public_id__in=public_ids, deleted_at=None).exclude(text="")
    found = {row.public_id: row for row in rows}
    missing = [one for one in public_ids if one not in found]
    if missing:
        message = _("There is no such message, or it has no text: %(id)s.") % {"id": missing[0]}
        raise Invalid("message_not_found", message, field="messages")
    contexts = context_of([row.pk for row in found.values()])
    return [
        Item(message_id=row.pk, text=row.text, context=contexts.get(row.pk, ()))
        for row in (found[one] for one in public_ids)
    ]


def newest(limit: int = 10) -> list[UUID]:
    """Return the newest received messages that have a text, to begin with."""
    rows = Message.objects.filter(direction="inbound", is_hidden=False, deleted_at=None)
    rows = rows.exclude(text="").order_by("-occurred_at", "-pk")
    return list(rows.values_list("public_id", flat=True)[:limit])


def try_out(items: Sequence[Item], columns: Sequence[Column]) -> list[Line]:
    """Return each text with what every column says; raises Invalid for too many columns.

    Columns are judged at the same time, until one common deadline; one that is late says so.
    """
    if not 1 <= len(columns) <= MOST_COLUMNS:
        raise Invalid("too_many", _("Compare 1 to 4 columns."), field="columns")
    answers = _answers(items, [column.arm for column in columns])
    ids = dict(
        Message.objects.filter(
            pk__in=[item.message_id for item in items if item.message_id > 0]
        ).values_list("pk", "public_id")
    )
    return [
        Line(item.text, ids.get(item.message_id), [column[at] for column in answers])
        for at, item in enumerate(items)
    ]


def _answers(items: Sequence[Item], arms: Sequence[ArmSpec]) -> list[list[Inference]]:
    """Ask providers in a thread each; the embedded analyser, which waits for nobody, in this one.

    An arm that stands in two columns is asked once.
    """
    until = ends_at()

    def judge(arm: ArmSpec) -> list[Inference]:
        try:
            return preview_items(items, arm, until=until)
        finally:
            # A thread has connections of its own, which end with it.
            connections.close_all()

    paid = [arm for arm in dict.fromkeys(arms) if arm.kind == "provider"]
    with ThreadPoolExecutor(max(1, len(paid)), thread_name_prefix="playground") as pool:
        asked = {arm: pool.submit(copy_context().run, judge, arm) for arm in paid}
        own = {arm: preview_items(items, arm) for arm in dict.fromkeys(arms) if arm not in asked}
        return [own[arm] if arm in own else asked[arm].result() for arm in arms]
