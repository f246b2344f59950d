"""A forgotten password: asking for the letter, and the page that its link opens."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from evosense.core.client_address import client_address, limit_address
from evosense.core.errors import DomainError, Invalid
from evosense.core.schema import active_tenant
from tenancy.forms_front_door import ForgotForm, NewPasswordForm, posted
from tenancy.permissions import public_page
from tenancy.services import password_reset


@public_page
@never_cache
@require_http_methods(["GET", "POST"])
def forgot(request: HttpRequest) -> HttpResponse:
    """Ask for the e-mail; the same answer whoever it belongs to."""
    form = ForgotForm(posted(request), initial={"email": request.GET.get("email", "")[:254]})
    tenant = active_tenant()
    sent = request.method == "POST" and form.is_valid()
    if sent:
        password_reset.request_reset(
            form.cleaned_data["email"],
            tenant_id=tenant.id if tenant else None,
            address=limit_address(client_address(request)),
        )
    context = {"form": form, "sent": sent, "company": tenant.name if tenant else ""}
    status = 422 if request.method == "POST" and not sent else 200
    return render(request, "account/forgot.html", context, status=status)


@public_page
@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def new_password(request: HttpRequest, token: str) -> HttpResponse:
    """Set the password that the letter is about, then lead to log-in."""
    form = NewPasswordForm(posted(request))
    try:
        user = password_reset.read(token)
        if request.method == "POST" and form.is_valid():
            password_reset.set_password(token, form.cleaned_data["password"])
            messages.success(request, _("Your new password is set. Log in with it."))
            return redirect("account:login")
    except Invalid as error:
        form.refuse(error)
    except DomainError as error:
        context = {"message": error.message}
        return render(request, "account/reset_closed.html", context, status=410)
    context = {"form": form, "email": user.email}
    status = 422 if request.method == "POST" else 200
    return render(request, "account/new_password.html", context, status=status)
