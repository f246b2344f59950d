"""Saving a company's choices with what follows from them: alarms that are over, work to ask again.

Sharing personal data with a provider needs a word of its own, which the audit keeps apart.
"""

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.analysis import budget, claims
from analytics.analysis.settings import ai_settings, save_settings
from analytics.models import AiBudget, AiNotice, AiSettings
from analytics.transcribing import jobs
from evosense.core.errors import Invalid
from tenancy.services import audit

_OF_BUDGET = frozenset(
    {"token_limit", "cost_limit_micros", "currency", "experiments_share", "conversations_share"}
)
_OF_JUDGE = frozenset({"engine", "provider_id"})


def choose(*, confirms_sharing: bool = False, **changes: Any) -> AiSettings:
    """Save choices; raises Invalid with the field at fault.

    Redaction goes off only with `confirms_sharing`: Invalid `confirmation_required` otherwise.
    """
    with transaction.atomic():
        before = ai_settings()
        is_opened = before.redacts and changes.get("redacts") is False
        if is_opened and not confirms_sharing:
            message = _("Confirm that personal data may leave for the provider.")
            raise Invalid("confirmation_required", message, field="redacts")
        row = save_settings(**changes)
        changed = {name for name in changes if getattr(before, name) != getattr(row, name)}
        if "redacts" in changed:
            _note_redaction(row)
        if changed & _OF_BUDGET:
            _renew_alarms(row)
        if changed & (_OF_BUDGET | _OF_JUDGE):
            claims.ask_again()
        if changed & (_OF_BUDGET | _OF_JUDGE | {"transcribes"}):
            jobs.ask_again()
    return row


def _note_redaction(row: AiSettings) -> None:
    act = "analysis.redaction_on" if row.redacts else "analysis.redaction_off"
    audit.record(
        act, object_type="ai_settings", changes={"redacts": [not row.redacts, row.redacts]}
    )


def _renew_alarms(row: AiSettings) -> None:
    """Take back what was said about a budget that is no longer used up; it may be said again."""
    month = budget.this_month()
    for used in AiBudget.objects.select_for_update().filter(month=month).order_by("pk"):
        percent = budget.used_percent(used, budget.limits_of(row, used.part))
        if percent < 100:
            used.exhausted_at = None
            _close(AiNotice.Kind.BUDGET_EXHAUSTED, used)
        if percent < budget.WARNED_FROM:
            used.warned_at = None
            _close(AiNotice.Kind.BUDGET_WARNING, used)
        used.save(update_fields=["exhausted_at", "warned_at"])


def _close(kind: str, used: AiBudget) -> None:
    rows = AiNotice.objects.filter(kind=kind, subject=f"{used.month:%Y-%m}:{used.part}")
    rows.filter(closed_at=None).update(closed_at=timezone.now())
