"""What the operators' pages call models and columns, in people's words.

Set here instead of on the models: these words are the operators' alone, and a change of one is no
migration.
"""

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.db.models import Model
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from tenancy import models
from tenancy.audit_words import action_label

# Singular, plural, and the columns that are shown by name.
_COMMON = {
    "created_at": _("Created"),
    "updated_at": _("Changed"),
    "expires_at": _("Until"),
    "name": _("Name"),
    "slug": _("Address"),
    "plan": _("Plan"),
    "state": _("State"),
    "status": _("Status"),
    "email": _("E-mail"),
    "reason": _("Reason"),
    "tenant": _("Company"),
    "attempts": _("Attempts"),
    "error": _("Error"),
    "timezone": _("Time zone"),
    "locale": _("Language"),
    "is_active": _("Active"),
    "is_staff": _("Operator"),
    "last_login": _("Last log-in"),
    "company": _("Company"),
    "domain": _("Host"),
    "is_custom": _("Own"),
    "is_primary": _("Main"),
    "proof": _("Proof"),
    "verified_at": _("Verified"),
    "checked_at": _("Checked"),
    "failures": _("Failures"),
    "may_write": _("May change things"),
    "ended_at": _("Ended"),
    "ended_by": _("Ended by"),
    "started_at": _("Started"),
    "finished_at": _("Finished"),
    "digest": _("Release"),
    "method": _("Method"),
    "milliseconds": _("Milliseconds"),
    "fingerprint": _("Fingerprint"),
    "group": _("Group"),
    "kind": _("Kind"),
    "to": _("To"),
    "sent_at": _("Sent"),
    "next_attempt_at": _("Next attempt"),
    "number": _("Number"),
    "at": _("When"),
    "actor_kind": _("Who, kind"),
    "actor_label": _("Who"),
    "action": _("Act"),
    "object_type": _("Object, kind"),
    "object_label": _("Object"),
    "address": _("Network address"),
    "request_id": _("Request"),
    "state_error": _("Error of the preparation"),
    "suspended_at": _("Suspended since"),
    "suspend_reason": _("Reason of the suspension"),
    "trial_ends_at": _("End of the trial"),
    "delete_after": _("Deleted after"),
    "schema_name": _("Schema"),
    "confirmed_at": _("Confirmed"),
    "description": _("Description"),
    "tenants": _("Companies"),
    "title": _("Title"),
    "text": _("Text"),
    "url": _("Link"),
    "level": _("Level"),
    "starts_at": _("From"),
    "ends_at": _("Until"),
    "limit": _("Limit"),
    "event": _("Event"),
    "instance": _("Instance"),
    "received_at": _("Received"),
    "processed_at": _("Processed"),
    "breaker": _("State"),
    "due_at": _("Due"),
    "lease_until": _("Lease until"),
    "watch_at": _("Looked at again"),
    "probed_at": _("Asked"),
    "breaker_failures": _("Failures in a row"),
    "breaker_until": _("Rests until"),
    "id": _("Id"),
}
_MODELS: dict[type[Model], tuple[Any, Any]] = {
    models.Tenant: (_("company"), _("Companies")),
    models.User: (_("person"), _("People")),
    models.SignUp: (_("sign-up"), _("Sign-ups")),
    models.Domain: (_("domain"), _("Domains")),
    models.SupportGrant: (_("support access"), _("Support accesses")),
    models.FleetRun: (_("fleet run"), _("Fleet runs")),
    models.TenantMigration: (_("migration"), _("Migrations")),
    models.Mail: (_("letter"), _("Letters")),
    models.AuditEntry: (_("audit entry"), _("Audit")),
    models.Feature: (_("switch"), _("Switches")),
    models.Announcement: (_("announcement"), _("Announcements")),
    models.Entitlement: (_("limit"), _("Limits")),
}


# What a letter is about, by its kind.
LETTERS = {
    "archive_ready": _("Archive is ready"),
    "deletion_asked": _("Company will be deleted"),
    "email_changed": _("E-mail changed"),
    "email_confirm": _("Confirm the new e-mail"),
    "incident_closed": _("Incident over"),
    "incident_opened": _("Incident"),
    "invitation": _("Invitation"),
    "member_deactivated": _("Access ended"),
    "mfa_changed": _("Second step changed"),
    "new_login": _("Log-in on a new device"),
    "password_changed": _("Password changed"),
    "password_reset": _("New password"),
    "sign_up_confirm": _("Confirm the company"),
    "sign_up_known": _("Account exists already"),
    "support_opened": _("Support access opened"),
    "webhook_disabled": _("Webhook switched off"),
}
METHODS = {"canary": _("First of its group"), "replay": _("Replay"), "django": _("By Django")}
LIMITS = {
    "seats": _("People"),
    "connections": _("Connections"),
    "api_keys": _("API keys"),
    "webhooks": _("Webhooks"),
}


def say(
    model: type[Model], singular: Any, plural: Any, name: Callable[[Any], str] | None = None
) -> None:
    """Give a model and its columns the words of the operators' pages.

    `name` says what one object is called in breadcrumbs, links and messages.
    """
    about = model._meta  # noqa: SLF001
    about.verbose_name, about.verbose_name_plural = singular, plural
    if name:
        model.__str__ = name  # type: ignore[method-assign]
    for field in about.get_fields():
        if field.name in _COMMON and hasattr(field, "verbose_name"):
            field.verbose_name = _COMMON[field.name]


def moment(at: Any) -> str:
    """Return a moment in the form and zone of the page."""
    return str(date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT")) if at else ""


# Without addresses: names of objects reach tracebacks.
_NAMES: dict[type[Model], Callable[[Any], str]] = {
    models.AuditEntry: lambda entry: f"{entry.number} · {action_label(entry.action)}",
    models.Entitlement: lambda limit: str(LIMITS.get(limit.name, limit.name)),
    models.FleetRun: lambda run: moment(run.started_at),
    models.Mail: lambda letter: (
        f"{LETTERS.get(letter.kind, letter.kind)} · {moment(letter.created_at)}"
    ),
    models.SignUp: lambda sign_up: sign_up.company,
    models.SupportGrant: lambda grant: f"{grant.tenant} · {moment(grant.created_at)}",
    models.TenantMigration: lambda step: f"{step.tenant} · {moment(step.updated_at)}",
}


def say_all() -> None:
    """Do so for every model of this app."""
    for model, (singular, plural) in _MODELS.items():
        say(model, singular, plural, _NAMES.get(model))
    apps.get_app_config("tenancy").verbose_name = _("Companies and house")
