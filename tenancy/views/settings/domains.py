"""A company's own host names: claim, prove, give up."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from evosense.core.errors import DomainError
from evosense.core.htmx import redirect_client
from evosense.core.pages import answers_errors, field_errors
from evosense.core.ratelimit import allow
from evosense.core.schema import public_scope
from tenancy.models import Domain
from tenancy.permissions import requires
from tenancy.services import domains
from tenancy.services.tenants import host_of
from tenancy.views.settings.common import settings_page, tenant_id

CHECKS_AN_HOUR = 30


@requires("settings.manage")
@require_http_methods(["GET", "POST"])
def domain_list(request: HttpRequest) -> HttpResponse:
    """Show the addresses with what to write into the DNS, and take a new one."""
    if request.method == "POST":
        try:
            domain = domains.add_domain(tenant_id(), host=request.POST.get("host", "")[:300])
        except DomainError as error:
            return _page(request, errors=field_errors(error), status=422)
        text = _("%(host)s was added. It works as soon as its record is seen.")
        messages.success(request, text % {"host": domain.domain})
        return redirect("settings:domains")
    return _page(request)


@requires("settings.manage")
@require_POST
@answers_errors
def domain_check(request: HttpRequest, domain_id: int) -> HttpResponse:
    """Look for the record now; at most thirty times an hour for a company."""
    if not allow(f"t:{tenant_id()}:limit:domains", rate=CHECKS_AN_HOUR, per_seconds=3600):
        messages.warning(request, _("That was often. Wait some minutes before the next check."))
        return redirect_client(request, reverse("settings:domains"))
    try:
        domain = domains.verify_domain(tenant_id(), domain_id)
    except DomainError as error:
        if error.status == 404:
            raise
        messages.error(request, str(error.message))
    else:
        text = _("%(host)s leads to your company now.") % {"host": domain.domain}
        messages.success(request, text)
    return redirect_client(request, reverse("settings:domains"))


@requires("settings.manage")
@require_POST
@answers_errors
def domain_remove(request: HttpRequest, domain_id: int) -> HttpResponse:
    """Give an address up."""
    domains.remove_domain(tenant_id(), domain_id)
    messages.success(request, _("The address leads nowhere any more."))
    return redirect_client(request, reverse("settings:domains"))


def _page(
    request: HttpRequest, *, errors: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    tenant = tenant_id()
    with public_scope():
        rows = list(Domain.objects.filter(tenant_id=tenant, is_custom=True).order_by("pk"))
    slug = getattr(getattr(request, "tenant", None), "slug", "")
    context = {
        "domains": [(row, domains.record_name(row)) for row in rows],
        "target": host_of(slug),
        "host": request.POST.get("host", "") if errors else "",
        "errors": errors or {},
        "limit": domains.MOST,
    }
    return settings_page(
        request, "settings/domains.html", context, areas=("domain",), status=status
    )
