"""The security rules of the company, with what they mean for its people."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from evosense.core.errors import DomainError, Invalid
from evosense.core.htmx import redirect_client
from evosense.core.pages import field_errors
from evosense.core.schema import current_tenant
from evosense.core.wording import duration_words
from tenancy.audit_values import value_words
from tenancy.models import Membership, SecurityPolicy
from tenancy.permissions import requires
from tenancy.selectors.people import without_second_factor
from tenancy.selectors.policy import MANAGERS, policy_of
from tenancy.services import policy as rules
from tenancy.views.settings.common import settings_page, tenant_id

KEEP = "keep"


@requires("settings.manage")
@never_cache
@require_http_methods(["GET", "POST"])
def policy(request: HttpRequest) -> HttpResponse:
    """Show and change who needs a second step, how long people stay logged in, and when."""
    if request.method == "POST":
        try:
            rules.change_policy(tenant_id=tenant_id(), rules=_sent(request))
        except DomainError as error:
            return _page(request, _posted(request), field_errors(error), 422)
        messages.success(request, _("The security rules are saved and count from now on."))
        return redirect_client(request, reverse("settings:policy"))
    return _page(request, _stored(), {}, 200)


def _sent(request: HttpRequest) -> rules.Rules:
    post = request.POST
    week = None
    if post.get("hours") == "some":
        week = [rules.parse_day(post.get(f"day-{day}", "")[:200], day=day) for day in range(7)]
    grace = post.get("grace", KEEP)
    return rules.Rules(
        mfa_for=post.get("mfa_for", ""),
        grace_days=None if grace == KEEP else _number(grace, "grace"),
        idle_minutes=_number(post.get("idle_minutes", ""), "idle_minutes"),
        login_hours=week,
        login_hours_roles=post.getlist("roles")[:10],
    )


def _number(raw: str, field: str) -> int:
    if not (raw.isascii() and raw.isdigit() and len(raw) < 7):
        raise Invalid("invalid", _("Choose one of the offered values."), field=field)
    return int(raw)


def _stored() -> dict[str, Any]:
    stored = policy_of(tenant_id())
    week = stored.login_hours or [[["08:00", "18:00"]]] * 5 + [[], []]
    return {
        "mfa_for": stored.mfa_for,
        "idle_minutes": stored.idle_minutes,
        "hours": "some" if stored.login_hours is not None else "always",
        "days": [rules.day_text(windows) for windows in week],
        "roles": stored.login_hours_roles or ["agent", "viewer"],
        "grace": KEEP,
    }


def _posted(request: HttpRequest) -> dict[str, Any]:
    post = request.POST
    return {
        "mfa_for": post.get("mfa_for", ""),
        "idle_minutes": post.get("idle_minutes", ""),
        "hours": post.get("hours", "always"),
        "days": [post.get(f"day-{day}", "")[:200] for day in range(7)],
        "roles": post.getlist("roles"),
        "grace": post.get("grace", KEEP),
    }


def _page(
    request: HttpRequest, values: dict[str, Any], errors: dict[str, Any], status: int
) -> HttpResponse:
    until = policy_of(tenant_id()).mfa_grace_until
    context = {
        "values": values,
        "errors": errors,
        "mfa_choices": _mfa_choices(),
        "graces": _graces(until),
        "idles": [(minutes, duration_words(minutes * 60)) for minutes in rules.IDLE_MINUTES],
        "days": [
            {
                "field": f"day-{day}",
                "label": WEEKDAYS[day],
                "value": values["days"][day],
                "error": errors.get(f"day-{day}", ""),
            }
            for day in range(7)
        ],
        "roles": [
            (role, value_words(role, "role"), role in values["roles"]) for role in rules.HOUR_ROLES
        ],
        "zone": current_tenant().timezone.replace("_", " "),
    }
    return settings_page(request, "settings/policy.html", context, areas=("policy",), status=status)


def _mfa_choices() -> list[tuple[str, Any, int]]:
    managers = without_second_factor(tenant_id(), roles=sorted(MANAGERS))
    everybody = without_second_factor(tenant_id(), roles=list(Membership.Role.values))
    kinds = SecurityPolicy.MfaFor
    return [
        (kinds.NOBODY, _("Nobody has to"), 0),
        (kinds.MANAGERS, _("The owner and administrators"), managers),
        (kinds.EVERYBODY, _("Everybody"), everybody),
    ]


def _graces(until: Any) -> list[tuple[str, str]]:
    kept = (
        _("as it is: until %(day)s") % {"day": date_format(until, "SHORT_DATE_FORMAT")}
        if until
        else _("as it is: none")
    )
    days = [(str(n), _("%(n)d days from now") % {"n": n}) for n in rules.GRACE_DAYS if n]
    return [(KEEP, kept), ("0", _("none: from now on")), *days]
