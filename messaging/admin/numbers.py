"""Numbers of all companies that need somebody: open incidents, stopped lines, failed sends."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from unfold.decorators import display

from evosense.core.schema import tenant_scope
from messaging.gateway import lanes
from messaging.gateway.models import Lane
from messaging.models import Connection, Incident
from messaging.selectors.failure_words import failure_words
from messaging.selectors.health_words import cause_words
from tenancy.admin.base import Act, OperatorAdmin, WordsFilter
from tenancy.admin.shown import BAD, CARE, GOOD, NOTHING, PLAIN, ago, link, number, word
from tenancy.admin.site import operator_site
from tenancy.models import Tenant, TenantUsage

MOST = 500


@require_safe
def incidents(request: HttpRequest) -> HttpResponse:
    """Show what is open now in every company, and who has sends that did not go well."""
    worried = TenantUsage.objects.select_related("tenant").filter(open_incidents__gt=0)
    rows = [
        _incident(usage, one)
        for usage in worried.order_by("-open_incidents")[:MOST]
        for one in usage.incidents
    ][:MOST]
    troubled = TenantUsage.objects.select_related("tenant").filter(
        Q(failed_sends__gt=0) | Q(unknown_sends__gt=0)
    )
    sends = [
        [link(one.tenant), number(one.failed_sends), number(one.unknown_sends),
         ago(one.computed_at)]
        for one in troubled.order_by("-unknown_sends", "-failed_sends")[:MOST]
    ]  # fmt: skip
    headers = [_("Company"), _("Number"), _("Kind"), _("State"), _("Cause"), _("Since")]
    of_sends = [_("Company"), _("Failed in 24 h"), _("Outcome unknown"), _("Counted")]
    context = {
        **operator_site.each_context(request),
        "title": _("Incidents"),
        "tables": [
            (_("Open incidents"), headers, rows),
            (_("Sends that did not go well"), of_sends, sends),
        ],
        "nothing": _("Nothing is wrong here."),
    }
    return TemplateResponse(request, "operators/tables.html", context)


def _incident(usage: TenantUsage, one: dict[str, Any]) -> list[Any]:
    return [
        link(usage.tenant),
        one["name"],
        str(Incident.Kind(one["kind"]).label),
        _("Down") if one["severity"] == "down" else _("Unstable"),
        cause_words(one["code"] or one["kind"]),
        ago(datetime.fromisoformat(one["since"])),
    ]


def _resume(lane: Lane, _values: dict[str, Any]) -> None:
    with tenant_scope(lane.tenant.ref):
        lanes.release(lane.pk)


def _names_of(lanes: Iterable[Lane]) -> dict[UUID, str]:
    """Return what companies call these numbers; nothing else of a company is read."""
    by_company: dict[Tenant, list[UUID]] = defaultdict(list)
    for lane in lanes:
        if lane.tenant.state == Tenant.State.READY:
            by_company[lane.tenant].append(lane.pk)
    names: dict[UUID, str] = {}
    for tenant, ids in by_company.items():
        with tenant_scope(tenant.ref):
            found = Connection.objects.filter(public_id__in=ids)
            names |= dict(found.values_list("public_id", "name"))
    return names


def name_of(lane: Lane) -> str:
    """Return what its company calls the number of a line; looked up once."""
    known: str | None = getattr(lane, "connection_name", None)
    if known is None:
        known = _names_of([lane]).get(lane.pk, "")
        lane.connection_name = known  # type: ignore[attr-defined]
    return known or str(lane.pk)


class ReasonFilter(admin.AllValuesFieldListFilter):
    """A filter over codes of ours, in words."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        codes = set(self.lookup_choices) - {""}
        for choice in super().choices(changelist):
            code = str(choice["display"])
            yield {**choice, "display": failure_words(code)} if code in codes else choice


@admin.register(Lane, site=operator_site)
class LaneAdmin(OperatorAdmin):
    """Sending lines: one for each number, with what stops it."""

    list_display = ("number", "company", "shown_server", "shown_state", "why", "due", "watched")
    list_filter = (("state", WordsFilter), ("reason", ReasonFilter))
    search_fields = ("tenant__name", "tenant__slug")
    ordering = ("-due_at",)
    fields = (
        ("number", "company"), ("shown_server", "state_word"), "why", ("due_at", "lease_until"),
        "watch_at",
    )  # fmt: skip
    acts = (
        Act(
            "release",
            _("Let it go on"),
            _resume,
            applies=lambda lane: lane.state in (Lane.State.HELD, Lane.State.TRIPPED),
            note=_("If the cause lasts, the next attempt stops it again."),
            icon="play_arrow",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Lane]:
        rows: QuerySet[Lane] = super().get_queryset(request)
        # Joined, because a server that is read by itself brings a key that cannot be read here.
        return rows.select_related("tenant", "server").defer("server__api_key")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changes = super().get_changelist_instance(request)
        names = _names_of(changes.result_list)
        for lane in changes.result_list:
            lane.connection_name = names.get(lane.pk, "")
        return changes

    @display(description=_("Number"))
    def number(self, lane: Lane) -> str:
        return name_of(lane)

    @display(description=_("Company"))
    def company(self, lane: Lane) -> str | SafeString:
        return link(lane.tenant)

    @display(description=_("Server"))
    def shown_server(self, lane: Lane) -> str | SafeString:
        return link(lane.server) if lane.server else NOTHING

    @display(
        description=_("State"),
        ordering="state",
        label={"open": GOOD, "held": CARE, "paused": PLAIN, "tripped": BAD},
    )
    def shown_state(self, lane: Lane) -> tuple[str, str]:
        return lane.state, word(lane.get_state_display())

    @display(description=_("Reason"), ordering="reason")
    def why(self, lane: Lane) -> str:
        return str(failure_words(lane.reason)) if lane.reason else NOTHING

    @display(description=_("Due"), ordering="due_at")
    def due(self, lane: Lane) -> str:
        return ago(lane.due_at)

    @display(description=_("Looked at again"), ordering="watch_at")
    def watched(self, lane: Lane) -> Any:
        return lane.watch_at
