"""Password and e-mail: each change is proven, told by letter and written down."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from evosense.core.errors import DomainError
from tenancy.forms_account import EmailForm, PasswordForm
from tenancy.permissions import MEMBER, public_page, requires
from tenancy.recent import recently_authenticated
from tenancy.services import login as logins
from tenancy.services import profile, sessions
from tenancy.views.account_security.common import page, person, words


@requires(MEMBER)
@sensitive_post_parameters("old", "new")
@never_cache
@require_http_methods(["GET", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Change the password; the old one is asked for, all other sessions end."""
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _change_password(request, form):
        messages.success(request, _("Your password is new. All other log-ins have ended."))
        return redirect("account:security")
    return page(request, "password", {"form": form})


@requires(MEMBER)
@recently_authenticated
@require_http_methods(["GET", "POST"])
def email(request: HttpRequest) -> HttpResponse:
    """Ask for another e-mail; it takes effect when a letter to it is answered."""
    user = person(request)
    form = EmailForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            asked = profile.ask_for_email(user, form.cleaned_data["email"])
        except DomainError as refused:
            form.add_error("email", words(refused))
        else:
            text = _("We wrote to %(email)s. Follow the link in that letter within a day.")
            messages.success(request, text % {"email": asked})
            return redirect("account:profile")
    return page(request, "email", {"form": form})


@requires(MEMBER)
@require_POST
def withdraw_email(request: HttpRequest) -> HttpResponse:
    """Keep the present address after all."""
    profile.withdraw_email(person(request))
    messages.success(request, _("Your e-mail stays as it is."))
    return redirect("account:profile")


@public_page
@never_cache
@require_http_methods(["GET", "POST"])
def confirm_email(request: HttpRequest, token: str) -> HttpResponse:
    """Answer the letter to a new address; a scanner of mail that opens the link changes nothing."""
    try:
        if request.method == "POST":
            profile.confirm_email(token)
            return render(request, "account/email_confirm.html", {"is_done": True})
        _row, address = profile.email_of_token(token)
    except DomainError as refused:
        context = {"error": words(refused)}
        return render(request, "account/email_confirm.html", context, status=refused.status)
    return render(request, "account/email_confirm.html", {"address": address})


def _change_password(request: HttpRequest, form: PasswordForm) -> bool:
    user = person(request)
    error = logins.check_password(request, user, form.cleaned_data["old"])
    if error:
        form.add_error("old", error)
        return False
    try:
        key = request.session.session_key
        profile.set_password(user, form.cleaned_data["new"], keep=key, reason="by the person")
    except DomainError as refused:
        form.add_error("new", words(refused))
        return False
    sessions.renew(request, user)
    return True
