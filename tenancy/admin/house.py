"""Letters, migrations of the fleet, and the platform's own audit trail."""

from operator import itemgetter
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display

from tenancy.admin.base import Act, OperatorAdmin, WordsFilter
from tenancy.admin.shown import BAD, CARE, GOOD, NEWS, NOTHING, PLAIN, link, number, table, word
from tenancy.admin.site import operator_site
from tenancy.admin.words import LETTERS, METHODS
from tenancy.audit_words import action_label, changes_of
from tenancy.models import AuditEntry, FleetRun, Mail, TenantMigration
from tenancy.services import audit, letter_box, upkeep


class LetterFilter(admin.SimpleListFilter):
    title = _("Kind")
    parameter_name = "kind"

    def lookups(self, *_arguments: Any) -> list[tuple[str, Any]]:
        return list(LETTERS.items())

    def queryset(self, _request: HttpRequest, rows: QuerySet[Mail]) -> QuerySet[Mail]:
        return rows.filter(kind=self.value()) if self.value() else rows


class ActFilter(admin.SimpleListFilter):
    """The acts that are on the platform's own trail, by their names."""

    title = _("Act")
    parameter_name = "act"

    def lookups(self, *_arguments: Any) -> list[tuple[str, Any]]:
        done = AuditEntry.objects.filter(tenant=None).values_list("action", flat=True)
        return sorted(((each, action_label(each)) for each in done.distinct()), key=itemgetter(1))

    def queryset(self, _request: HttpRequest, rows: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        return rows.filter(action=self.value()) if self.value() else rows


def _retry_letter(letter: Mail, _values: dict[str, Any]) -> None:
    letter_box.retry(letter.pk)


@admin.register(Mail, site=operator_site)
class MailAdmin(OperatorAdmin):
    """Letters without their text: they are written when they leave, links included."""

    list_display = ("letter", "to", "shown_state", "attempts", "created_at", "sent_at", "error")
    list_filter = (("state", WordsFilter), LetterFilter, "created_at")
    search_fields = ("to", "tenant__name", "tenant__slug")
    ordering = ("-created_at",)
    fields = (
        ("letter", "to"), ("state_word", "attempts"), ("created_at", "sent_at", "next_attempt_at"),
        "shown_tenant", "error",
    )  # fmt: skip
    list_select_related = ("tenant",)
    acts = (
        Act(
            "retry",
            _("Send again"),
            _retry_letter,
            applies=lambda letter: letter.state == Mail.State.FAILED,
            note=_("Only failed letters; one that is no longer true is dropped instead."),
            icon="forward_to_inbox",
        ),
    )

    @display(
        description=_("State"),
        ordering="state",
        label={"waiting": NEWS, "sent": GOOD, "dropped": PLAIN, "failed": BAD},
    )
    def shown_state(self, letter: Mail) -> tuple[str, str]:
        return letter.state, word(letter.get_state_display())

    @display(description=_("Kind"), ordering="kind")
    def letter(self, letter: Mail) -> str:
        return str(LETTERS.get(letter.kind, letter.kind))

    @display(description=_("Company"))
    def shown_tenant(self, letter: Mail) -> str | SafeString:
        return link(letter.tenant)


@admin.register(FleetRun, site=operator_site)
class FleetRunAdmin(OperatorAdmin):
    list_display = ("started_at", "shown_state", "finished_at", "done", "failed", "waiting")
    list_filter = (("state", WordsFilter),)
    ordering = ("-started_at",)
    fields = (("state_word", "digest"), ("started_at", "finished_at"), "error", "failure_table")
    acts = (
        Act(
            "retry",
            _("Go on with this run"),
            lambda _run, _values: upkeep.retry_run(),
            applies=lambda run: run.state == FleetRun.State.STOPPED,
            note=_("Goes on with the companies that are not done or failed."),
            is_single=True,
            icon="restart_alt",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[FleetRun]:
        rows: QuerySet[FleetRun] = super().get_queryset(request)
        counts = {
            f"{state}_count": Count("steps", filter=Q(steps__state=state))
            for state in ("done", "failed", "waiting")
        }
        return rows.annotate(**counts)

    @display(description=_("State"), label={"running": NEWS, "done": GOOD, "stopped": BAD})
    def shown_state(self, run: FleetRun) -> tuple[str, str]:
        return run.state, word(run.get_state_display())

    @display(description=_("Done"))
    def done(self, run: Any) -> str:
        return number(run.done_count)

    @display(description=_("Failed"))
    def failed(self, run: Any) -> str:
        return number(run.failed_count)

    @display(description=_("Waiting"))
    def waiting(self, run: Any) -> str:
        return number(run.waiting_count)

    @display(description=_("Not done"))
    def failure_table(self, run: FleetRun) -> SafeString:
        steps = (
            run.steps.exclude(state=TenantMigration.State.DONE)
            .select_related("tenant")
            .order_by("state", "pk")[:50]
        )
        rows = [
            [link(step.tenant), word(step.get_state_display()), step.attempts, step.error[:300]]
            for step in steps
        ]
        return table([_("Company"), _("State"), _("Attempts"), _("Error")], rows)


@admin.register(TenantMigration, site=operator_site)
class TenantMigrationAdmin(OperatorAdmin):
    list_display = (
        "tenant", "shown_state", "shown_method", "attempts", "milliseconds", "updated_at",
        "short_error",
    )  # fmt: skip
    list_filter = (("state", WordsFilter), "updated_at")
    search_fields = ("tenant__name", "tenant__slug")
    ordering = ("-pk",)
    list_select_related = ("tenant", "run")
    fields = (
        ("shown_tenant", "shown_run"), ("state_word", "shown_method", "attempts"), "milliseconds",
        ("group", "fingerprint"), "updated_at", "error",
    )  # fmt: skip
    acts = (
        Act(
            "retry",
            _("Retry"),
            lambda step, _values: upkeep.start_migration(step.tenant_id),
            applies=lambda step: step.state == TenantMigration.State.FAILED,
            icon="restart_alt",
        ),
    )

    @display(
        description=_("State"),
        ordering="state",
        label={"waiting": CARE, "done": GOOD, "failed": BAD},
    )
    def shown_state(self, step: TenantMigration) -> tuple[str, str]:
        return step.state, word(step.get_state_display())

    @display(description=_("Method"), ordering="method")
    def shown_method(self, step: TenantMigration) -> str:
        return str(METHODS.get(step.method, step.method or NOTHING))

    @display(description=_("Error"))
    def short_error(self, step: TenantMigration) -> str:
        return step.error.splitlines()[0][:80] if step.error else ""

    @display(description=_("Company"))
    def shown_tenant(self, step: TenantMigration) -> str | SafeString:
        return link(step.tenant)

    @display(description=_("Run"))
    def shown_run(self, step: TenantMigration) -> str | SafeString:
        return link(step.run)


@admin.register(AuditEntry, site=operator_site)
class AuditAdmin(OperatorAdmin):
    """The platform's chain. What happened inside a company is that company's to read."""

    list_display = ("number", "at", "actor_label", "what", "object_label", "address")
    list_filter = (ActFilter, ("actor_kind", WordsFilter), "at")
    search_fields = ("actor_label", "object_label", "action")
    ordering = ("-number",)
    list_before_template = "operators/verify.html"
    fields = (
        ("number", "at"), ("kind_word", "actor_label"), ("address", "request_id"),
        ("what", "object_label"), "change_table", "seal",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        rows: QuerySet[AuditEntry] = super().get_queryset(request)
        return rows.filter(tenant=None)

    def get_urls(self) -> list[Any]:
        check = path("verify/", self.admin_site.admin_view(self.verify), name="audit_verify")
        return [check, *super().get_urls()]

    @property
    def verify(self) -> Any:
        return require_POST(_verify)

    @display(description=_("Who, kind"))
    def kind_word(self, entry: AuditEntry) -> str:
        return word(entry.get_actor_kind_display())

    @display(description=_("Act"), ordering="action")
    def what(self, entry: AuditEntry) -> str:
        return action_label(entry.action)

    @display(description=_("Changes"))
    def change_table(self, entry: AuditEntry) -> str | SafeString:
        rows = [list(change) for change in changes_of(entry)]
        return table([_("Field"), _("Before"), _("After")], rows) if rows else NOTHING

    @display(description=_("Seal"))
    def seal(self, entry: AuditEntry) -> str:
        return bytes(entry.hash).hex()


def _verify(request: HttpRequest) -> HttpResponse:
    broken = audit.first_broken(None)
    if broken is None:
        messages.success(request, _now("Every entry fits the one before it."))
    else:
        text = _now("The trail is broken at entry %(number)s: it or one before it was changed.")
        messages.error(request, text % {"number": broken})
    return redirect(reverse("admin:tenancy_auditentry_changelist"))
