"""Labels: names that move between versions. `production` is what judges; each move is kept."""

import re
from dataclasses import dataclass, replace
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from analytics.models import PromptLabel, PromptLabelEvent, PromptTemplate
from analytics.models.prompts import PRODUCTION
from analytics.prompting.versions import Author, is_intact
from evosense.core.errors import Conflict, Invalid
from tenancy.services import audit
from tenancy.services.names import clean_note

_LABEL = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
PROTECTED = frozenset({PRODUCTION})
LONGEST_LABEL = 32
LONGEST_REASON = 1_000


@dataclass(frozen=True, slots=True)
class Why:
    """The reason of a move, and the experiment that speaks for it."""

    reason: str = ""
    run_id: str = ""
    snapshot: dict[str, Any] | None = None


def resolve(task: str) -> PromptTemplate | None:
    """Return the version in production for `task`; None when the company has none.

    Raises Conflict `prompt_altered` when the row is not what was written: nobody is judged by it.
    """
    label = PromptLabel.objects.filter(task=task, label=PRODUCTION).select_related("template")
    found = label.first()
    if found is None:
        return None
    if not is_intact(found.template):
        raise Conflict("prompt_altered", _("This version was altered outside of the application."))
    return found.template


@transaction.atomic
def move_label(
    label: str,
    template: PromptTemplate,
    *,
    author: Author,
    why: Why | None = None,
    expected: int | None = None,
) -> PromptLabel:
    """Point `label` at `template`; raises Invalid without a reason that a protected one needs.

    `expected` is the primary key of the version it is believed to point at: Conflict
    `label_moved` when somebody was faster. Production is one per task, whatever the name.
    """
    why = why or Why()
    why = replace(why, reason=_said(why.reason))
    row = _held_row(label, template)
    before = row.template if row else None
    _check(label, row, why, expected)
    if before and before.pk == template.pk:
        raise Conflict("unchanged", _("The label is there already."))
    if row is None:
        row = PromptLabel(label=label, is_protected=label in PROTECTED)
    row.name, row.task, row.template = template.name, template.task, template
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        # Two set it for the first time at once.
        raise _moved() from error
    _note(row.name, label, before, template, author, why)
    return row


@transaction.atomic
def remove_label(name: str, label: str, *, author: Author, reason: str = "") -> None:
    """Take a label away; for production the template of the house judges from then on."""
    reason = _said(reason)
    row = PromptLabel.objects.select_for_update().filter(name=name, label=label).first()
    if row is None:
        return
    _check(label, row, Why(reason), None)
    before = row.template
    row.delete()
    _note(name, label, before, None, author, Why(reason))


def roll_back(task: str, *, author: Author, reason: str) -> PromptLabel:
    """Move production of `task` to where it was before its last move; raises Conflict."""
    with transaction.atomic():
        row = PromptLabel.objects.select_for_update().filter(task=task, label=PRODUCTION).first()
        last = _last_move(row) if row else None
        if row is None or last is None or last.previous is None:
            raise Conflict("no_earlier_version", _("There is nothing to go back to."))
        return move_label(PRODUCTION, last.previous, author=author, why=Why(reason))


@transaction.atomic
def protect(name: str, label: str, *, is_protected: bool) -> None:
    """Let a label move only with a reason and by people, or freely; production always is."""
    if label in PROTECTED and not is_protected:
        raise Invalid("protected", _("Production is always protected."), field="label")
    changed = PromptLabel.objects.filter(
        name=name, label=label, is_protected=not is_protected
    ).update(is_protected=is_protected)
    if changed:
        audit.record(
            "prompt.label_protected",
            object_type="prompt",
            object_label=f"{name}:{label}",
            changes={"is_protected": [not is_protected, is_protected]},
        )


def _held_row(label: str, template: PromptTemplate) -> PromptLabel | None:
    rows = PromptLabel.objects.select_for_update().select_related("template")
    if label == PRODUCTION:
        return rows.filter(task=template.task, label=label).first()
    return rows.filter(name=template.name, label=label).first()


def _last_move(row: PromptLabel) -> PromptLabelEvent | None:
    moves = PromptLabelEvent.objects.filter(label=PRODUCTION, template=row.template)
    return moves.select_related("previous").order_by("-pk").first()


def _check(label: str, row: PromptLabel | None, why: Why, expected: int | None) -> None:
    if len(label) > LONGEST_LABEL or not _LABEL.match(label):
        message = _("Use up to 32 small letters, digits and hyphens.")
        raise Invalid("invalid", message, field="label")
    is_protected = row.is_protected if row else label in PROTECTED
    if is_protected and not why.reason:
        message = _("Say why: this label decides how messages are judged.")
        raise Invalid("required", message, field="reason")
    if expected is not None and (row is None or row.template_id != expected):
        raise _moved()


def _said(reason: str) -> str:
    return clean_note(reason, field="reason", length=LONGEST_REASON)


def _moved() -> Conflict:
    return Conflict("label_moved", _("Somebody moved this label meanwhile."))


def _note(
    name: str,
    label: str,
    before: PromptTemplate | None,
    after: PromptTemplate | None,
    author: Author,
    why: Why,
) -> None:
    PromptLabelEvent.objects.create(
        name=name, label=label, previous=before, template=after, reason=why.reason,
        run_id=why.run_id, snapshot=why.snapshot, actor_id=author.id,
        actor_name=author.name[:100],
    )  # fmt: skip
    audit.record(
        "prompt.label_moved",
        object_type="prompt",
        object_label=f"{name}:{label}",
        changes={"version": [before.version if before else None, after.version if after else None]},
    )
