"""Roles and permissions: the matrix, and the roles that the company makes for itself."""

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from evosense.core.errors import DomainError, NotFound
from evosense.core.htmx import redirect_client
from evosense.core.pages import answers_errors, field_errors, may
from tenancy.permission_table import permission_groups
from tenancy.permissions import requires
from tenancy.selectors import roles as read
from tenancy.selectors.people import role_choices
from tenancy.services import roles
from tenancy.views.settings.common import allowed, settings_page, tenant_id


@requires("members.view")
@require_safe
def role_list(request: HttpRequest) -> HttpResponse:
    """Show what each role may do and how many people have it."""
    columns = read.role_columns(tenant_id())
    context = {
        "columns": columns,
        "own": [column for column in columns if column.id],
        "groups": read.matrix(columns),
        "span": len(columns) + 1,
        "may_manage": may(request, "members.manage"),
    }
    return settings_page(request, "settings/roles.html", context, areas=("role",))


@requires("members.manage")
@never_cache
@require_http_methods(["GET", "POST"])
@answers_errors
def role_new(request: HttpRequest) -> HttpResponse:
    """Make a role, from nothing or from a copy of another one (`?de=`)."""
    if request.method == "POST":
        name, permissions = _sent(request)
        try:
            role = roles.create_role(tenant_id=tenant_id(), name=name, permissions=permissions)
        except DomainError as error:
            return _form(request, None, name, permissions, field_errors(error), 422)
        messages.success(request, _("The role %(name)s is ready.") % {"name": role.name})
        return redirect_client(request, reverse("settings:roles"))
    name, permissions = "", frozenset()
    if request.GET.get("de"):
        copied = roles.choose(tenant_id(), request.GET["de"][:30])
        permissions = copied.permissions & allowed(request)
        name = _("Copy of %(name)s") % {"name": copied.custom_role} if copied.custom_role else ""
    return _form(request, None, name, permissions, {})


@requires("members.manage")
@never_cache
@require_http_methods(["GET", "POST"])
@answers_errors
def role_edit(request: HttpRequest, role_id: int) -> HttpResponse:
    """Rename a role or change what it may do."""
    column = read.role_column(tenant_id(), role_id)
    if request.method == "POST":
        name, permissions = _sent(request)
        try:
            roles.update_role(
                tenant_id=tenant_id(), role_id=role_id, name=name, permissions=permissions
            )
        except NotFound:
            raise
        except DomainError as error:
            return _form(request, column, name, permissions, field_errors(error), 422)
        messages.success(request, _("The role %(name)s is changed.") % {"name": name})
        return redirect_client(request, reverse("settings:roles"))
    return _form(request, column, column.label, column.permissions, {})


@requires("members.manage")
@never_cache
@require_http_methods(["GET", "POST"])
@answers_errors
def role_delete(request: HttpRequest, role_id: int) -> HttpResponse:
    """Ask where the people of a role go, and delete it."""
    column = read.role_column(tenant_id(), role_id)
    error: Any = ""
    if request.method == "POST":
        try:
            roles.delete_role(
                tenant_id=tenant_id(),
                role_id=role_id,
                successor=request.POST.get("successor", ""),
            )
        except NotFound:
            raise
        except DomainError as refusal:
            error = refusal.message
        else:
            messages.success(request, _("The role %(name)s is gone.") % {"name": column.label})
            return redirect_client(request, reverse("settings:roles"))
    names, invited = read.holders_of(role_id)
    choices = role_choices(tenant_id(), within=allowed(request))
    context = {
        "role": column,
        "names": names,
        "invited": invited,
        "choices": [
            (one.value, one.label) for one in choices if one.value not in {"owner", column.key}
        ],
        "error": error,
        "chosen": request.POST.get("successor", ""),
    }
    status = 422 if error else 200
    return settings_page(request, "settings/role_delete.html", context, status=status)


def _sent(request: HttpRequest) -> tuple[str, frozenset[str]]:
    return request.POST.get("name", "")[:200], frozenset(request.POST.getlist("permissions")[:100])


def _form(
    request: HttpRequest,
    column: read.RoleColumn | None,
    name: str,
    permissions: Iterable[str],
    errors: dict[str, Any],
    status: int = 200,
) -> HttpResponse:
    chosen, own = frozenset(permissions), allowed(request)
    groups = [
        (
            group.label,
            [
                (one, one.name in chosen, one.name not in own)
                for one in group.permissions
                if not one.is_owners_only
            ],
        )
        for group in permission_groups()
    ]
    context = {
        "role": column,
        "name": name,
        "groups": groups,
        "errors": errors,
        "names": read.holders_of(column.id)[0] if column and column.id else [],
    }
    return settings_page(request, "settings/role_form.html", context, status=status)
