"""What a proxy asks before it orders a certificate for a name that somebody pointed at it."""

from ipaddress import ip_address

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from evosense.core.client_address import client_address
from evosense.core.ratelimit import allow
from tenancy.permissions import public_page
from tenancy.selectors.hosts import is_public_host, tenant_of_host

# Questions a minute about names that are not the installation's own: anybody who opens a TLS
# connection makes the proxy ask, and each new name costs a look-up.
ASKED_A_MINUTE = 600


@public_page
@require_safe
def may_have_certificate(request: HttpRequest) -> HttpResponse:
    """Answer 200 for hosts that are served here and 404 for all others, as Caddy's `ask` wants.

    Only for the internal network: what came through a proxy carries its client's address.
    """
    if not _comes_from_inside(client_address(request)):
        raise Http404
    host = request.GET.get("domain", "").strip().lower().rstrip(".")
    if is_public_host(host) or host == settings.MEDIA_HOST:
        return _say("yes", 200)
    if not allow("g:limit:certificates", rate=ASKED_A_MINUTE, per_seconds=60):
        return _say("later", 429)
    known = bool(host) and tenant_of_host(host) is not None
    return _say("yes", 200) if known else _say("no", 404)


def _comes_from_inside(address: str) -> bool:
    """Tell whether this is an address of a private network or of this machine."""
    return bool(address) and ip_address(address).is_private


def _say(word: str, status: int) -> HttpResponse:
    return HttpResponse(f"{word}\n", status=status, content_type="text/plain")
