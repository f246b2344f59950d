"""The company's security rules: second factor, idle time, log-in hours.

A rule that would lock out whoever makes it is refused: they could not take it back.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict, Invalid
from evosense.core.schema import public_scope
from tenancy import working_hours
from tenancy.models import Membership, SecurityPolicy, Tenant
from tenancy.selectors.policy import demands_mfa, policy_of_tenant
from tenancy.services import audit, mfa
from tenancy.services.authority import actor_user_id

IDLE_MINUTES = (15, 30, 60, 120, 240, 480, 1440, 10080)
GRACE_DAYS = (0, 7, 14, 30)
HOUR_ROLES = ("admin", "supervisor", "agent", "viewer")
MOST_WINDOWS = 6
Week = list[list[list[str]]]
_WINDOW = re.compile(r"(\d{1,2})(?::(\d{2}))?\s*-\s*(\d{1,2})(?::(\d{2}))?\Z")
_KEPT = ("mfa_for", "mfa_grace_until", "idle_minutes", "login_hours", "login_hours_roles")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is asked for; `grace_days` counts from now, None leaves the grace as it is."""

    mfa_for: str
    grace_days: int | None
    idle_minutes: int
    login_hours: Week | None
    login_hours_roles: Sequence[str]


def change_policy(*, tenant_id: UUID, rules: Rules) -> SecurityPolicy:
    """Keep the rules, or refuse what is wrong or would lock out the acting person."""
    _check(rules)
    with transaction.atomic():
        with public_scope():
            tenant: Tenant = Tenant.objects.select_for_update(no_key=True).get(pk=tenant_id)
            policy = policy_of_tenant(tenant)
            before = _snapshot(policy)
            policy.mfa_for = rules.mfa_for
            if rules.grace_days is not None:
                policy.mfa_grace_until = _grace(rules.grace_days)
            policy.idle_minutes = rules.idle_minutes
            policy.login_hours = rules.login_hours
            policy.login_hours_roles = sorted(rules.login_hours_roles)
            _check_actor_stays(policy, tenant)
            policy.save()
        after = _snapshot(policy)
        changes = {key: [before[key], after[key]] for key in _KEPT if before[key] != after[key]}
        if changes:
            audit.record(
                "policy.changed", object_type="policy", changes=changes, tenant_id=tenant_id
            )
    return policy


def parse_day(text: str, *, day: int) -> list[list[str]]:
    """Return the windows of one day from `08:00-12:00, 22:00-06:00`; empty is closed."""
    windows = [_window(part, day) for part in re.split(r"[,;]", text) if part.strip()]
    if len(windows) > MOST_WINDOWS:
        message = _("Use at most %(most)d windows a day.") % {"most": MOST_WINDOWS}
        raise Invalid("windows_too_many", message, field=f"day-{day}")
    return sorted(windows)


def day_text(windows: Sequence[Sequence[str]]) -> str:
    """Reverse `parse_day`, for the form."""
    return ", ".join(f"{start}-{end}" for start, end in windows)


def _window(text: str, day: int) -> list[str]:
    match = _WINDOW.match(text.strip().replace("\N{EN DASH}", "-"))
    refused = Invalid("window_invalid", _("Use times such as 08:00-18:00."), field=f"day-{day}")
    if not match:
        raise refused
    start = f"{int(match[1]):02}:{match[2] or '00'}"
    end = f"{int(match[3]):02}:{match[4] or '00'}"
    for clock in (start, end):
        if not (clock <= "23:59" and clock[3:] <= "59") and clock != "24:00":
            raise refused
    if start in {end, "24:00"}:
        raise refused
    return [start, end]


def _check(rules: Rules) -> None:
    if rules.mfa_for not in SecurityPolicy.MfaFor.values:
        raise Invalid("mfa_unknown", _("Choose one of the offered values."), field="mfa_for")
    if rules.grace_days is not None and rules.grace_days not in GRACE_DAYS:
        raise Invalid("grace_unknown", _("Choose one of the offered values."), field="grace")
    if rules.idle_minutes not in IDLE_MINUTES:
        raise Invalid("idle_unknown", _("Choose one of the offered values."), field="idle_minutes")
    if not set(rules.login_hours_roles) <= set(HOUR_ROLES):
        raise Invalid("role_unknown", _("There is no such role."), field="roles")
    if rules.login_hours is not None:
        _check_hours(rules, rules.login_hours)


def _check_hours(rules: Rules, week: Week) -> None:
    if not any(week):
        message = _("Give at least one day some hours, or let people log in always.")
        raise Invalid("hours_missing", message, field="hours")
    if not rules.login_hours_roles:
        message = _("Choose whom the hours apply to.")
        raise Invalid("hours_for_nobody", message, field="roles")
    for day, windows in enumerate(week):
        _check_apart(windows, day)


def _check_apart(windows: list[list[str]], day: int) -> None:
    for (start, end), (following, _end) in pairwise(windows):
        if end > following or end < start:
            message = _("These hours overlap. Write each of them once.")
            raise Invalid("windows_overlap", message, field=f"day-{day}")


def _grace(days: int) -> datetime | None:
    return timezone.now() + timedelta(days=days) if days else None


def _check_actor_stays(policy: SecurityPolicy, tenant: Tenant) -> None:
    actor = Membership.objects.filter(
        tenant_id=tenant.pk, user_id=actor_user_id() or 0, is_active=True
    ).select_related("user")
    member = actor.first()
    if member is None:
        return
    over = policy.mfa_grace_until is None or policy.mfa_grace_until <= timezone.now()
    if demands_mfa(policy, member.role) and over and not mfa.has_second_factor(member.user):
        message = _("You have no second step yourself yet. Set it up first, or give some days.")
        raise Conflict("policy_locks_out", message, field="mfa_for")
    limited = member.role != Membership.Role.OWNER and member.role in policy.login_hours_roles
    zone = ZoneInfo(tenant.timezone)
    if limited and not working_hours.is_open(policy.login_hours, timezone.now(), zone):
        message = _("These hours would log you out now. Leave out your own role, or widen them.")
        raise Conflict("policy_locks_out", message, field="hours")


def _snapshot(policy: SecurityPolicy) -> dict[str, Any]:
    return {
        "mfa_for": policy.mfa_for,
        "mfa_grace_until": policy.mfa_grace_until and policy.mfa_grace_until.isoformat(),
        "idle_minutes": policy.idle_minutes,
        "login_hours": policy.login_hours and [day_text(windows) for windows in policy.login_hours],
        "login_hours_roles": policy.login_hours_roles,
    }
