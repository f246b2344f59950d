"""What is analysed, by whom and for how much; what people should know about it now."""

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from analytics.analysis.choosing import choose
from analytics.analysis.selectors import backlog_counts
from analytics.analysis.settings import ai_settings
from analytics.models import AiNotice
from analytics.providers.money import sign_of
from analytics.providers.shown import provider_views
from analytics.search.preparing import MOST_COUNTED, preparation
from analytics.selectors.notices import notice_views
from analytics.transcribing.told import standing
from analytics.views.setup.budgets import budget_lines
from analytics.views.setup.settings_forms import AiSettingsForm, initial_of
from evosense.core.errors import DomainError, NotFound
from evosense.core.pages import answers_errors, user_id
from evosense.core.wording import number_words
from tenancy.permissions import requires
from tenancy.recent import recently_authenticated


@requires("ai.manage")
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def ai_settings_page(request: HttpRequest) -> HttpResponse:
    """Show the choices and save them."""
    if request.method != "POST":
        return _page(request, AiSettingsForm(initial=initial_of(ai_settings())))
    form = AiSettingsForm(request.POST)
    if form.is_valid():
        lets_out = form.cleaned_data["confirms_sharing"] and not form.cleaned_data["redacts"]
        return (_save_letting_out if lets_out else _save)(request, form)
    return _page(request, form, status=422)


@requires("ai.manage")
@require_POST
@answers_errors
def notice_close(request: HttpRequest, notice_id: int) -> HttpResponse:
    """Put a notice away; it comes back when its cause does."""
    rows: QuerySet[AiNotice] = AiNotice.objects.filter(pk=notice_id)
    if not rows.exists():
        raise NotFound("notice_not_found", _("There is no such notice."))
    rows.filter(closed_at=None).update(closed_at=timezone.now(), seen_by=user_id(request))
    return redirect("analytics:ai-settings")


def _save(request: HttpRequest, form: AiSettingsForm) -> HttpResponse:
    try:
        choose(confirms_sharing=form.cleaned_data["confirms_sharing"], **form.changes())
    except DomainError as error:
        form.refuse(error)
        return _page(request, form, status=422)
    messages.success(request, _("The settings were saved"))
    return redirect("analytics:ai-settings")


# Without redaction personal data leaves: as sensitive as a key.
_save_letting_out = recently_authenticated(_save)


def _page(request: HttpRequest, form: AiSettingsForm, status: int = 200) -> HttpResponse:
    stored = ai_settings()
    context: dict[str, Any] = {
        "form": form,
        "cost_limit": _written(form["cost_limit"].value()),
        "stored": stored,
        "sign": sign_of(stored.currency),
        "providers": [
            (str(one.id), one.name)
            for one in provider_views()
            if one.is_active and (one.chat_model or one.transcription_model)
        ],
        "budgets": budget_lines(),
        "backlog": backlog_counts(),
        "preparation": preparation(),
        "transcribing": standing(),
        "most_counted": MOST_COUNTED,
        "notices": notice_views(),
        "switches": _switches(form),
    }
    return render(request, "analytics/setup/settings.html", context, status=status)


def _written(amount: Any) -> Any:
    """Return an amount as people of the language write it; what they typed stays as it is."""
    return number_words(amount, 2) if isinstance(amount, Decimal) else amount


def _switches(form: AiSettingsForm) -> list[dict[str, Any]]:
    """Return what may be analysed, each with what it means."""
    words = (
        ("analyses_received", _("Messages received"), _("From people, one by one")),
        ("analyses_sent", _("Messages sent"), _("The tone of your own people")),
        ("analyses_groups", _("Groups"), _("What is said in groups, in the chosen directions")),
        (
            "analyses_closed",
            _("Whole conversations"),
            _("When one is closed, or nobody wrote for ten minutes"),
        ),
        (
            "takes_short_cut",
            _("Short replies without the provider"),
            _("“ok”, “obrigada” and the like are judged by the embedded analyser and cost nothing"),
        ),
        (
            "embeds_remotely",
            _("Search by meaning with the provider's model"),
            _("All messages are prepared anew; the search goes on meanwhile"),
        ),
        (
            "transcribes",
            _("Recordings written down by the provider"),
            _(
                "From now on each sound file leaves for the provider as it is: redaction cannot"
                " touch sound. What that costs is not counted here, so under a limit of money"
                " only local models are asked"
            ),
        ),
    )
    return [
        {
            "name": name,
            "label": label,
            "note": note,
            "is_on": form[name].value(),
            "error": form.errors.get(name, [""])[0],
        }
        for name, label, note in words
    ]
