"""Prompts as pages and the API show them; a fixed number of queries for any list."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from difflib import SequenceMatcher
from uuid import UUID

from django.db.models import Max, Q, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext as _

from analytics.models import PromptLabel, PromptLabelEvent, PromptTemplate
from evosense.core.errors import NotFound
from evosense.core.pagination import Page, newest_first

MOST_NAMES = 200
MOST_MOVES = 50
# Lines of the one times lines of the other.
MOST_COMPARED = 300 * 300


@dataclass(frozen=True, slots=True)
class LabelView:
    label: str
    number: int
    is_protected: bool
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class PromptView:
    """One name with its newest version and where its labels point."""

    name: str
    task: str
    newest: PromptTemplate
    versions: int
    labels: list[LabelView] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DiffLine:
    """`kind` is "same", "added" or "removed"."""

    kind: str
    text: str
    before: int | None
    after: int | None


def prompts(*, task: str = "") -> list[PromptView]:
    """Return every name of the company, the one written last first."""
    rows = PromptTemplate.objects.filter(task=task) if task else PromptTemplate.objects.all()
    ranked = rows.annotate(
        place=Window(RowNumber(), partition_by="name", order_by="-number"),
        count=Window(Max("number"), partition_by="name"),
    )
    newest = list(ranked.filter(place=1).order_by("-created_at", "-pk")[:MOST_NAMES])
    labels = labels_of([row.name for row in newest])
    return [
        PromptView(row.name, row.task, row, row.number, labels.get(row.name, [])) for row in newest
    ]


def labels_of(names: Iterable[str]) -> dict[str, list[LabelView]]:
    """Return the labels of each name, production first."""
    found: dict[str, list[LabelView]] = defaultdict(list)
    rows = PromptLabel.objects.filter(name__in=list(names)).select_related("template")
    for row in sorted(rows, key=lambda one: (one.label != "production", one.label)):
        view = LabelView(row.label, row.template.number, row.is_protected, row.updated_at)
        found[row.name].append(view)
    return found


def versions(name: str, *, limit: int = 50, cursor: str | None = None) -> Page[PromptTemplate]:
    """Return versions of one name, the newest first; raises NotFound for an unknown name."""
    rows = PromptTemplate.objects.filter(name=name)
    page = newest_first(rows, field="created_at", limit=limit, cursor=cursor)
    if not page.rows and not cursor:
        raise NotFound("prompt_not_found", _("There is no such prompt."))
    return page


def task_of(name: str) -> str:
    """Return the task that a name's versions are written for; raises NotFound."""
    task = PromptTemplate.objects.filter(name=name).values_list("task", flat=True).first()
    if task is None:
        raise NotFound("prompt_not_found", _("There is no such prompt."))
    return task


def version(public_id: UUID) -> PromptTemplate:
    """Return one version; raises NotFound."""
    row = PromptTemplate.objects.filter(public_id=public_id).first()
    if row is None:
        raise NotFound("prompt_not_found", _("There is no such prompt."))
    return row


def numbered(name: str, number: int) -> PromptTemplate:
    """Return one version by name and number; raises NotFound."""
    row = PromptTemplate.objects.filter(name=name, number=number).first()
    if row is None:
        raise NotFound("prompt_not_found", _("There is no such prompt."))
    return row


def moves(name: str) -> list[PromptLabelEvent]:
    """Return the last moves of labels to and from a name, the newest first."""
    touching = Q(name=name) | Q(previous__name=name)
    rows = PromptLabelEvent.objects.filter(touching).select_related("previous", "template")
    return list(rows.order_by("-pk")[:MOST_MOVES])


def difference(before: str, after: str) -> list[DiffLine]:
    """Return the lines of two texts side by side as one list, in the order of the newer.

    Matching takes the cube of the lines at worst, and people write the texts: what lies between
    the common beginning and end is compared only up to some three hundred lines.
    """
    old, new = before.splitlines(), after.splitlines()
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    old_end, new_end = len(old) - tail, len(new) - tail
    lines = [DiffLine("same", old[at], at + 1, at + 1) for at in range(head)]
    for kind, start, stop, first, last in _changes(old[head:old_end], new[head:new_end]):
        if kind == "equal":
            shift = first - start
            places = range(start + head, stop + head)
            lines += [DiffLine("same", old[at], at + 1, at + shift + 1) for at in places]
            continue
        gone, come = range(start + head, stop + head), range(first + head, last + head)
        lines += [DiffLine("removed", old[at], at + 1, None) for at in gone]
        lines += [DiffLine("added", new[at], None, at + 1) for at in come]
    lines += [
        DiffLine("same", old[old_end + i], old_end + i + 1, new_end + i + 1) for i in range(tail)
    ]
    return lines


def _changes(old: list[str], new: list[str]) -> list[tuple[str, int, int, int, int]]:
    if len(old) * len(new) > MOST_COMPARED:
        return [("replace", 0, len(old), 0, len(new))]
    return list(SequenceMatcher(None, old, new, autojunk=False).get_opcodes())


def _common(one: list[str], other: list[str]) -> int:
    """Return how many lines two lists begin with together."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
