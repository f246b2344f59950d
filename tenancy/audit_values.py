"""What the changed fields of an audit entry are called, and how their values read.

A field or a value that nobody described is shown as it was stored: a trail hides nothing.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenancy.models import Domain, Feature, Membership, Tenant
from tenancy.scopes import SCOPE_TABLE

NOTHING = "\N{EN DASH}"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d.*)?\Z", re.ASCII)

_FIELDS: dict[str, Any] = {
    "address": gettext_lazy("Address"),
    "allowed_networks": gettext_lazy("Networks"),
    "api_keys": gettext_lazy("API keys"),
    "color": gettext_lazy("Colour"),
    "connections": gettext_lazy("Connections"),
    "count": gettext_lazy("Count"),
    "delete_after": gettext_lazy("Deleted after"),
    "device": gettext_lazy("Device"),
    "drafts_moved": gettext_lazy("Drafts handed over"),
    "email": gettext_lazy("E-mail"),
    "ended_by": gettext_lazy("Ended by"),
    "events": gettext_lazy("Events"),
    "expires_at": gettext_lazy("Valid until"),
    "format": gettext_lazy("Format"),
    "hash": gettext_lazy("Seal"),
    "idle_minutes": gettext_lazy("Log out after (minutes)"),
    "instance": gettext_lazy("Instance"),
    "is_active": gettext_lazy("Active"),
    "is_service": gettext_lazy("Service key"),
    "is_staff": gettext_lazy("Operator"),
    "items": gettext_lazy("Items"),
    "keys_ended": gettext_lazy("Keys ended"),
    "keys_moved": gettext_lazy("Keys handed over"),
    "locale": gettext_lazy("Language"),
    "login_hours": gettext_lazy("Log-in hours"),
    "login_hours_roles": gettext_lazy("Log-in hours apply to"),
    "logo": gettext_lazy("Logo"),
    "made_at": gettext_lazy("Made"),
    "may_write": gettext_lazy("May change things"),
    "method": gettext_lazy("Method"),
    "mfa_for": gettext_lazy("Second step required for"),
    "mfa_grace_until": gettext_lazy("Grace period until"),
    "name": gettext_lazy("Name"),
    "origin": gettext_lazy("Origin"),
    "people_deactivated": gettext_lazy("Accounts closed"),
    "permissions": gettext_lazy("Permissions"),
    "plan": gettext_lazy("Plan"),
    "reason": gettext_lazy("Reason"),
    "request": gettext_lazy("Request"),
    "role": gettext_lazy("Role"),
    "rows": gettext_lazy("Rows"),
    "schema": gettext_lazy("Schema"),
    "scopes": gettext_lazy("Scopes"),
    "searches_moved": gettext_lazy("Saved searches handed over"),
    "seats": gettext_lazy("People"),
    "sessions": gettext_lazy("Sessions"),
    "state": gettext_lazy("State"),
    "tenant": gettext_lazy("Company"),
    "tenants": gettext_lazy("Companies"),
    "throttled": gettext_lazy("Slowed down"),
    "timezone": gettext_lazy("Time zone"),
    "trail_broken_at": gettext_lazy("Trail broken at"),
    "trial_ends_at": gettext_lazy("End of the trial"),
    "until": gettext_lazy("Until"),
}
_REASONS: Mapping[str, Any] = {
    "account deactivated": gettext_lazy("Account deactivated"),
    "by the person": gettext_lazy("By the person"),
    "ended by the person": gettext_lazy("Ended by the person"),
    "expired": gettext_lazy("Lasted too long"),
    "idle": gettext_lazy("Away for a while"),
    "logout": gettext_lazy("Logged out"),
    "new password": gettext_lazy("New password"),
    "password changed": gettext_lazy("Password changed"),
    "second factor changed": gettext_lazy("Second step changed"),
    "second factor reset": gettext_lazy("Second step reset"),
}
_METHODS: Mapping[str, Any] = {
    "all": gettext_lazy("All"),
    "app": gettext_lazy("App"),
    "invitation": gettext_lazy("Invitation"),
    "passkey": gettext_lazy("Passkey"),
    "password": gettext_lazy("Password"),
    "password and code": gettext_lazy("Password and code"),
    "password and passkey": gettext_lazy("Password and passkey"),
    "password+app": gettext_lazy("Password and code"),
    "password+passkey": gettext_lazy("Password and passkey"),
    "password+recovery": gettext_lazy("Password and recovery code"),
    "reset": gettext_lazy("Letter for a new password"),
}
_LIMITS = {"plan": gettext_lazy("By the plan")}
_VALUES: dict[str, Mapping[str, Any]] = {
    "api_keys": _LIMITS,
    "connections": _LIMITS,
    "ended_by": {
        "deletion": gettext_lazy("Deletion"),
        "expiry": gettext_lazy("Its time"),
        "operator": gettext_lazy("Operator"),
        "owner": gettext_lazy("Owner"),
    },
    "locale": dict(settings.LANGUAGES),
    "login_hours_roles": dict(Membership.Role.choices),
    "method": _METHODS,
    "mfa_for": {
        "everybody": gettext_lazy("Everybody"),
        "managers": gettext_lazy("Who manages people or settings"),
        "nobody": gettext_lazy("Nobody"),
    },
    "plan": dict(Tenant.Plan.choices),
    "reason": _REASONS,
    "role": dict(Membership.Role.choices),
    "seats": _LIMITS,
    "scopes": {one.name: one.label for one in SCOPE_TABLE},
    "state": {
        value: label
        for kind in (Domain.State, Feature.State, Tenant.State)
        for value, label in kind.choices
    },
}


def field_label(field: str) -> str:
    """Return what a changed field is called; its own name when nobody described it."""
    return str(_FIELDS.get(field, field.replace("_", " ")))


def value_words(value: Any, field: str = "") -> str:
    """Return a stored value as people read it; `field` says which codes it may be."""
    if value is None or value in ("", []):
        return NOTHING
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(value_words(one, field) for one in value)
    if isinstance(value, str):
        known = _VALUES.get(field, {}).get(value)
        return str(known) if known else _moment_words(value)
    return str(value)


def _moment_words(value: str) -> str:
    """Return a stored day or moment in the person's form and time zone; other texts as they are."""
    if not _MOMENT.match(value):
        return value
    try:
        moment: date | datetime | None = parse_date(value) or parse_datetime(value)
    except ValueError:
        return value
    if isinstance(moment, datetime):
        shown = timezone.localtime(moment) if timezone.is_aware(moment) else moment
        return str(date_format(shown, "SHORT_DATETIME_FORMAT"))
    return str(date_format(moment, "SHORT_DATE_FORMAT")) if moment else value
