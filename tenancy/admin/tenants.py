"""Companies: what state they are in, how they do, and what operators may do about them."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from tenancy.admin import tenant_acts
from tenancy.admin.base import OperatorAdmin
from tenancy.admin.shown import (
    BAD,
    CARE,
    GOOD,
    NEWS,
    NOTHING,
    PLAIN,
    ago,
    link,
    number,
    size,
    table,
    word,
)
from tenancy.admin.site import operator_site
from tenancy.admin.words import LIMITS, METHODS
from tenancy.models import Membership, Tenant, TenantMigration
from tenancy.plans import PLAN_LIMITS
from tenancy.selectors.members import workspace_url

_STATUS = {"trial": NEWS, "active": GOOD, "suspended": BAD}
_STATE = {
    "ready": GOOD, "provisioning": NEWS, "failed": BAD, "moving": CARE, "deleting": PLAIN,
}  # fmt: skip


class LagFilter(admin.SimpleListFilter):
    title = _("Ingest")
    parameter_name = "ingest"

    def lookups(self, *_arguments: Any) -> list[tuple[str, Any]]:
        return [
            ("waiting", _("Has a backlog")),
            ("dead", _("Has dead letters")),
            ("kept", _("Has kept events")),
        ]

    def queryset(self, _request: HttpRequest, rows: QuerySet[Tenant]) -> QuerySet[Tenant]:
        if self.value() in {"waiting", "dead", "kept"}:
            return rows.filter(**{f"usage__{self.value()}__gt": 0})
        return rows


@admin.register(Tenant, site=operator_site)
class TenantAdmin(OperatorAdmin):
    list_display = (
        "name", "slug", "plan", "shown_status", "shown_state", "members", "messages", "last_event",
        "lag", "numbers_age",
    )  # fmt: skip
    list_filter = ("status", "state", "plan", LagFilter, "created_at")
    search_fields = ("name", "slug", "domains__domain", "memberships__user__email")
    search_help_text = _("Name, address, domain or a member's e-mail")
    ordering = ("name",)
    list_fullwidth = True
    acts = tenant_acts.ACTS
    fieldsets = (
        (
            _("State"),
            {
                "fields": (
                    ("status", "state"), ("plan", "address"), "state_error",
                    ("suspended_at", "suspend_reason"), ("trial_ends_at", "delete_after"),
                    ("created_at", "timezone"), ("id", "schema_name"),
                )
            },
        ),
        (
            _("Use and health"),
            {
                "fields": (
                    ("members", "messages", "month"), ("connections", "last_event", "lag"),
                    ("backlog", "kept", "dead"), ("stored", "numbers_age"),
                )
            },
        ),
        (_("Domains"), {"fields": ("domain_table",)}),
        (_("Limits"), {"fields": ("limit_table",)}),
        (_("People"), {"fields": ("people_table",)}),
        (_("Migrations"), {"fields": ("fleet_table",)}),
        (_("Support access"), {"fields": ("support_table",)}),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        rows: QuerySet[Tenant] = super().get_queryset(request)
        return rows.select_related("usage")

    @display(description=_("Status"), ordering="status", label=_STATUS)
    def shown_status(self, tenant: Tenant) -> tuple[str, str]:
        return tenant.status, tenant.get_status_display()

    @display(description=_("State"), ordering="state", label=_STATE)
    def shown_state(self, tenant: Tenant) -> tuple[str, str]:
        return tenant.state, tenant.get_state_display()

    @display(description=_("Members"), ordering="usage__members")
    def members(self, tenant: Tenant) -> str:
        return number(_of(tenant, "members"))

    @display(description=_("Messages today"), ordering="usage__messages_today")
    def messages(self, tenant: Tenant) -> str:
        return number(_of(tenant, "messages_today"))

    @display(description=_("Messages in 30 days"))
    def month(self, tenant: Tenant) -> str:
        return number(_of(tenant, "messages_month"))

    @display(description=_("Connections"))
    def connections(self, tenant: Tenant) -> str:
        text = f"{number(_of(tenant, 'connected'))} / {number(_of(tenant, 'connections'))}"
        if quarantined := _of(tenant, "quarantined"):
            text += f" · {_('in quarantine')}: {number(quarantined)}"
        return text

    @display(description=_("Last event"), ordering="usage__last_event_at")
    def last_event(self, tenant: Tenant) -> str:
        return ago(_of(tenant, "last_event_at"))

    @display(description=_("Oldest waiting"), ordering="usage__oldest_waiting_at")
    def lag(self, tenant: Tenant) -> str:
        return ago(_of(tenant, "oldest_waiting_at"))

    @display(description=_("Waiting events"))
    def backlog(self, tenant: Tenant) -> str:
        return number(_of(tenant, "waiting"))

    @display(description=_("Kept events"))
    def kept(self, tenant: Tenant) -> str:
        return number(_of(tenant, "kept"))

    @display(description=_("Dead letters"))
    def dead(self, tenant: Tenant) -> str:
        return number(_of(tenant, "dead"))

    @display(description=_("Stored"))
    def stored(self, tenant: Tenant) -> str:
        return size(_of(tenant, "size_bytes"))

    @display(description=_("Counted"), ordering="usage__computed_at")
    def numbers_age(self, tenant: Tenant) -> str:
        return ago(_of(tenant, "computed_at"))

    @display(description=_("Address"))
    def address(self, tenant: Tenant) -> str | SafeString:
        primary = tenant.domains.filter(is_primary=True).first()
        if primary is None:
            return NOTHING
        return format_html("<span>{}</span>", workspace_url(primary.domain))

    @display(description=_("Domains"))
    def domain_table(self, tenant: Tenant) -> SafeString:
        rows = [
            [link(domain), domain.get_state_display(), ago(domain.checked_at), domain.failures]
            for domain in tenant.domains.order_by("pk")
        ]
        return table([_("Host"), _("State"), _("Checked"), _("Failures")], rows)

    @display(description=_("Limits"))
    def limit_table(self, tenant: Tenant) -> SafeString:
        own = {each.name: each.limit for each in tenant.entitlements.all()}
        rows = [
            [
                LIMITS.get(name, name),
                _limit(limit),
                _limit(own[name]) if name in own else NOTHING,
            ]
            for name, limit in PLAN_LIMITS[tenant.plan].items()
        ]
        return table([_("Limit"), _("By the plan"), _("Of its own")], rows)

    @display(description=_("People"))
    def people_table(self, tenant: Tenant) -> SafeString:
        members = (
            Membership.objects.filter(tenant=tenant)
            .select_related("user")
            .order_by("-is_active", "pk")[:100]
        )
        rows = [
            [
                link(member.user, member.user.email),
                member.get_role_display(),
                _("Active") if member.is_active else _("Left"),
                ago(member.last_seen_at),
            ]
            for member in members
        ]
        return table([_("Person"), _("Role"), _("State"), _("Last seen")], rows)

    @display(description=_("Migrations"))
    def fleet_table(self, tenant: Tenant) -> SafeString:
        steps = TenantMigration.objects.filter(tenant=tenant).order_by("-pk")[:5]
        rows = [
            [
                link(step, word(step.get_state_display())),
                ago(step.updated_at),
                METHODS.get(step.method, step.method),
                step.error[:200],
            ]
            for step in steps
        ]
        return table([_("State"), _("When"), _("Method"), _("Error")], rows)

    @display(description=_("Support access"))
    def support_table(self, tenant: Tenant) -> SafeString:
        grants = tenant.support_grants.order_by("-created_at")[:5]
        rows = [
            [link(grant, ago(grant.created_at)), word(grant.get_state_display()), grant.reason]
            for grant in grants
        ]
        return table([_("Opened"), _("State"), _("Reason")], rows)


def _of(tenant: Tenant, name: str) -> Any:
    """Return a number as last counted; None before the first count."""
    return getattr(getattr(tenant, "usage", None), name, None)


def _limit(value: int | None) -> str:
    return str(_("without limit")) if value is None else number(value)
