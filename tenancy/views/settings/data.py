"""The company's data: take it along, or have it deleted."""

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from evosense.core.errors import DomainError
from evosense.core.htmx import redirect_client
from evosense.core.pages import answers_errors, field_errors, may
from evosense.core.schema import current_tenant, public_scope
from tenancy.archive.sealed import MIN_PASSPHRASE
from tenancy.models import Tenant, TenantArchive
from tenancy.permissions import requires
from tenancy.recent import recently_authenticated
from tenancy.restriction import open_when_restricted
from tenancy.services import archives, life
from tenancy.views.settings.common import settings_page, tenant_id


@requires("data.export")
@open_when_restricted
@never_cache
@require_safe
def data(request: HttpRequest) -> HttpResponse:
    """Show the archives, the form for a new one, and the way out."""
    return _page(request, {}, 200)


@requires("data.export")
@open_when_restricted
@never_cache
@require_safe
def data_archives(request: HttpRequest) -> HttpResponse:
    """Return the list alone; the page asks for it while an archive is made."""
    return render(request, "settings/data_archives.html", _archives())


@requires("data.export")
@open_when_restricted
@recently_authenticated
@sensitive_post_parameters("passphrase")
@require_POST
def data_export(request: HttpRequest) -> HttpResponse:
    """Ask for an archive."""
    try:
        archives.request(
            passphrase=request.POST.get("passphrase", ""),
            asked_by=str(getattr(request.user, "email", "")),
            with_raw_events=request.POST.get("raw") == "on",
        )
    except DomainError as error:
        return _page(request, field_errors(error), 422)
    messages.success(request, _("The archive is being made. A letter tells you when it is ready."))
    return redirect_client(request, reverse("settings:data"))


@requires("data.export")
@open_when_restricted
@recently_authenticated
@never_cache
@require_safe
@answers_errors
def data_download(request: HttpRequest, archive_id: UUID) -> HttpResponse:  # noqa: ARG001
    """Hand the file out."""
    archive, file = archives.open_archive(tenant_id(), archive_id)
    name = f"{current_tenant().slug}-{archive.created_at:%Y-%m-%d}.evoa"
    return cast(
        "HttpResponse",
        FileResponse(
            file, as_attachment=True, filename=name, content_type="application/octet-stream"
        ),
    )


@requires("workspace.delete")
@open_when_restricted
@recently_authenticated
@sensitive_post_parameters("passphrase")
@never_cache
@require_http_methods(["GET", "POST"])
def data_delete(request: HttpRequest) -> HttpResponse:
    """Name the consequences and ask for the company's address before its deletion is noted."""
    if request.method == "POST":
        try:
            life.ask_deletion(
                tenant_id(),
                retyped=request.POST.get("slug", ""),
                asked_by=str(getattr(request.user, "email", "")),
                archive_passphrase=request.POST.get("passphrase", ""),
            )
        except DomainError as error:
            return _delete_page(request, field_errors(error), 422)
        return redirect_client(request, reverse("settings:data"))
    return _delete_page(request, {}, 200)


@requires("workspace.delete")
@open_when_restricted
@require_POST
@answers_errors
def data_keep(request: HttpRequest) -> HttpResponse:
    """Call the deletion off."""
    life.cancel_deletion(tenant_id())
    messages.success(request, _("The company stays."))
    return redirect_client(request, reverse("settings:data"))


def _page(request: HttpRequest, errors: dict[str, Any], status: int) -> HttpResponse:
    context = {
        **_archives(),
        "errors": errors,
        "company": _company(),
        "shortest": MIN_PASSPHRASE,
        "may_delete": may(request, "workspace.delete"),
        "raw": request.POST.get("raw", ""),
    }
    return settings_page(
        request, "settings/data.html", context, areas=("archive", "tenant"), status=status
    )


def _delete_page(request: HttpRequest, errors: dict[str, Any], status: int) -> HttpResponse:
    context = {
        "errors": errors,
        "company": _company(),
        "days": life.GRACE_DAYS,
        "shortest": MIN_PASSPHRASE,
        "typed": request.POST.get("slug", "")[:60],
    }
    return settings_page(request, "settings/data_delete.html", context, status=status)


def _archives() -> dict[str, Any]:
    found = archives.listed(tenant_id())
    at_work = {TenantArchive.State.WAITING, TenantArchive.State.RUNNING}
    return {"archives": found, "at_work": any(one.state in at_work for one in found)}


def _company() -> Tenant:
    company_id = tenant_id()
    with public_scope():
        company: Tenant = Tenant.objects.get(pk=company_id)
    return company
