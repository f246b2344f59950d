"""API keys: the list, making one that is shown once, ending one."""

import re
from datetime import datetime, time, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from evosense.core.errors import DomainError, Invalid, NotAllowed
from evosense.core.htmx import redirect_client
from evosense.core.pages import answers_errors, field_errors, user_id
from tenancy.permissions import requires
from tenancy.recent import recently_authenticated
from tenancy.scopes import EVERYTHING, SCOPE_TABLE, life_of, needed_for
from tenancy.selectors.keys import key_rows
from tenancy.selectors.limits import limit_of
from tenancy.services import keys
from tenancy.views.settings.common import allowed, settings_page, tenant_id

LONGEST_LIFE = timedelta(days=3 * 366)


@requires("keys.manage")
@require_safe
def key_list(request: HttpRequest) -> HttpResponse:
    """Show every key with what it opens and when it was used last."""
    rows = key_rows(tenant_id())
    context = {
        "keys": rows,
        "used": sum(row.is_living for row in rows),
        "limit": limit_of(tenant_id(), "api_keys"),
        "words": {one.name: one.label for one in SCOPE_TABLE} | {EVERYTHING: _("Everything")},
    }
    return settings_page(request, "settings/keys.html", context, areas=("key",))


@requires("keys.manage")
@recently_authenticated
@never_cache
@require_http_methods(["GET", "POST"])
def key_new(request: HttpRequest) -> HttpResponse:
    """Make a key; the answer is the only place where it can be read."""
    if request.method == "POST":
        try:
            row, key = _make(request)
        except DomainError as error:
            return _form(request, field_errors(error), 422)
        context = {"key": row, "secret": key, "company": request.get_host()}
        return render(request, "settings/key_secret.html", context, status=201)
    return _form(request, {}, 200)


@requires("keys.manage")
@require_POST
@answers_errors
def key_revoke(request: HttpRequest, key_id: int) -> HttpResponse:
    """End a key at once."""
    keys.revoke_key(tenant_id=tenant_id(), key_id=key_id)
    messages.success(request, _("The key opens nothing any more."))
    return redirect_client(request, reverse("settings:keys"))


def _make(request: HttpRequest) -> tuple[Any, str]:
    scopes = request.POST.getlist("scopes")[:50]
    if not needed_for(scopes) <= allowed(request):
        message = _("A key cannot do more than your own role.")
        raise NotAllowed("scope_above_own", message, field="scopes")
    networks = [part for part in re.split(r"[\s,;]+", request.POST.get("networks", "")) if part]
    return keys.create_key(
        tenant_id=tenant_id(),
        name=request.POST.get("name", "")[:200],
        scopes=scopes,
        created_by_id=user_id(request),
        expires_at=_expiry(request.POST.get("expires", ""), scopes),
        allowed_networks=networks[:100],
        is_service=request.POST.get("kind") == "service",
    )


def _expiry(raw: str, scopes: list[str]) -> datetime:
    """Return the end of the chosen day; without one, 90 days or a year by what the key may do."""
    now = timezone.now()
    if not raw:
        return now + life_of(scopes)
    try:
        day = parse_date(raw)
    except ValueError:
        day = None
    latest = timezone.localdate() + LONGEST_LIFE
    if day is None or not timezone.localdate() <= day <= latest:
        message = _("Choose a day within the next three years.")
        raise Invalid("expiry_invalid", message, field="expires")
    return timezone.make_aware(datetime.combine(day, time(23, 59, 59)))


def _form(request: HttpRequest, errors: dict[str, Any], status: int) -> HttpResponse:
    own, chosen = allowed(request), set(request.POST.getlist("scopes"))
    scopes = [(one, one.name in chosen, not set(one.needs) <= own) for one in SCOPE_TABLE]
    context = {
        "errors": errors,
        "scopes": scopes,
        "everything": EVERYTHING in chosen,
        "name": request.POST.get("name", ""),
        "networks": request.POST.get("networks", ""),
        "expires": request.POST.get("expires", ""),
        "kind": request.POST.get("kind", "personal"),
        "may_everything": needed_for([EVERYTHING]) <= own,
    }
    return settings_page(request, "settings/key_new.html", context, status=status)
