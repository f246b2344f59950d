"""The settings entry of the rail, and the pages of the settings that belong to this app."""

from django.utils.translation import gettext_lazy as _

from evosense.core.shell import NavItem, has_settings, register_nav


def register() -> None:
    register_nav(
        NavItem(
            "settings",
            "settings:index",
            _("Settings"),
            "sliders",
            order=90,
            current_for=("settings:",),
            place="foot",
            on_phone=False,
            shown=has_settings,
        )
    )
