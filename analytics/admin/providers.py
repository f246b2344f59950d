"""Model providers of the house and of companies: how they do, and what the house's cost."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from analytics.admin.provider_forms import HousePriceForm, HouseProviderForm
from analytics.providers import breaker, keeping, price_list
from analytics.providers.capabilities import read_capabilities
from analytics.providers.models import Provider
from analytics.providers.money import price_words
from analytics.providers.refs import ProviderUnavailable, ref_of
from analytics.providers.shown import level_words, problem_words
from analytics.providers.tasks import probe_house_provider, probe_provider
from evosense.core.errors import DomainError
from evosense.core.schema import enqueue_for, public_scope, tenant_scope
from tenancy.admin.base import Act, OperatorAdmin
from tenancy.admin.shown import BAD, CARE, GOOD, NOTHING, ago, link, number, table
from tenancy.admin.site import operator_site

_FIELDS = (
    "name", "base_url", "chat_model", "embedding_model", "transcription_model", "country",
    "requests_per_minute", "tokens_per_minute", "is_local", "is_active",
)  # fmt: skip


def _is_of_house(provider: Provider) -> bool:
    return provider.tenant_id is None


def _test(provider: Provider, _values: dict[str, Any]) -> str:
    """Have a worker test it: one that hangs takes a minute and a half."""
    task = probe_provider if provider.tenant_id else probe_house_provider
    enqueue_for(provider.tenant_id, task, provider_id=str(provider.pk))
    return _now("%(name)s is being tested. This page shows what was found.") % {
        "name": provider.name
    }


def _use_again(provider: Provider, _values: dict[str, Any]) -> None:
    scope = tenant_scope(provider.tenant.ref) if provider.tenant else public_scope()
    with scope:
        try:
            breaker.close(ref_of(provider))
        except ProviderUnavailable as refusal:
            raise DomainError(refusal.code, problem_words(refusal.code)) from refusal


def _set_price(provider: Provider, values: dict[str, Any]) -> None:
    with public_scope():
        price_list.set_price(provider.pk, **values)


def _remove(provider: Provider, _values: dict[str, Any]) -> None:
    with public_scope():
        keeping.remove_provider(provider.pk)


@admin.register(Provider, site=operator_site)
class ProviderAdmin(OperatorAdmin):
    list_display = ("name", "owner", "address", "models", "shown_state", "key_date", "tested")
    list_filter = ("breaker", "is_active")
    search_fields = ("name", "base_url", "tenant__name", "tenant__slug")
    ordering = ("name",)
    list_select_related = ("tenant",)
    list_before_template = "operators/provider_add.html"
    fields = (
        ("name", "owner"), ("address", "country"), ("models", "level"),
        ("state_word", "is_active"), ("is_local", "key_date"), ("checked_at", "limits"),
        ("breaker_openings", "breaker_until"), "prices", "edit",
    )  # fmt: skip
    acts = (
        Act(
            "test",
            _("Test it now"),
            _test,
            note=_("Asks for two judgements and an embedding, and keeps what it can do."),
            icon="network_ping",
        ),
        Act(
            "close_breaker",
            _("Use it again at once"),
            _use_again,
            applies=lambda provider: provider.breaker != Provider.Breaker.CLOSED,
            note=_("Ends the rest of a provider that failed. If it still does, it rests again."),
            icon="restart_alt",
        ),
        Act(
            "price",
            _("Set a price"),
            _set_price,
            form=HousePriceForm,
            applies=_is_of_house,
            note=_("For a million tokens of a model, from a day on."),
            is_single=True,
            icon="payments",
        ),
        Act(
            "remove",
            _("Remove"),
            _remove,
            applies=_is_of_house,
            note=_("Only providers of the house that are switched off."),
            is_danger=True,
            icon="delete",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Provider]:
        rows: QuerySet[Provider] = super().get_queryset(request)
        # Companies' keys cannot be read here, and nobody has to see the others.
        return rows.defer("api_key")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("new/", wrap(self.form_view), name="provider_new"),
            path("<uuid:pk>/edit/", wrap(self.form_view), name="provider_edit"),
        ]
        return [*own, *super().get_urls()]

    def form_view(self, request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
        """Add a provider of the house, or change one."""
        provider = _of_house(pk) if pk else None
        form = HouseProviderForm(request.POST or None, initial=_initial(provider))
        if request.method == "POST" and form.is_valid() and (saved := _save(form, provider)):
            messages.success(request, _now("The provider was saved."))
            messages.info(request, _test(saved, {}))
            return redirect("admin:providers_provider_change", saved.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": provider.name if provider else _("New provider of the house"),
            "opts": self.opts,
            "form": form,
            "back": reverse("admin:providers_provider_changelist"),
        }
        status = 422 if request.method == "POST" else 200
        return TemplateResponse(request, "operators/provider.html", context, status=status)

    @display(description=_("Owner"))
    def owner(self, provider: Provider) -> str | SafeString:
        return link(provider.tenant) if provider.tenant else str(_("The house"))

    @display(description=_("Address"), ordering="base_url")
    def address(self, provider: Provider) -> str:
        return provider.base_url

    @display(description=_("Models"))
    def models(self, provider: Provider) -> str:
        names = (provider.chat_model, provider.embedding_model, provider.transcription_model)
        return ", ".join(name for name in names if name) or NOTHING

    @display(description=_("Answers are asked for as"))
    def level(self, provider: Provider) -> str:
        if provider.checked_at is None:
            return NOTHING
        return level_words(read_capabilities(provider.capabilities).structured)

    @display(description=_("State"), label={"good": GOOD, "rest": BAD, "care": CARE, "off": CARE})
    def shown_state(self, provider: Provider) -> tuple[str, Any]:
        if not provider.is_active:
            return "off", _("Switched off")
        if provider.breaker != Provider.Breaker.CLOSED:
            return "rest", provider.get_breaker_display()
        if provider.problem:
            return "care", provider.problem
        return ("good", _("Answering")) if provider.checked_at else ("care", _("Not tested yet"))

    @display(description=_("State"))
    def state_word(self, provider: Provider) -> str:
        words = str(self.shown_state(provider)[1])
        return f"{words}: {problem_words(provider.problem)}" if provider.problem else words

    @display(description=_("Key saved"))
    def key_date(self, provider: Provider) -> str:
        return ago(provider.key_saved_at)

    @display(description=_("Tested"), ordering="checked_at")
    def tested(self, provider: Provider) -> str:
        return ago(provider.checked_at)

    @display(description=_("Requests and tokens a minute"))
    def limits(self, provider: Provider) -> str:
        return f"{number(provider.requests_per_minute)} · {number(provider.tokens_per_minute)}"

    @display(description=_("Prices for a million tokens"))
    def prices(self, provider: Provider) -> str | SafeString:
        rows = [
            [
                one.model,
                one.valid_from,
                price_words(one.input_micros, one.currency),
                price_words(one.output_micros, one.currency),
            ]
            for one in provider.prices.order_by("model", "-valid_from")
        ]
        headers = [_("Model"), _("Valid from"), _("Input"), _("Output")]
        return table(headers, rows) if rows else NOTHING

    @display(description=_("Change"))
    def edit(self, provider: Provider) -> str | SafeString:
        if provider.tenant_id is not None:
            return str(_("The company changes its own provider."))
        url = reverse("admin:provider_edit", args=[provider.pk])
        words = _now("Change this provider")
        return format_html('<a href="{}" class="text-primary-600">{}</a>', url, words)


def _of_house(pk: UUID) -> Provider:
    found = Provider.objects.defer("api_key").filter(tenant=None, pk=pk).first()
    if found is None:
        raise Http404
    return found


def _initial(provider: Provider | None) -> dict[str, Any]:
    if provider is None:
        return {"is_active": True}
    known = {name: getattr(provider, name) for name in _FIELDS}
    return {**known, "is_matryoshka": read_capabilities(provider.capabilities).is_matryoshka}


def _save(form: HouseProviderForm, provider: Provider | None) -> Provider | None:
    """Store what the form says; None, and a word at the field, when the service refuses it."""
    try:
        with public_scope():
            if provider is None:
                return keeping.create_provider(**form.cleaned_data)
            return keeping.update_provider(provider.pk, **form.cleaned_data)
    except DomainError as error:
        field = error.field if error.field in form.fields else None
        form.add_error(field, str(error.message))
        return None
