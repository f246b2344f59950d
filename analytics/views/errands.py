"""What pages say of something that is waited for: under way, or why nothing came."""

from typing import Any

from django.utils.translation import gettext as _

from analytics.errands import rows
from analytics.models import Errand
from analytics.views.panel.words import reason_words


def state_context(errand: Errand | None) -> dict[str, Any]:
    """Return `errand`, whether it `is_under_way`, and the `outcome` in words if it is not good."""
    if errand is None:
        return {"errand": None, "is_under_way": False, "outcome": ""}
    state = rows.state_of(errand)
    return {
        "errand": errand,
        "is_under_way": state in rows.OPEN,
        "outcome": _outcome(state, errand.error),
    }


def _outcome(state: str, error: str) -> str:
    if state == rows.State.FAILED:
        return _failure(error)
    return {
        rows.State.EXPIRED: _("This took too long and was given up. Try again."),
        rows.State.CANCELLED: _("It was cancelled."),
    }.get(rows.State(state), "")


def _failure(error: str) -> str:
    return {
        "nothing_said": _("There are no words to analyse."),
        "message_not_found": _("A message does not exist any more, or has no text."),
        "conversation_not_found": _("This conversation does not exist any more."),
        "invalid": _("A provider or a prompt that was chosen does not exist any more."),
        "not_found": _("The provider was removed."),
    }.get(error) or reason_words(error)
