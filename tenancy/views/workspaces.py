"""The way to a workspace: the public front page and the switch between companies."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from evosense.core.schema import public_scope
from tenancy.forms import WorkspaceForm
from tenancy.permissions import MEMBER, public_page, requires
from tenancy.selectors.hosts import tenant_of_host
from tenancy.selectors.members import workspace_url, workspaces_of


@public_page
@require_http_methods(["GET", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """Ask for the company's address and lead to its host."""
    form = WorkspaceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        host = f"{form.cleaned_data['slug'].lower()}.{settings.PUBLIC_HOST}"
        if tenant_of_host(host):
            return redirect(workspace_url(host))
        form.add_error("slug", _("No company uses this address. Check the spelling."))
    status = 422 if request.method == "POST" else 200
    context = {
        "form": form,
        "public_host": settings.PUBLIC_HOST,
        "may_sign_up": settings.SIGN_UP_OPEN,
    }
    return render(request, "account/find_workspace.html", context, status=status)


@requires(MEMBER)
@require_safe
def switch(request: HttpRequest) -> HttpResponse:
    """List the companies that this person may open (loaded into the account menu)."""
    with public_scope():
        workspaces = workspaces_of(int(request.user.pk or 0))
    return render(request, "account/workspaces.html", {"workspaces": workspaces})
