"""Closing an announcement, for oneself."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from evosense.core.pages import answers_errors, user_id
from evosense.core.schema import current_tenant
from tenancy.permissions import MEMBER, requires
from tenancy.services import switches


@requires(MEMBER)
@require_POST
@answers_errors
def dismiss(request: HttpRequest, notice_id: UUID) -> HttpResponse:
    """Do not show it to this person again."""
    switches.dismiss(notice_id, user_id=user_id(request), tenant_id=current_tenant().id)
    if request.headers.get("HX-Request"):
        return HttpResponse(status=200)
    back = request.headers.get("Referer", "/")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    return redirect(back if safe else "/")
