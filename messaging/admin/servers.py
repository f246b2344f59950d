"""Evolution servers of the house and of companies: what they are, what they carry, how they do."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from evosense.core.errors import DomainError
from evosense.core.schema import public_scope, tenant_scope
from messaging.gateway import breaker
from messaging.gateway.models import EvolutionServer
from messaging.gateway.servers import create_server, probe_server, remove_server, update_server
from messaging.selectors.health_words import failure_words
from tenancy.admin.base import Act, OperatorAdmin
from tenancy.admin.shown import BAD, CARE, GOOD, NOTHING, ago, link, number
from tenancy.admin.site import operator_site


class ServerForm(forms.Form):
    """A server of the house. The key is written and never shown."""

    name = forms.CharField(label=_("Name"), max_length=80, widget=UnfoldAdminTextInputWidget)
    url = forms.CharField(label=_("Address"), max_length=300, widget=UnfoldAdminTextInputWidget)
    api_key = forms.CharField(
        label=_("Global key"),
        max_length=500,
        widget=UnfoldAdminPasswordWidget({"autocomplete": "off"}),
        help_text=_("Stored encrypted and never shown again."),
    )
    is_active = forms.BooleanField(
        label=_("Open to companies"),
        required=False,
        initial=True,
        widget=UnfoldBooleanSwitchWidget,
    )

    def keep_key(self) -> None:
        """Let an empty key mean the one that is stored."""
        self.fields["api_key"].required = False
        self.fields["api_key"].help_text = _(
            "Leave it empty to keep the one that is stored. Another host needs it again, and the"
            " keys of single connections are forgotten then."
        )


def _probe(server: EvolutionServer, _values: dict[str, Any]) -> str:
    scope = tenant_scope(server.tenant.ref) if server.tenant else public_scope()
    with scope:
        found = probe_server(server.pk)
    if found.problem:
        return f"{server.name}: {failure_words(found.problem)}"
    return _now("%(name)s answers as version %(version)s.") % {
        "name": server.name,
        "version": found.version,
    }


def _try_again(server: EvolutionServer, _values: dict[str, Any]) -> None:
    breaker.note_success(server.pk)


def _remove(server: EvolutionServer, _values: dict[str, Any]) -> None:
    with public_scope():
        remove_server(server.pk)


@admin.register(EvolutionServer, site=operator_site)
class ServerAdmin(OperatorAdmin):
    list_display = (
        "name", "owner", "address", "release", "shown_state", "numbers", "waiting", "stopped",
        "probed",
    )  # fmt: skip
    list_filter = ("breaker", "is_active")
    search_fields = ("name", "url", "tenant__name", "tenant__slug")
    ordering = ("name",)
    list_select_related = ("tenant",)
    list_before_template = "operators/server_add.html"
    fields = (
        ("name", "owner"), ("address", "release"), ("state_word", "is_active"),
        ("probed_at", "licence"),
        ("breaker_failures", "breaker_until"), ("numbers", "waiting", "stopped"), "edit",
    )  # fmt: skip
    acts = (
        Act(
            "probe",
            _("Ask it now"),
            _probe,
            note=_("Asks for version, licence and whether the key is good."),
            icon="network_ping",
        ),
        Act(
            "close_breaker",
            _("Use it again at once"),
            _try_again,
            applies=lambda server: server.breaker != EvolutionServer.Breaker.CLOSED,
            note=_("Ends the rest of a server that did not answer. If it still does not, it rests"
                   " again."),
            icon="restart_alt",
        ),
        Act(
            "remove",
            _("Remove"),
            _remove,
            applies=lambda server: server.tenant_id is None,
            note=_("Only servers of the house that carry no number."),
            is_danger=True,
            icon="delete",
        ),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[EvolutionServer]:
        rows: QuerySet[EvolutionServer] = super().get_queryset(request)
        # Companies' keys cannot be read here, and nobody has to see the others.
        return rows.defer("api_key").annotate(
            numbers_count=Count("lanes"),
            waiting_count=Count("lanes", filter=Q(lanes__due_at__lte=timezone.now())),
            stopped_count=Count("lanes", filter=Q(lanes__state__in=["held", "tripped"])),
        )

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("new/", wrap(self.form_view), name="server_new"),
            path("<uuid:pk>/edit/", wrap(self.form_view), name="server_edit"),
        ]
        return [*own, *super().get_urls()]

    def form_view(self, request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
        """Add a server of the house, or change one."""
        server = self._of_house(pk) if pk else None
        form = ServerForm(request.POST or None, initial=_initial(server))
        if server:
            form.keep_key()
        if request.method == "POST" and form.is_valid() and (saved := _save(form, server)):
            messages.success(request, _now("The server was saved."))
            messages.info(request, _probe(saved, {}))
            return redirect("admin:gateway_evolutionserver_change", saved.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": server.name if server else _("New server of the house"),
            "opts": self.opts,
            "form": form,
            "back": reverse("admin:gateway_evolutionserver_changelist"),
        }
        status = 422 if request.method == "POST" else 200
        return TemplateResponse(request, "operators/server.html", context, status=status)

    def _of_house(self, pk: UUID) -> EvolutionServer:
        rows = EvolutionServer.objects.defer("api_key").filter(tenant=None, pk=pk)
        found = rows.first()
        if found is None:
            raise Http404
        return found

    @display(description=_("Owner"))
    def owner(self, server: EvolutionServer) -> str | SafeString:
        return link(server.tenant) if server.tenant else str(_("The house"))

    @display(description=_("Address"), ordering="url")
    def address(self, server: EvolutionServer) -> str:
        return server.url

    @display(description=_("Version"), ordering="version")
    def release(self, server: EvolutionServer) -> str:
        return server.version or NOTHING

    @display(description=_("State"), label={"good": GOOD, "rest": BAD, "care": CARE, "off": CARE})
    def shown_state(self, server: EvolutionServer) -> tuple[str, Any]:
        if not server.is_active:
            return "off", _("Switched off")
        if server.breaker != EvolutionServer.Breaker.CLOSED:
            return "rest", server.get_breaker_display()
        if server.problem:
            return "care", failure_words(server.problem)
        return ("good", _("Answering")) if server.version else ("care", _("Not asked yet"))

    @display(description=_("State"))
    def state_word(self, server: EvolutionServer) -> str:
        words, problem = str(self.shown_state(server)[1]), str(failure_words(server.problem))
        return f"{words}: {problem}" if server.problem and problem != words else words

    @display(description=_("Licence"))
    def licence(self, server: EvolutionServer) -> str:
        if "is_licensed" not in server.capabilities:
            return NOTHING
        return str(_("Active") if server.capabilities["is_licensed"] else _("Missing"))

    @display(description=_("Numbers"), ordering="numbers_count")
    def numbers(self, server: Any) -> str:
        return number(server.numbers_count)

    @display(description=_("With something to send"), ordering="waiting_count")
    def waiting(self, server: Any) -> str:
        return number(server.waiting_count)

    @display(description=_("Held or stopped"), ordering="stopped_count")
    def stopped(self, server: Any) -> str:
        return number(server.stopped_count)

    @display(description=_("Asked"), ordering="probed_at")
    def probed(self, server: EvolutionServer) -> str:
        return ago(server.probed_at)

    @display(description=_("Change"))
    def edit(self, server: EvolutionServer) -> str | SafeString:
        if server.tenant_id is not None:
            return str(_("The company changes its own server."))
        return _link_to(reverse("admin:server_edit", args=[server.pk]), _now("Change this server"))


def _link_to(url: str, words: str) -> SafeString:
    return format_html('<a href="{}" class="text-primary-600">{}</a>', url, words)


def _initial(server: EvolutionServer | None) -> dict[str, Any]:
    if server is None:
        return {}
    return {"name": server.name, "url": server.url, "is_active": server.is_active}


def _save(form: ServerForm, server: EvolutionServer | None) -> EvolutionServer | None:
    """Store what the form says; None, and a word at the field, when the service refuses it."""
    values = form.cleaned_data
    given = {"name": values["name"], "url": values["url"], "api_key": values["api_key"]}
    try:
        with public_scope():
            if server is None:
                return create_server(**given)
            return update_server(server.pk, **given, is_active=values["is_active"])
    except DomainError as error:
        field = error.field if error.field in form.fields else None
        form.add_error(field, str(error.message))
        return None
