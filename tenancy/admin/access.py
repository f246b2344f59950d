"""Support accesses and domains."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from tenancy.admin.base import Act, OperatorAdmin, Way, WordsFilter
from tenancy.admin.shown import BAD, CARE, GOOD, NEWS, PLAIN, ago, link, word
from tenancy.admin.site import operator_site
from tenancy.admin.who import acting_operator, way_in
from tenancy.models import Domain, SupportGrant, User
from tenancy.services import support


def _enter(grant: SupportGrant, _values: dict[str, Any]) -> Way:
    return way_in(grant, acting_operator())


def _end(grant: SupportGrant, _values: dict[str, Any]) -> None:
    support.end_grant(grant.pk, by="operator")


def _is_open(grant: SupportGrant) -> bool:
    return grant.state == SupportGrant.State.OPEN


@admin.register(SupportGrant, site=operator_site)
class SupportGrantAdmin(OperatorAdmin):
    list_display = (
        "tenant", "operator", "shown_state", "reason", "may_write", "created_at", "expires_at",
        "ended_by",
    )  # fmt: skip
    list_filter = (("state", WordsFilter), "may_write", "created_at")
    search_fields = ("tenant__name", "tenant__slug", "reason")
    ordering = ("-created_at",)
    list_select_related = ("tenant",)
    fields = (
        ("shown_tenant", "operator"), "reason", ("state_word", "may_write"),
        ("created_at", "expires_at"), ("ended_at", "ended_by"),
    )  # fmt: skip
    acts = (
        Act("enter", _("Go in"), _enter, applies=_is_open, is_single=True, icon="login"),
        Act("end", _("End the access"), _end, applies=_is_open, is_danger=True, icon="block"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[SupportGrant]:
        self._emails = dict(User.objects.filter(is_staff=True).values_list("pk", "email"))
        rows: QuerySet[SupportGrant] = super().get_queryset(request)
        return rows.defer("code_digest")

    @display(description=_("Operator"))
    def operator(self, grant: SupportGrant) -> str:
        return self._emails.get(grant.operator_id, str(grant.operator_id))

    @display(description=_("State"), ordering="state", label={"open": CARE, "ended": PLAIN})
    def shown_state(self, grant: SupportGrant) -> tuple[str, str]:
        return grant.state, word(grant.get_state_display())

    @display(description=_("Company"))
    def shown_tenant(self, grant: SupportGrant) -> str | SafeString:
        return link(grant.tenant)


@admin.register(Domain, site=operator_site)
class DomainAdmin(OperatorAdmin):
    list_display = (
        "domain", "tenant", "shown_state", "is_custom", "is_primary", "verified", "checked",
        "failures",
    )  # fmt: skip
    list_filter = (("state", WordsFilter), "is_custom")
    search_fields = ("domain", "tenant__name", "tenant__slug")
    ordering = ("domain",)
    list_select_related = ("tenant",)
    fields = (
        ("domain", "shown_tenant"), ("state_word", "is_custom", "is_primary"), "proof",
        ("created_at", "verified_at", "checked_at"), "failures",
    )  # fmt: skip

    @display(
        description=_("State"),
        ordering="state",
        label={"pending": NEWS, "active": GOOD, "lost": BAD},
    )
    def shown_state(self, domain: Domain) -> tuple[str, str]:
        return domain.state, word(domain.get_state_display())

    @display(description=_("Verified"), ordering="verified_at")
    def verified(self, domain: Domain) -> str:
        return ago(domain.verified_at)

    @display(description=_("Checked"), ordering="checked_at")
    def checked(self, domain: Domain) -> str:
        return ago(domain.checked_at)

    @display(description=_("Company"))
    def shown_tenant(self, domain: Domain) -> str | SafeString:
        return link(domain.tenant)
