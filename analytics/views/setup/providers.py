"""The model providers that a company may ask: its own are added, changed, tested, removed."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from analytics.providers import keeping
from analytics.providers.shown import ProviderView, provider_view, provider_views
from analytics.views.setup.provider_forms import ProviderForm
from analytics.views.setup.provider_page import begin_test
from analytics.views.setup.provider_states import state_of
from evosense.core.errors import DomainError
from evosense.core.pages import answers_errors, do_and_say
from tenancy.permissions import requires
from tenancy.recent import recently_authenticated

_FIELDS = (
    "name", "base_url", "chat_model", "embedding_model", "transcription_model", "country",
    "requests_per_minute", "tokens_per_minute", "is_matryoshka", "is_active",
)  # fmt: skip


@requires("ai.manage")
@require_safe
@answers_errors
def provider_list(request: HttpRequest) -> HttpResponse:
    """Show the company's own providers and the house's, with what the last test found."""
    rows = [{"provider": one, **state_of(one)} for one in provider_views()]
    return render(request, "analytics/setup/providers.html", {"rows": rows})


@requires("ai.manage")
@recently_authenticated
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def provider_new(request: HttpRequest) -> HttpResponse:
    """Add a provider and have it tested at once."""
    if request.method != "POST":
        return _form_page(request, ProviderForm(initial={"is_active": True}))
    form = ProviderForm(request.POST)
    if form.is_valid():
        try:
            made = keeping.create_provider(**form.cleaned_data)
        except DomainError as error:
            form.refuse(error)
        else:
            begin_test(request, made.pk)
            return redirect("analytics:ai-providers-detail", made.pk)
    return _form_page(request, form, status=422)


@requires("ai.manage")
@recently_authenticated
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def provider_edit(request: HttpRequest, provider_id: UUID) -> HttpResponse:
    """Change a provider of one's own; an empty key keeps the one that is stored."""
    provider = provider_view(provider_id, own=True)
    if request.method != "POST":
        initial = {name: getattr(provider, name) for name in _FIELDS}
        return _form_page(request, ProviderForm(initial=initial), provider=provider)
    form = ProviderForm(request.POST)
    if form.is_valid():
        try:
            keeping.update_provider(provider_id, **form.cleaned_data)
        except DomainError as error:
            form.refuse(error)
        else:
            if form.cleaned_data["is_active"]:
                begin_test(request, provider_id)
            return redirect("analytics:ai-providers-detail", provider_id)
    return _form_page(request, form, provider=provider, status=422)


@requires("ai.manage")
@recently_authenticated
@require_POST
@answers_errors
def provider_forget_key(request: HttpRequest, provider_id: UUID) -> HttpResponse:
    """Delete the stored key."""
    done = _("The key was removed")
    do_and_say(request, lambda: keeping.forget_key(provider_id), done)
    return redirect("analytics:ai-providers-detail", provider_id)


@requires("ai.manage")
@require_POST
@answers_errors
def provider_remove(request: HttpRequest, provider_id: UUID) -> HttpResponse:
    """Forget a provider of one's own; one that is in use is kept, and that is said."""
    name = provider_view(provider_id, own=True).name
    done = _("The provider %(name)s was removed") % {"name": name}
    do_and_say(request, lambda: keeping.remove_provider(provider_id), done)
    return redirect("analytics:ai-providers")


def _form_page(
    request: HttpRequest,
    form: ProviderForm,
    *,
    provider: ProviderView | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {"form": form, "provider": provider}
    return render(request, "analytics/setup/provider_form.html", context, status=status)
