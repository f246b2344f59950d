"""People: who they are, where they work, and help with getting in."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from tenancy.admin import forms
from tenancy.admin.base import Act, OperatorAdmin, WordsFilter
from tenancy.admin.shown import ago, link, table
from tenancy.admin.site import operator_site
from tenancy.models import Membership, SignUp, User
from tenancy.services import accounts, mfa


def _deactivate(user: User, values: dict[str, Any]) -> None:
    accounts.deactivate(user.pk, reason=values["reason"])


def _reactivate(user: User, values: dict[str, Any]) -> None:
    accounts.reactivate(user.pk, reason=values["reason"])


def _reset_factors(user: User, values: dict[str, Any]) -> None:
    accounts.reset_factors(user.pk, reason=values["reason"])


def _send_reset(user: User, _values: dict[str, Any]) -> None:
    accounts.send_reset_letter(user.pk)


@admin.register(User, site=operator_site)
class UserAdmin(OperatorAdmin):
    list_display = ("email", "name", "companies", "is_active", "is_staff", "created_at")
    list_filter = ("is_active", "is_staff", "created_at")
    search_fields = ("email", "name")
    search_help_text = _("E-mail or name")
    ordering = ("email",)
    fields = (
        ("email", "name"), ("is_active", "is_staff"), ("created_at", "last_login"),
        ("locale", "timezone"), "second_factor", "membership_table",
    )  # fmt: skip
    acts = (
        Act(
            "letter",
            _("Send a password letter"),
            _send_reset,
            applies=lambda user: user.is_active,
            note=_("The person gets the same letter as by asking for a new password."),
            is_single=True,
            icon="mail",
        ),
        Act(
            "factor",
            _("Reset the second factor"),
            _reset_factors,
            form=forms.ReasonForm,
            applies=mfa.has_second_factor,
            note=_(
                "App, passkeys and recovery codes are forgotten and every session ends."
                " Be sure who asks: call back on a known number."
            ),
            is_danger=True,
            is_single=True,
            icon="lock_reset",
        ),
        Act(
            "deactivate",
            _("Deactivate"),
            _deactivate,
            form=forms.ReasonForm,
            applies=lambda user: user.is_active,
            note=_("Ends every session; the person cannot log in to any company."),
            is_danger=True,
            icon="person_off",
        ),
        Act(
            "reactivate",
            _("Reactivate"),
            _reactivate,
            form=forms.ReasonForm,
            applies=lambda user: not user.is_active,
            icon="person_check",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        rows: QuerySet[User] = super().get_queryset(request)
        return rows.annotate(
            company_count=Count("memberships", filter=Q(memberships__is_active=True))
        ).defer("password")

    @display(description=_("Companies"), ordering="company_count")
    def companies(self, user: Any) -> int:
        return int(user.company_count)

    @display(description=_("Second factor"))
    def second_factor(self, user: User) -> str:
        found = mfa.factors_of(user)
        parts = [str(_("App"))] if found.app_since else []
        if found.passkeys:
            parts.append(f"{_('Passkeys')}: {found.passkeys}")
        if found.recovery_left:
            parts.append(f"{_('Recovery codes')}: {found.recovery_left}")
        return " · ".join(parts) or str(_("None"))

    @display(description=_("Companies"))
    def membership_table(self, user: User) -> SafeString:
        memberships = Membership.objects.filter(user=user).select_related("tenant").order_by("pk")
        rows = [
            [
                link(each.tenant, each.tenant.name),
                each.get_role_display(),
                _("Active") if each.is_active else _("Left"),
                ago(each.last_seen_at),
            ]
            for each in memberships[:100]
        ]
        return table([_("Company"), _("Role"), _("State"), _("Last seen")], rows)


@admin.register(SignUp, site=operator_site)
class SignUpAdmin(OperatorAdmin):
    list_display = (
        "company",
        "slug",
        "email",
        "state_word",
        "created_at",
        "expires_at",
        "shown_tenant",
    )
    list_filter = (("state", WordsFilter), "created_at")
    search_fields = ("company", "slug", "email")
    ordering = ("-created_at",)
    fields = (
        ("company", "slug"), ("name", "email"), ("state_word", "shown_tenant"),
        ("created_at", "expires_at", "confirmed_at"), "timezone",
    )  # fmt: skip
    list_select_related = ("tenant",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SignUp]:
        rows: QuerySet[SignUp] = super().get_queryset(request)
        return rows.defer("password", "nonce")

    @display(description=_("Company"))
    def shown_tenant(self, sign_up: SignUp) -> str | SafeString:
        return link(sign_up.tenant)
