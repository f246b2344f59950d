"""The side bar of the operators' site, in the order of need."""

from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

# Title, icon, URL name.
_GROUPS: list[tuple[Any, list[tuple[Any, str, str]]]] = []


def add_group(title: Any, items: list[tuple[Any, str, str]]) -> None:
    """Append a group of pages: title, icon and URL name of each."""
    _GROUPS.append((title, items))


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups as unfold wants them."""
    return [
        {
            "title": title,
            "separator": bool(number),
            "items": [
                {
                    "title": label,
                    "icon": icon,
                    "link": reverse(name),
                    "active": _is_at(request, name),
                }
                for label, icon, name in items
            ],
        }
        for number, (title, items) in enumerate(_GROUPS)
    ]


def _is_at(request: HttpRequest, name: str) -> bool:
    try:
        place = reverse(name)
    except NoReverseMatch:
        return False
    return request.path == place or (name != "admin:index" and request.path.startswith(place))


add_group("", [(_("Overview"), "monitoring", "admin:index")])
