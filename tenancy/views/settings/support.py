"""Who of the house was in here, why, and the way to end it now."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from evosense.core.htmx import redirect_client
from evosense.core.pages import answers_errors
from tenancy.permissions import requires
from tenancy.selectors.support import support_accesses
from tenancy.services.support import end_grant
from tenancy.views.settings.common import settings_page, tenant_id


@requires("settings.manage")
@never_cache
@require_safe
def support(request: HttpRequest) -> HttpResponse:
    """List every access that support has had."""
    context = {"accesses": support_accesses(tenant_id())}
    return settings_page(request, "settings/support.html", context)


@requires("settings.manage")
@require_POST
@answers_errors
def support_end(request: HttpRequest, grant_id: UUID) -> HttpResponse:
    """End an access at once."""
    if end_grant(grant_id, by="owner", tenant_id=tenant_id()):
        messages.success(request, _("The access is ended. Support sees nothing here any more."))
    else:
        messages.info(request, _("This access had ended already."))
    return redirect_client(request, reverse("settings:support"))
