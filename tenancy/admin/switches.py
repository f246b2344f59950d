"""Feature switches and announcements: the only forms of the site, saved by services."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from evosense.core.errors import DomainError
from tenancy.admin.base import Act, OperatorAdmin
from tenancy.admin.shown import BAD, CARE, GOOD, NEWS, PLAIN
from tenancy.admin.site import operator_site
from tenancy.admin.words import LIMITS
from tenancy.models import Announcement, Entitlement, Feature
from tenancy.services import switches, upkeep
from tenancy.services.switches import News


class Editable(OperatorAdmin):
    """A form whose saving is a service's business."""

    autocomplete_fields = ("tenants",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return True

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except DomainError as error:
            messages.error(request, str(error.message))
            return redirect(request.get_full_path())

    def save_related(self, *_arguments: Any) -> None:
        """Leave the companies to the service, which has stored them."""

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001
        obj.pk = self.store(form.cleaned_data, obj if change else None).pk

    def store(self, values: dict[str, Any], before: Any) -> Model:
        """Call the service."""
        raise NotImplementedError


class AnnouncementForm(forms.ModelForm):  # type: ignore[type-arg]
    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        starts, ends = values.get("starts_at"), values.get("ends_at")
        if starts and ends and ends <= starts:
            self.add_error("ends_at", _("The end must be after the start."))
        return values

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        if url and not url.startswith("https://"):
            raise forms.ValidationError(_("Use an address that begins with https://."))
        return url


@admin.register(Feature, site=operator_site)
class FeatureAdmin(Editable):
    list_display = ("name", "description", "shown_state", "company_count", "updated_at")
    list_filter = ("state",)
    search_fields = ("name", "description")
    ordering = ("name",)
    fields = ("name", "description", "state", "tenants")
    acts = (
        Act(
            "remove",
            _("Remove the switch"),
            lambda feature, _values: switches.remove_feature(feature.pk),
            note=_("What asks for it finds it off."),
            is_danger=True,
            icon="delete",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Feature]:
        rows: QuerySet[Feature] = super().get_queryset(request)
        return rows.prefetch_related("tenants")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:  # noqa: ARG002
        return ("name",) if obj else ()

    @display(description=_("State"), label={"off": PLAIN, "chosen": CARE, "on": GOOD})
    def shown_state(self, feature: Feature) -> tuple[str, str]:
        return feature.state, feature.get_state_display()

    @display(description=_("Companies"))
    def company_count(self, feature: Feature) -> int:
        return len(feature.tenants.all())

    def store(self, values: dict[str, Any], before: Feature | None) -> Feature:
        return switches.set_feature(
            before.name if before else values["name"],
            state=values["state"],
            tenant_ids=[tenant.pk for tenant in values["tenants"]],
            description=values["description"],
        )


@admin.register(Announcement, site=operator_site)
class AnnouncementAdmin(Editable):
    form = AnnouncementForm
    list_display = ("title", "shown_level", "starts_at", "ends_at", "is_shown", "audience")
    list_filter = ("level", "starts_at")
    search_fields = ("title", "text")
    ordering = ("-starts_at",)
    fields = ("title", "text", "url", "level", "starts_at", "ends_at", "tenants")
    acts = (
        Act(
            "withdraw",
            _("Take it down"),
            lambda row, _values: switches.withdraw(row.pk),
            is_danger=True,
            icon="delete",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Announcement]:
        rows: QuerySet[Announcement] = super().get_queryset(request)
        return rows.prefetch_related("tenants")

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest | None, **options: Any
    ) -> Any:
        if db_field.name == "url":
            options["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **options)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:  # noqa: ARG002
        return {"starts_at": timezone.now(), "level": Announcement.Level.INFO}

    @display(description=_("Level"), label={"info": NEWS, "warning": CARE, "danger": BAD})
    def shown_level(self, row: Announcement) -> tuple[str, str]:
        return row.level, row.get_level_display()

    @display(description=_("Shown now"), boolean=True)
    def is_shown(self, row: Announcement) -> bool:
        now = timezone.now()
        return row.starts_at <= now and (row.ends_at is None or now < row.ends_at)

    @display(description=_("Companies"))
    def audience(self, row: Announcement) -> str:
        return ", ".join(tenant.name for tenant in row.tenants.all()) or str(_("Everybody"))

    def store(self, values: dict[str, Any], before: Announcement | None) -> Announcement:
        news = News(
            title=values["title"],
            text=values["text"],
            url=values["url"],
            level=values["level"],
            starts_at=values["starts_at"],
            ends_at=values["ends_at"],
            tenant_ids=tuple(tenant.pk for tenant in values["tenants"]),
        )
        return switches.announce(news, announcement_id=before.pk if before else None)


@admin.register(Entitlement, site=operator_site)
class EntitlementAdmin(OperatorAdmin):
    """Limits that differ from the plan's; they are set on the company's page."""

    list_display = ("tenant", "what", "limit", "updated_at")
    list_filter = ("name",)
    search_fields = ("tenant__name", "tenant__slug")
    ordering = ("tenant__name", "name")
    list_select_related = ("tenant",)
    fields = (("tenant", "what"), "limit", "updated_at")
    acts = (
        Act(
            "drop",
            _("Let the plan decide"),
            lambda row, _values: upkeep.drop_entitlement(row.tenant_id, name=row.name),
            icon="undo",
        ),
    )

    @display(description=_("Limit"), ordering="name")
    def what(self, row: Entitlement) -> str:
        return str(LIMITS.get(row.name, row.name))
