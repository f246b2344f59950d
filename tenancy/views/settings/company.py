"""The company's data, and its brand."""

from typing import Any, BinaryIO, cast
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from evosense.core.colors import is_hex
from evosense.core.errors import DomainError
from evosense.core.htmx import redirect_client
from evosense.core.pages import answers_errors, field_errors
from evosense.core.schema import current_tenant
from tenancy.brand_colors import palette_of
from tenancy.permissions import requires
from tenancy.selectors.brand import read_look
from tenancy.services.brand import change_brand, reset_brand
from tenancy.services.company import change_company
from tenancy.services.tenants import find_tenant, host_of
from tenancy.views.settings.common import settings_page, tenant_id

_SAMPLES = ("#0b7a5b", "#1d4ed8", "#7c3aed", "#b91c1c", "#c2410c", "#0f766e")


@requires("settings.manage")
@never_cache
@require_http_methods(["GET", "POST"])
@answers_errors
def company(request: HttpRequest) -> HttpResponse:
    """Show and change name, time zone and language."""
    tenant = find_tenant(tenant_id=tenant_id())
    values = {"name": tenant.name, "timezone": tenant.timezone, "locale": tenant.locale}
    errors: dict[str, Any] = {}
    if request.method == "POST":
        values = {field: request.POST.get(field, "")[:200] for field in values}
        try:
            change_company(tenant_id=tenant_id(), **values)
        except DomainError as error:
            errors = field_errors(error)
        else:
            messages.success(request, _("The company's data is saved."))
            return redirect_client(request, reverse("settings:company"))
    context = {
        "values": values,
        "errors": errors,
        "tenant": tenant,
        "host": host_of(tenant.slug),
        "zones": _zones(),
        "languages": [
            (code, get_language_info(code)["name_local"].capitalize())
            for code, _name in settings.LANGUAGES
        ],
    }
    status = 422 if errors else 200
    return settings_page(
        request, "settings/company.html", context, areas=("settings",), status=status
    )


@requires("settings.manage")
@never_cache
@require_http_methods(["GET", "POST"])
def brand(request: HttpRequest) -> HttpResponse:
    """Show and change name, colour and logo, with how they will look."""
    look = read_look(tenant_id())
    values, errors = {"name": look.name, "color": look.color}, {}
    if request.method == "POST":
        values = {field: request.POST.get(field, "")[:200] for field in values}
        try:
            change_brand(
                tenant_id=tenant_id(),
                **values,
                logo=cast("BinaryIO | None", request.FILES.get("logo")),
                drop_logo=request.POST.get("drop_logo") == "on",
            )
        except DomainError as error:
            errors = field_errors(error)
        else:
            messages.success(request, _("The brand is saved. Everybody sees it within a minute."))
            return redirect_client(request, reverse("settings:brand"))
    color = values["color"] if is_hex(values["color"]) else ""
    context = {
        "values": values,
        "errors": errors,
        "look": look,
        "palette": palette_of(color) if color else None,
        "samples": _SAMPLES,
        "company": current_tenant().name,
    }
    status = 422 if errors else 200
    return settings_page(request, "settings/brand.html", context, areas=("brand",), status=status)


@requires("settings.manage")
@require_POST
def brand_reset(request: HttpRequest) -> HttpResponse:
    """Go back to the look of the house."""
    reset_brand(tenant_id=tenant_id())
    messages.success(request, _("Pages look as usual again."))
    return redirect_client(request, reverse("settings:brand"))


def _zones() -> list[tuple[str, str]]:
    """Return the time zones, Brazil's first."""
    names = sorted(name for name in available_timezones() if "/" in name or name == "UTC")
    names.sort(key=lambda name: name not in _BRAZIL)
    return [(name, name.replace("_", " ")) for name in names]


_BRAZIL = frozenset(
    f"America/{city}"
    for city in (
        "Araguaina", "Bahia", "Belem", "Boa_Vista", "Campo_Grande", "Cuiaba", "Eirunepe",
        "Fortaleza", "Maceio", "Manaus", "Noronha", "Porto_Velho", "Recife", "Rio_Branco",
        "Santarem", "Sao_Paulo",
    )
)  # fmt: skip
