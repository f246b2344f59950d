"""The settings entry of the rail, and the pages of the settings that belong to this app."""

from django.utils.translation import gettext_lazy as _

from evosense.core.shell import NavItem, SettingItem, has_settings, register_nav, register_setting


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
    for item in _PAGES:
        register_setting(item)


_PAGES = (
    SettingItem(
        "company",
        "settings:company",
        _("Company"),
        "company",
        order=10,
        permission="settings.manage",
        keywords=_("name, time zone, language, address, plan"),
        note=_("Name, time zone and language"),
        icon="building",
    ),
    SettingItem(
        "brand",
        "settings:brand",
        _("Brand"),
        "company",
        order=20,
        permission="settings.manage",
        keywords=_("logo, colours, white label, look"),
        note=_("Logo and colour on pages and letters"),
        icon="image",
    ),
    SettingItem(
        "policy",
        "settings:policy",
        _("Security"),
        "team",
        order=30,
        permission="settings.manage",
        keywords=_("second step, two factor, MFA, password, session, hours"),
        note=_("Second step, idle time and log-in hours"),
        icon="shield",
    ),
    SettingItem(
        "support",
        "settings:support",
        _("Support access"),
        "account",
        order=50,
        permission="settings.manage",
        keywords=_("EvoSense, help, operator, impersonation"),
        note=_("Who of EvoSense was here, and why"),
        icon="help",
    ),
    SettingItem(
        "people",
        "settings:people",
        _("People"),
        "team",
        order=10,
        permission="members.view",
        keywords=_("users, team, invite, seats, deactivate, owner"),
        note=_("Invite, change roles, deactivate"),
        icon="users",
    ),
    SettingItem(
        "roles",
        "settings:roles",
        _("Roles and permissions"),
        "team",
        order=20,
        permission="members.view",
        keywords=_("access, matrix, profile"),
        note=_("What each role may see and do"),
        icon="lock",
    ),
    SettingItem(
        "keys",
        "settings:keys",
        _("API keys"),
        "integrations",
        order=10,
        permission="keys.manage",
        keywords=_("token, integration, webhook, scopes, ERP"),
        note=_("What other systems may read and change"),
        icon="key",
    ),
    SettingItem(
        "audit",
        "settings:audit",
        _("Audit"),
        "account",
        order=40,
        permission="audit.view",
        keywords=_("history, log, changes, who did it, export"),
        note=_("Who changed what, when and from where"),
        icon="history",
    ),
    SettingItem(
        "data",
        "settings:data",
        _("Data"),
        "account",
        order=60,
        permission="data.export",
        keywords=_("export, archive, backup, portability, LGPD, delete company"),
        note=_("Take everything along, or delete the company"),
        icon="layers",
    ),
    SettingItem(
        "domains",
        "settings:domains",
        _("Own addresses"),
        "company",
        order=30,
        permission="settings.manage",
        keywords=_("domain, DNS, CNAME, TXT, host, address"),
        note=_("Your own domain instead of ours"),
        icon="target",
    ),
)
