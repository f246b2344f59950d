"""Name, language, time zone, colours and letters of a person."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from tenancy.forms_account import ProfileForm, zone_choices
from tenancy.notices import all_notices, wants
from tenancy.permissions import MEMBER, requires
from tenancy.services import profile as profiles
from tenancy.views.account_security.common import page, person

_FIELDS = ("name", "locale", "timezone", "theme")


@requires(MEMBER)
@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Show and change what a person sets for themselves."""
    user = person(request)
    form = ProfileForm(request.POST or {name: getattr(user, name) for name in _FIELDS})
    if request.method == "POST" and form.is_valid():
        profiles.change_profile(user, **form.cleaned_data)
        messages.success(request, _("Saved."))
        response = redirect("account:profile")
        # A choice made on this browser would hide the one just made for all of them.
        response.delete_cookie("theme")
        return response
    if request.method != "POST":
        form.errors.clear()
    context = {
        "form": form,
        "zones": zone_choices(),
        "waiting_email": profiles.asked_email(user),
    }
    return page(request, "profile", context)


@requires(MEMBER)
@require_http_methods(["GET", "POST"])
def notifications(request: HttpRequest) -> HttpResponse:
    """Show and change which letters a person wants."""
    user = person(request)
    if request.method == "POST":
        chosen = {notice.key: notice.key in request.POST for notice in all_notices()}
        profiles.change_notifications(user, chosen)
        messages.success(request, _("Saved."))
        return redirect("account:notifications")
    rows = [(notice, wants(user, notice.key)) for notice in all_notices()]
    return page(request, "notifications", {"rows": rows})
