"""The left index of the settings pages: `{% load settings_index %}`."""

from typing import Any

from django import template

from evosense.core.shell import SettingGroup, is_closed, setting_groups

register = template.Library()


@register.simple_tag(takes_context=True)
def settings_index(context: dict[str, Any]) -> list[SettingGroup]:
    """Return the groups of settings that the person may open, the current page marked."""
    request = context["request"]
    if is_closed(request):
        return []
    match = getattr(request, "resolver_match", None)
    permissions: frozenset[str] = getattr(request, "permissions", frozenset())
    return setting_groups(permissions, match.view_name if match else "")
