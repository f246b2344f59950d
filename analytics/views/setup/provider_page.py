"""One provider's page: what its test found, its key's date and its prices."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from analytics.errands import rows
from analytics.errands.asking import ask_probe
from analytics.models import Errand
from analytics.providers import price_list
from analytics.providers.capabilities import LADDER
from analytics.providers.money import price_words
from analytics.providers.shown import ProviderView, level_words, problem_words, provider_view
from analytics.views.errands import state_context
from analytics.views.setup.provider_forms import PriceForm
from analytics.views.setup.provider_states import state_of
from evosense.core.errors import DomainError
from evosense.core.htmx import render_page
from evosense.core.pages import answers_errors, do_and_say, user_id
from tenancy.permissions import requires


@requires("ai.manage")
@require_safe
@answers_errors
def provider_detail(request: HttpRequest, provider_id: UUID) -> HttpResponse:
    """Show one provider: of the house's not where it stands. Only its connection for htmx."""
    provider = provider_view(provider_id)
    today = timezone.localdate().isoformat()
    form = PriceForm(initial={"model": provider.chat_model, "valid_from": today})
    return _page(request, provider, form)


@requires("ai.manage")
@require_POST
@answers_errors
def provider_test(request: HttpRequest, provider_id: UUID) -> HttpResponse:
    """Ask a provider of one's own what it can do; the page then shows each step."""
    provider_view(provider_id, own=True)
    begin_test(request, provider_id)
    return redirect("analytics:ai-providers-detail", provider_id)


@requires("ai.manage")
@require_POST
@answers_errors
def price_set(request: HttpRequest, provider_id: UUID) -> HttpResponse:
    """Enter a price; the same model and day is corrected."""
    provider = provider_view(provider_id, own=True)
    form = PriceForm(request.POST)
    if form.is_valid():
        try:
            price_list.set_price(provider_id, **form.cleaned_data)
        except DomainError as error:
            form.refuse(error)
        else:
            messages.success(request, _("The price was saved"))
            return redirect("analytics:ai-providers-detail", provider_id)
    return _page(request, provider, form, status=422)


@requires("ai.manage")
@require_POST
@answers_errors
def price_remove(request: HttpRequest, provider_id: UUID, price_id: int) -> HttpResponse:
    """Forget a price; what it was used for stays."""
    done = _("The price was removed")
    do_and_say(request, lambda: price_list.remove_price(provider_id, price_id), done)
    return redirect("analytics:ai-providers-detail", provider_id)


def begin_test(request: HttpRequest, provider_id: UUID) -> None:
    """Have a worker test a provider: one that hangs takes a minute and a half."""
    ask_probe(provider_id, asked_by=user_id(request))


def _page(
    request: HttpRequest, provider: ProviderView, form: PriceForm, status: int = 200
) -> HttpResponse:
    context = state_context(_test_of(provider)) | {
        "provider": provider,
        "state": state_of(provider),
        "steps": _steps(provider),
        "level": level_words(provider.capabilities.structured) if _answers(provider) else "",
        "prices": [_price_row(one) for one in price_list.prices_of(provider.id)],
        "form": form,
    }
    place = "analytics/setup/provider.html"
    return render_page(request, place, context, partial="found", status=status)


def _test_of(provider: ProviderView) -> Errand | None:
    """Return the test that was asked for last, unless the provider was tested since it began."""
    errand = rows.latest(Errand.Kind.PROBE, provider.id)
    tested = provider.checked_at
    is_done = errand is not None and tested is not None and tested > errand.created_at
    return None if is_done and not rows.is_open(errand) else errand


def _answers(provider: ProviderView) -> bool:
    """Tell whether the last test found a way to ask; without a test the usual one is tried."""
    tried = provider.last_test.steps if provider.last_test else []
    errors = [error for name, error, _took in tried if name in LADDER]
    return not errors or not all(errors)


def _steps(provider: ProviderView) -> list[dict[str, Any]]:
    """Return each thing that the last test tried, in words."""
    if provider.last_test is None:
        return []
    return [
        {
            "name": _("Embeddings") if name == "embeddings" else level_words(name),
            "is_good": not error,
            "words": _step_words(provider, name, error),
            "milliseconds": took,
        }
        for name, error, took in provider.last_test.steps
    ]


def _step_words(provider: ProviderView, name: str, error: str) -> str:
    if name in LADDER and error in {"bad_request", "level_ignored"} and not provider.problem:
        # A lower rung held, so nothing has to be done about this one.
        return _("The server does not know this form.")
    return problem_words(error) if error else ""


def _price_row(price: Any) -> dict[str, Any]:
    return {
        "id": price.pk,
        "model": price.model,
        "valid_from": price.valid_from,
        "input": price_words(price.input_micros, price.currency),
        "cached": None
        if price.cached_input_micros is None
        else price_words(price.cached_input_micros, price.currency),
        "output": price_words(price.output_micros, price.currency),
    }
