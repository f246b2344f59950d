"""The entries that messaging adds to the frame of every page."""

from django.utils.translation import gettext_lazy as _

from evosense.core.shell import NavItem, SettingItem, register_nav, register_setting


def register() -> None:
    register_nav(
        NavItem(
            "conversations",
            "messaging:conversation-list",
            _("Conversations"),
            "chat",
            order=20,
            permission="conversations.view",
            current_for=("messaging:conversation", "messaging:message"),
            count_url_name="messaging:unread-count",
        )
    )
    register_nav(
        NavItem(
            "contacts",
            "messaging:contact-list",
            _("Contacts"),
            "users",
            order=40,
            permission="contacts.view",
            current_for=("messaging:contact",),
        )
    )
    register_nav(
        NavItem(
            "connections",
            "messaging:connection-list",
            _("Connections"),
            "mobile",
            order=80,
            permission="connections.view",
            current_for=(
                "messaging:connection",
                "messaging:raw-event",
                "messaging:server",
                "messaging:incident",
            ),
        )
    )
    register_setting(
        SettingItem(
            "webhooks",
            "messaging:webhooks",
            _("Webhooks"),
            "integrations",
            order=20,
            permission="webhooks.manage",
            keywords=_("events, integration, alerts, ERP, HTTP, signature, secret, delivery"),
            note=_("Which other systems are told of events"),
            icon="transfer",
        )
    )
