"""What each act of the audit is called, and how an entry reads as a sentence.

    register_action("label.created", _("Label created"), _("%(who)s created the label %(object)s"))

An act that nobody described is shown by its name, so a trail never hides what it does not know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from tenancy.audit_values import NOTHING, field_label, value_words
from tenancy.models import AuditEntry


@dataclass(frozen=True, slots=True)
class Words:
    """`sentence` may use who, object, before and after; the last two are those of `field`."""

    label: Any
    sentence: Any
    field: str = ""


_actions: dict[str, Words] = {}


def register_action(action: str, label: Any, sentence: Any, *, field: str = "") -> None:
    """Describe an act, or replace its description."""
    _actions[action] = Words(label, sentence, field)


def action_label(action: str) -> str:
    """Return what the act is called; its own name when nobody described it."""
    words = _actions.get(action)
    return str(words.label) if words else action


def action_choices() -> list[tuple[str, str]]:
    """Return (action, label) of every described act, by label."""
    found = [(action, str(words.label)) for action, words in _actions.items()]
    return sorted(found, key=lambda pair: pair[1].casefold())


def actions_of(*areas: str) -> list[str]:
    """Return the described acts whose name begins with one of `areas` and a dot."""
    return [action for action in _actions if action.partition(".")[0] in areas]


def sentence_of(entry: AuditEntry, *, who: str = "") -> str:
    """Return the entry as one sentence, in the active language."""
    words = _actions.get(entry.action)
    named = {"who": who or who_of(entry), "object": entry.object_label or entry.object_id}
    if words is None:
        return f"{named['who']}: {entry.action} {named['object']}".strip()
    before, after = _pair(entry.changes, words.field)
    text = str(words.sentence) % {**named, "before": before, "after": after}
    return " ".join(text.split())


def who_of(entry: AuditEntry) -> str:
    """Return who acted, as the entry itself remembers it."""
    if entry.actor_kind == AuditEntry.ActorKind.SYSTEM:
        return _("EvoSense")
    label = entry.actor_label or entry.actor_id or NOTHING
    if entry.actor_kind == AuditEntry.ActorKind.KEY:
        return _("API key %(name)s") % {"name": label}
    if entry.actor_kind == AuditEntry.ActorKind.SUPPORT:
        return _("Support (%(name)s)") % {"name": label}
    return label


def changes_of(entry: AuditEntry) -> list[tuple[str, str, str]]:
    """Return (field, before, after) of everything that changed, in words."""
    changes: Mapping[str, Any] = entry.changes
    return [(field_label(field), *_pair(changes, field)) for field in changes]


def _pair(changes: Mapping[str, Any], field: str) -> tuple[str, str]:
    pair = changes.get(field)
    if not isinstance(pair, list) or len(pair) != 2:
        return NOTHING, value_words(pair, field)
    return value_words(pair[0], field), value_words(pair[1], field)
