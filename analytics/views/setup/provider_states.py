"""How a provider does, for its line and its page."""

from typing import Any

from django.utils.translation import gettext as _

from analytics.providers.shown import ProviderView, problem_words


def state_of(provider: ProviderView) -> dict[str, Any]:
    """Return the tone and the words of what is known about a provider."""
    if not provider.is_active:
        return {"tone": "", "label": _("Switched off"), "words": ""}
    if provider.is_resting:
        words = problem_words(provider.problem or "breaker_open")
        return {"tone": "warn", "label": _("Given a rest"), "words": words}
    if provider.problem:
        return {"tone": "bad", "label": _("Problem"), "words": problem_words(provider.problem)}
    if provider.checked_at is None:
        return {"tone": "", "label": _("Not tested yet"), "words": ""}
    return {"tone": "ok", "label": _("Answering"), "words": ""}
