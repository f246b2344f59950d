"""The pages that share the entry "Experiments" of the rail."""

from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from evosense.core.pages import may

_PAGES = (
    ("experiments", "analytics:experiment-list", "experiments.view"),
    ("prompts", "analytics:prompt-list", "experiments.view"),
    ("review", "analytics:review", "labels.review"),
    ("drift", "analytics:experiment-drift", "experiments.view"),
)


def laboratory_tabs(request: HttpRequest, current: str) -> list[dict[str, Any]]:
    """Return the tabs that this person may open."""
    words = {
        "experiments": _("Experiments"),
        "prompts": _("Prompts"),
        "review": _("Review"),
        "drift": _("Drift"),
    }
    return [
        {"url": url, "label": words[key], "is_current": key == current}
        for key, name, permission in _PAGES
        if may(request, permission) and (url := _address(name))
    ]


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
