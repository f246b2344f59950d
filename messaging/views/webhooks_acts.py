"""What people do with a webhook: try it, renew its secret, remove it, repeat a delivery."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from messaging.selectors import webhooks_out as read
from messaging.services.webhooks_out import deliveries, endpoints
from messaging.views.common import answers_errors, do_and_say
from messaging.views.webhooks import secret_page
from tenancy.permissions import requires
from tenancy.recent import recently_authenticated


@requires("webhooks.manage")
@require_POST
@answers_errors
def webhook_test(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """Send a test and say what the address answered."""
    found = read.delivery_view(webhook_id, deliveries.send_test(webhook_id))
    if found.state == "delivered":
        shown = {"status": found.last_status}
        messages.success(request, _("The address took the test (%(status)s)") % shown)
    else:
        messages.error(request, found.error_words)
    return redirect("messaging:webhooks-detail", webhook_id)


@requires("webhooks.manage")
@recently_authenticated
@never_cache
@require_POST
@answers_errors
def webhook_rotate(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """Make a new secret; the answer is the only place where it can be read."""
    return secret_page(request, endpoints.rotate_secret(webhook_id))


@requires("webhooks.manage")
@require_POST
@answers_errors
def webhook_remove(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """Forget a webhook and its deliveries."""
    name = read.endpoint_view(webhook_id).name
    done = _("The webhook %(name)s was removed") % {"name": name}
    do_and_say(request, lambda: endpoints.remove_endpoint(webhook_id), done)
    return redirect("messaging:webhooks")


@requires("webhooks.manage")
@require_POST
@answers_errors
def delivery_replay(request: HttpRequest, webhook_id: UUID, delivery_id: UUID) -> HttpResponse:
    """Send a delivery once more."""
    done = _("The delivery is being repeated")
    do_and_say(request, lambda: deliveries.replay(webhook_id, delivery_id), done)
    return redirect("messaging:webhooks-detail", webhook_id)
