"""Files of messages on the pages of a company: the way to them, a picture in large, once more.

A page may stay open for hours and a link ends within minutes, so what a person opens goes through
here: the permission is checked at that moment, and the browser is sent on to the media host.
"""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from evosense.core.errors import NotFound
from evosense.core.htmx import toast, wants_fragment
from messaging.models import MessageMedia
from messaging.services import media as files
from messaging.views.common import answers_errors, render_region
from messaging.views.media_parts import MediaPart
from tenancy.permissions import requires


@requires("conversations.view")
@require_safe
@answers_errors
def message_file(request: HttpRequest, conversation_id: UUID, message_id: UUID) -> HttpResponse:
    """Send the browser to the file, which `?baixar=1` saves instead of showing."""
    media = _media(conversation_id, message_id)
    link = files.media_link(media, download=request.GET.get("baixar") == "1")
    if not link:
        raise _missing()
    return redirect(link)


@requires("conversations.view")
@require_safe
@answers_errors
def message_picture(request: HttpRequest, conversation_id: UUID, message_id: UUID) -> HttpResponse:
    """Show a picture in large over the thread; without htmx the picture alone."""
    part = MediaPart(_media(conversation_id, message_id))
    link = files.media_link(part.media)
    if not link:
        raise _missing()
    if not wants_fragment(request):
        return redirect(link)
    context = {
        "file": part,
        "link": link,
        "download_url": f"{_file_url(conversation_id, message_id)}?baixar=1",
    }
    return render_region(request, "messaging/picture_dialog.html", context)


@requires("conversations.reply")
@require_POST
@answers_errors
def message_file_retry(
    request: HttpRequest, conversation_id: UUID, message_id: UUID
) -> HttpResponse:
    """Have a file fetched again; the bubble changes when it is there."""
    files.retry_fetch(_media(conversation_id, message_id).pk)
    if wants_fragment(request):
        return toast(HttpResponse(status=204), _("The file is being fetched again."))
    path = reverse("messaging:conversation-detail", args=[conversation_id])
    return redirect(f"{path}?mensagem={message_id}#m-{message_id}")


def _media(conversation_id: UUID, message_id: UUID) -> MessageMedia:
    """Return the file of a message as its conversation shows it; raises NotFound."""
    found = (
        MessageMedia.objects.select_related("message")
        .filter(
            message__public_id=message_id,
            message__conversation__public_id=conversation_id,
            message__is_hidden=False,
            message__deleted_at=None,
            message__view_once=False,
        )
        .first()
    )
    if found is None:
        raise _missing()
    return found


def _missing() -> NotFound:
    return NotFound("media_not_found", _("This file does not exist, or is not kept."))


def _file_url(conversation_id: UUID, message_id: UUID) -> str:
    return reverse("messaging:message-file", args=[conversation_id, message_id])
