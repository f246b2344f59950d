"""Events that were kept (quarantine) or given up (dead letters), of every company."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from evosense.core.errors import DomainError
from messaging.ingest.models import WebhookEvent
from messaging.selectors.house_events import (
    COUNTED,
    EventFilter,
    replayable,
    shape_of,
    shown_error,
)
from messaging.services import house_replay
from tenancy.admin.base import Act, OperatorAdmin
from tenancy.admin.shown import BAD, CARE, NEWS, NOTHING, PLAIN, link
from tenancy.admin.site import operator_site
from tenancy.admin.who import may_read
from tenancy.models import Tenant

FLAGS = ("mismatch", "unknown", "broken", "oversize")
_KEPT = [WebhookEvent.Status.KEPT, WebhookEvent.Status.DEAD]


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts up to a limit: nobody turns to page 300 of the dead letters."""

    @cached_property
    def count(self) -> int:
        return int(self.object_list[:COUNTED].count())  # type: ignore[attr-defined]


class StatusFilter(admin.SimpleListFilter):
    title = _("Kind")
    parameter_name = "kind"

    def lookups(self, *_arguments: Any) -> list[tuple[str, Any]]:
        return [("kept", _("Quarantine")), ("dead", _("Dead letters"))]

    def queryset(self, _request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        wanted = {"kept": WebhookEvent.Status.KEPT, "dead": WebhookEvent.Status.DEAD}
        status = wanted.get(str(self.value()))
        return rows if status is None else rows.filter(status=status)


class FlagFilter(admin.SimpleListFilter):
    title = _("Flag")
    parameter_name = "mark"

    def lookups(self, *_arguments: Any) -> list[tuple[str, Any]]:
        return [(flag, flag) for flag in FLAGS]

    def queryset(self, _request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(flag=self.value()) if self.value() in FLAGS else rows


class TenantFilter(admin.SimpleListFilter):
    title = _("Company")
    parameter_name = "company"

    def lookups(self, *_arguments: Any) -> list[tuple[str, Any]]:
        held = Tenant.objects.exclude(usage__kept=0, usage__dead=0).order_by("name")
        return [(str(pk), name) for pk, name in held.values_list("pk", "name")[:100]]

    def queryset(self, _request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        try:
            return rows.filter(tenant_id=UUID(self.value())) if self.value() else rows
        except ValueError:
            return rows.none()


class ReplayForm(forms.Form):
    """Which events to read again."""

    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[("dead", _("Dead letters")), ("kept", _("Quarantine"))],
        widget=UnfoldAdminSelectWidget,
    )
    company = forms.ModelChoiceField(
        Tenant.objects.order_by("name"),
        label=_("Company"),
        required=False,
        empty_label=_("All companies"),
        widget=UnfoldAdminSelectWidget,
    )
    flag = forms.ChoiceField(
        label=_("Flag"),
        choices=[("", _("Any")), *((flag, flag) for flag in FLAGS if flag != "oversize")],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    event = forms.CharField(
        label=_("Event"), required=False, max_length=80, widget=UnfoldAdminTextInputWidget
    )
    expected = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def wanted(self) -> EventFilter:
        """Return the filter as the selector wants it."""
        values = self.cleaned_data
        status = WebhookEvent.Status.DEAD if values["kind"] == "dead" else WebhookEvent.Status.KEPT
        company = values["company"]
        return EventFilter(
            statuses=(status,),
            tenant_id=company.pk if company else None,
            flag=values["flag"],
            event=values["event"].strip().lower(),
        )


def _replay_one(event: WebhookEvent, _values: dict[str, Any]) -> None:
    house_replay.replay_ids([event.pk])


def _replay_all(events: list[WebhookEvent], _values: dict[str, Any]) -> int:
    return house_replay.replay_ids([event.pk for event in events])


@admin.register(WebhookEvent, site=operator_site)
class EventAdmin(OperatorAdmin):
    list_display = (
        "mark", "received_at", "company", "event", "shown_status", "shown_flag", "attempts",
        "reason",
    )  # fmt: skip
    list_filter = (StatusFilter, FlagFilter, TenantFilter)
    paginator = CappedPaginator
    ordering = ("-id",)
    fields = (
        ("received_at", "company"), ("event", "instance"), ("status_word", "flag"),
        ("attempts", "next_attempt_at", "processed_at"), "reason", "size", "shape",
    )  # fmt: skip
    acts = (
        Act(
            "replay",
            _("Replay"),
            _replay_one,
            run_all=_replay_all,
            applies=lambda event: event.status in _KEPT and event.flag != "oversize",
            note=_("The events wait again, with all their attempts. Reading one twice is safe."),
            icon="replay",
        ),
    )
    list_before_template = "operators/replay_link.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEvent]:
        name = Tenant.objects.filter(pk=OuterRef("tenant_id")).values("name")[:1]
        rows: QuerySet[WebhookEvent] = super().get_queryset(request)
        rows = rows.filter(status__in=_KEPT).annotate(company_name=Subquery(name))
        return rows.defer("body", "dedupe_key")

    def get_urls(self) -> list[Any]:
        page = path("replay/", self.admin_site.admin_view(self.replay_view), name="event_replay")
        return [page, *super().get_urls()]

    def replay_view(self, request: HttpRequest) -> HttpResponse:
        """Choose by filter, see the count, confirm it."""
        form = ReplayForm(request.POST or None, initial={"kind": "dead"})
        count: int | None = None
        if request.method == "POST" and form.is_valid():
            expected = form.cleaned_data["expected"]
            if expected and "confirm" in request.POST:
                return self._replay(request, form.wanted(), expected)
            count = replayable(form.wanted()).count()
        context = {
            **self.admin_site.each_context(request),
            "title": _("Replay by filter"),
            "opts": self.opts,
            "form": form,
            "count": count,
            "back": reverse("admin:ingest_webhookevent_changelist"),
        }
        return TemplateResponse(request, "operators/replay.html", context)

    def _replay(self, request: HttpRequest, wanted: EventFilter, expected: int) -> HttpResponse:
        try:
            done = house_replay.replay_matching(wanted, expected=expected)
        except DomainError as error:
            messages.error(request, str(error.message))
            return redirect("admin:event_replay")
        text = _now("%(count)s events wait again.") % {"count": done}
        messages.success(request, text)
        return redirect("admin:ingest_webhookevent_changelist")

    @display(description="#", ordering="id")
    def mark(self, event: WebhookEvent) -> str:
        return str(event.pk)

    @display(description=_("Company"))
    def company(self, event: Any) -> str | SafeString:
        if not event.company_name:
            return str(event.tenant_id)
        return link(Tenant(pk=event.tenant_id), event.company_name)

    @display(description=_("Kind"), label={"kept": CARE, "dead": BAD, "pending": NEWS})
    def shown_status(self, event: WebhookEvent) -> tuple[str, Any]:
        status = WebhookEvent.Status(event.status)
        words = {"kept": _("Quarantine"), "dead": _("Dead letter")}
        name = status.name.lower()
        return name, words.get(name, name)

    @display(description=_("Kind"))
    def status_word(self, event: WebhookEvent) -> str:
        return str(self.shown_status(event)[1])

    @display(description=_("Flag"), label=dict.fromkeys(FLAGS, PLAIN))
    def shown_flag(self, event: WebhookEvent) -> str:
        return event.flag or NOTHING

    @display(description=_("Reason"))
    def reason(self, event: WebhookEvent) -> str:
        return shown_error(event)[:300] or NOTHING

    @display(description=_("Size"))
    def size(self, event: WebhookEvent) -> int:
        return len(bytes(event.body))

    @display(description=_("Body"))
    def shape(self, event: Any) -> SafeString:
        body = bytes(event.body)
        # The form asks for its fields several times; one look is one entry.
        if not hasattr(event, "may_be_read"):
            event.may_be_read = may_read(event.tenant_id, what=f"event {event.pk}")
        if event.may_be_read:
            text = body[:65536].decode("utf-8", "replace")
            note = _("Shown in full because you have support access with full numbers here.")
        else:
            text = shape_of(body) or _now("Not readable as JSON, or too long to outline.")
            note = _("Texts and numbers are left out: open a support access to read them.")
        return format_html(
            '<p class="mb-2">{}</p><pre class="overflow-x-auto whitespace-pre-wrap">{}</pre>',
            note,
            text,
        )
