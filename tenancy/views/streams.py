"""Where a page gets the address of its event stream."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from evosense.core.schema import current_tenant
from evosense.core.stream_ticket import issue_ticket
from tenancy.permissions import MEMBER, hidden_hints, requires
from tenancy.services.sessions import public_key


@requires(MEMBER)
@never_cache
@require_safe
def stream_address(request: HttpRequest) -> JsonResponse:
    """Return the stream's address with a fresh ticket; the page asks again to reconnect."""
    ticket = issue_ticket(
        tenant_id=current_tenant().id,
        user_id=int(request.user.pk or 0),
        session=public_key(request.session.session_key or ""),
        hidden=hidden_hints(getattr(request, "permissions", frozenset())),
    )
    return JsonResponse({"url": f"/eventos?ticket={ticket}"})
