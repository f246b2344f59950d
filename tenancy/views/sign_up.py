"""Signing up on the public host: the form, the letter, its confirmation, the preparation."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast
from uuid import UUID, uuid4

from django.conf import settings
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from evosense.core.actor import Actor, acting
from evosense.core.client_address import client_address, limit_address
from evosense.core.errors import Conflict, DomainError, NotFound
from evosense.core.htmx import render_page
from evosense.core.ratelimit import allow
from tenancy.forms_front_door import ConfirmForm, SignUpForm, posted
from tenancy.models import SignUp, Tenant
from tenancy.services import links, sign_ups, slugs

FORMS_AN_HOUR = 10
CHECKS_A_MINUTE = 60
RETRIES_A_MINUTE = 6
_COOKIE_SECONDS = 24 * 3600
_COOKIE_SALT = "evosense.sign-up"

View = Callable[..., HttpResponse]


def as_stranger(view: View) -> View:
    """Name the address of whoever acts: the public host knows no members."""

    @wraps(view)
    def named(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        request_id = getattr(request, "request_id", "")
        with acting(Actor(address=client_address(request), request_id=request_id)):
            return view(request, *args, **kwargs)

    return cast("View", named)


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
@as_stranger
def sign_up(request: HttpRequest) -> HttpResponse:
    """Ask for person and company; the same answer for known and unknown addresses."""
    if not settings.SIGN_UP_OPEN:
        raise Http404
    form = SignUpForm(posted(request))
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            if not _allow(request, "form", FORMS_AN_HOUR, 3600):
                form.add_error(None, _("Too many attempts. Try again in an hour."))
                status = 429
            elif answer := _begin(request, form):
                return answer
    slug = form["slug"].value() or ""
    # For browsers without script the suggestion comes with the answer.
    wanted = form["company"].value() or ""
    slug = slug or (slugs.suggest(wanted[:160]) if wanted.strip() else "")
    context = {**_address_context(slug, ""), "form": form, **_frame()}
    return render(request, "account/sign_up.html", context, status=status)


@never_cache
@require_safe
def sign_up_address(request: HttpRequest) -> HttpResponse:
    """Suggest an address for the company's name, or tell whether the typed one is free."""
    if not _allow(request, "address", CHECKS_A_MINUTE, 60):
        return HttpResponse(status=204)
    slug = request.GET.get("slug", "")[:80]
    suggested = request.GET.get("suggested", "")[:80]
    company = request.GET.get("company", "")[:200]
    if company.strip() and slug in {"", suggested}:
        slug = suggested = slugs.suggest(company)
    context = {**_address_context(slug, suggested), **_frame()}
    return render_page(request, "account/sign_up.html", context, partial="address")


@never_cache
@require_safe
def sign_up_sent(request: HttpRequest) -> HttpResponse:
    """Say where the letter went."""
    _row_id, email = _remembered(request)
    return render(request, "account/sign_up_sent.html", {"email": email, **_frame()})


@never_cache
@require_POST
def sign_up_resend(request: HttpRequest) -> HttpResponse:
    """Send the letter again, if it is time; the answer does not tell."""
    row_id, _email = _remembered(request)
    if row_id and _allow(request, "form", FORMS_AN_HOUR, 3600):
        sign_ups.resend(row_id)
    return redirect(_sent_again())


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
@as_stranger
def sign_up_confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Show what is about to be made and make it on a click: mail scanners only read."""
    try:
        row = sign_ups.read(token)
    except NotFound as error:
        return _closed(request, error, token="", status=404)
    if row.state == SignUp.State.CONFIRMED:
        return redirect("public:sign-up-progress", token=token)
    if sign_ups.is_expired(row):
        late = Conflict("sign_up_expired", _("This link was good for 24 hours."))
        return _closed(request, late, token=token, status=410)
    return _confirm(request, row, token)


@never_cache
@require_POST
def sign_up_renew(request: HttpRequest, token: str) -> HttpResponse:
    """Send a letter in place of an expired one."""
    try:
        row = sign_ups.read(token)
    except NotFound as error:
        return _closed(request, error, token="", status=404)
    sign_ups.resend(row.pk)
    response = redirect(_sent_again())
    return _remember(request, response, row_id=None, email=row.email)


@never_cache
@require_http_methods(["GET", "POST"])
@as_stranger
def sign_up_progress(request: HttpRequest, token: str) -> HttpResponse:
    """Show how far the preparation is, then the way in; POST tries again after a failure."""
    try:
        row = sign_ups.read(token)
    except NotFound as error:
        return _closed(request, error, token="", status=404)
    if row.tenant is None:
        return redirect("public:sign-up-confirm", token=token)
    if request.method == "POST":
        if allow(f"g:limit:sign-up:retry:{row.pk}", rate=RETRIES_A_MINUTE, per_seconds=60):
            sign_ups.retry(token)
        return redirect("public:sign-up-progress", token=token)
    return _progress(request, row, row.tenant, token)


@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    """Say what people agree to, unless the operator of the installation has a page of their own."""
    if settings.TERMS_URL:
        return redirect(settings.TERMS_URL)
    return render(request, "account/terms.html", _frame())


def _begin(request: HttpRequest, form: SignUpForm) -> HttpResponse | None:
    values = form.cleaned_data
    response = redirect("public:sign-up-sent")
    if values["website"]:
        return response
    wish = sign_ups.Wish(
        name=values["name"],
        company=values["company"],
        slug=values["slug"],
        email=values["email"],
        password=values["password"],
        locale=get_language() or "",
    )
    try:
        row = sign_ups.begin(wish)
    except DomainError as error:
        form.refuse(error)
        return None
    email = values["email"].strip().lower()
    # A number of no row for an address that has had enough: the cookies look alike, too.
    return _remember(request, response, row_id=row.pk if row else uuid4(), email=email)


def _confirm(request: HttpRequest, row: SignUp, token: str) -> HttpResponse:
    needs_password = sign_ups.needs_password(row) and _remembered(request)[0] != row.pk
    form = ConfirmForm(posted(request))
    if request.method == "POST" and form.is_valid():
        password = form.cleaned_data["password"] if needs_password else None
        try:
            sign_ups.confirm(token, slug=form.cleaned_data["slug"], password=password)
        except DomainError as error:
            form.refuse(error)
        else:
            return redirect("public:sign-up-progress", token=token)
    choose = bool(form.errors.get("slug")) or not slugs.is_free(row.slug)
    typed = form["slug"].value() or ""
    context = {
        "form": form,
        "row": row,
        "host": links.host_of_slug(row.slug),
        "needs_password": needs_password,
        "is_known": not sign_ups.needs_password(row),
        "choose_address": choose,
        "slug": typed or (slugs.suggest(row.company) if choose else row.slug),
        **_frame(),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "account/sign_up_confirm.html", context, status=status)


def _progress(request: HttpRequest, row: SignUp, tenant: Tenant, token: str) -> HttpResponse:
    ready = tenant.state not in {Tenant.State.PROVISIONING, Tenant.State.FAILED}
    login = ""
    if ready:
        address = links.tenant_url(tenant.pk, "account:login")
        login = f"{address}?{urlencode({'email': row.email})}"
        if getattr(request, "htmx", None):
            return HttpResponseClientRedirect(login)
    context = {
        "company": tenant.name,
        "host": links.domain_of(tenant.pk),
        "login_url": login,
        "has_failed": tenant.state == Tenant.State.FAILED,
        "token": token,
        **_frame(),
    }
    return render_page(request, "account/sign_up_progress.html", context, partial="state")


def _closed(request: HttpRequest, error: DomainError, *, token: str, status: int) -> HttpResponse:
    context = {"code": error.code, "message": error.message, "token": token, **_frame()}
    return render(request, "account/sign_up_closed.html", context, status=status)


def _address_context(slug: str, suggested: str) -> dict[str, Any]:
    """Return the address field: its value, whether it is free, and what is wrong with it."""
    context: dict[str, Any] = {"slug": slug, "suggested": suggested, "host": "", "refused": ""}
    if not slug:
        return context
    try:
        context["host"] = links.host_of_slug(slugs.check(slug))
    except DomainError as error:
        context["refused"] = error.message
    return context


def _frame() -> dict[str, Any]:
    return {"public_host": settings.PUBLIC_HOST}


def _sent_again() -> str:
    return f"{reverse('public:sign-up-sent')}?de-novo=1"


def _allow(request: HttpRequest, what: str, rate: int, seconds: int) -> bool:
    address = limit_address(client_address(request))
    return allow(f"g:limit:sign-up:{what}:{address}", rate=rate, per_seconds=seconds)


def _remember(
    request: HttpRequest, response: HttpResponse, *, row_id: UUID | None, email: str
) -> HttpResponse:
    """Note in the browser which sign-up is its own; it may confirm without the password."""
    kept = row_id or _remembered(request)[0] or uuid4()
    response.set_cookie(
        _cookie_name(),
        signing.dumps([str(kept), email], salt=_COOKIE_SALT),
        max_age=_COOKIE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


def _remembered(request: HttpRequest) -> tuple[UUID | None, str]:
    signed = request.COOKIES.get(_cookie_name(), "")
    try:
        row_id, email = signing.loads(signed, salt=_COOKIE_SALT, max_age=_COOKIE_SECONDS)
    except signing.BadSignature:
        return None, ""
    return UUID(row_id), str(email)


def _cookie_name() -> str:
    return "__Host-sign-up" if settings.SESSION_COOKIE_SECURE else "sign-up"
