"""What a proxy asks before it orders a certificate for a name that somebody pointed at it."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from tenancy.permissions import public_page
from tenancy.selectors.hosts import is_public_host, tenant_of_host


@public_page
@require_safe
def may_have_certificate(request: HttpRequest) -> HttpResponse:
    """Answer 200 for hosts that are served here and 404 for all others, as Caddy's `ask` wants.

    It tells no more than a request for that host would.
    """
    host = request.GET.get("domain", "").strip().lower().rstrip(".")
    is_ours = is_public_host(host) or host == settings.MEDIA_HOST
    if is_ours or (host and tenant_of_host(host) is not None):
        return HttpResponse("yes\n", content_type="text/plain")
    return HttpResponse("no\n", status=404, content_type="text/plain")
