"""The host that serves files of messages: no session, no cookie, no page; a signed link or nothing.

Whatever is inside a file, opened here it stands alone: on another host than every page, in a
sandbox, with the type that we found and not the one that somebody declared.
"""

import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header

from evosense.core.schema import TenantRef, public_scope, tenant_scope
from messaging.models import MessageMedia, Upload
from messaging.services.media import kinds, store
from messaging.services.media.links import Grant, read_link
from messaging.services.media.losing import note_lost
from tenancy.models import Tenant

GetResponse = Callable[[HttpRequest], HttpResponseBase]
_POLICY = "default-src 'none'; media-src 'self'; img-src 'self'; style-src 'unsafe-inline'; sandbox"
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class MediaHostMiddleware:
    """Answers everything on the media host, before sessions exist; passes other hosts on."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        host = request.get_host().rsplit(":", 1)[0].lower().rstrip(".")
        if host != settings.MEDIA_HOST:
            return self.get_response(request)
        response = _answer(request)
        response["Content-Security-Policy"] = _POLICY
        response["X-Content-Type-Options"] = "nosniff"
        # Companies have domains of their own, so pages of other sites show our pictures.
        response["Cross-Origin-Resource-Policy"] = "cross-origin"
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex"
        response.setdefault("Cache-Control", "no-store")
        return response


def _answer(request: HttpRequest) -> HttpResponseBase:
    if request.method not in {"GET", "HEAD"}:
        return _plain(405, "Only GET.", {"Allow": "GET, HEAD"})
    grant = read_link(request.path.lstrip("/"))
    if grant is None:
        return _plain(404, "Nothing is here.")
    if grant.is_over:
        return _plain(410, "This link has ended. Go back to the conversation and open it again.")
    return _granted(request, grant)


def _granted(request: HttpRequest, grant: Grant) -> HttpResponseBase:
    tenant = _tenant(grant)
    if tenant is None:
        return _plain(404, "Nothing is here.")
    with tenant_scope(tenant):
        media = grant.model.objects.filter(pk=grant.pk).first()
        key = _key(media, grant)
        try:
            return _file(request, grant, media, key) if media and key else _gone()
        except FileNotFoundError:
            return _lost(media)
        except store.StoreAway:
            return _plain(
                503, "The storage does not answer. Try again soon.", {"Retry-After": "30"}
            )


def _tenant(grant: Grant) -> TenantRef | None:
    with public_scope():
        found = Tenant.objects.filter(pk=grant.tenant_id, state=Tenant.State.READY).first()
    return found.ref if found else None


def _key(media: MessageMedia | Upload | None, grant: Grant) -> str:
    if media is None or getattr(media, "status", "stored") != MessageMedia.Status.STORED:
        return ""
    return media.thumb_key if grant.variant == "thumb" else media.storage_key


def _file(
    request: HttpRequest, grant: Grant, media: MessageMedia | Upload, key: str
) -> HttpResponseBase:
    size, tag = store.size_of(key), f'"{key.rpartition("/")[2]}"'
    headers = _headers(grant, media) | {"ETag": tag, "Accept-Ranges": "bytes"}
    if request.headers.get("If-None-Match") == tag:
        return HttpResponse(status=304, headers=headers)
    asked = request.headers.get("Range", "")
    if request.headers.get("If-Range", tag) != tag:
        asked = ""
    wanted = _range(asked, size)
    if wanted is None:
        return _plain(416, "No such part.", {"Content-Range": f"bytes */{size}"})
    start, end = wanted
    headers["Content-Length"] = str(end - start)
    if is_part := (end - start != size):
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    status = 206 if is_part else 200
    if request.method == "HEAD":
        return HttpResponse(status=status, headers=headers)
    pieces = store.open_part(key, start, end - start)
    shown: Any = _async(pieces) if isinstance(request, ASGIRequest) else pieces
    return StreamingHttpResponse(shown, status=status, headers=headers)


def _headers(grant: Grant, media: MessageMedia | Upload) -> dict[str, str]:
    is_thumb = grant.variant == "thumb"
    mime = kinds.THUMB_MIME if is_thumb else kinds.served_mime(media.mime)
    inline = is_thumb or kinds.may_show(media.kind, media.mime)
    name = kinds.file_name(media.name, media.kind, mime if is_thumb else media.mime)
    disposition = content_disposition_header(grant.is_download or not inline, name)
    return {
        "Content-Type": mime,
        "Content-Disposition": disposition or "attachment",
        "Cache-Control": f"private, max-age={max(0, grant.expires - int(time.time()))}",
    }


def _range(asked: str, size: int) -> tuple[int, int] | None:
    """Return start and end of the one part asked for, the whole for none; None when impossible."""
    found = _RANGE.fullmatch(asked.strip())
    if not found or found[0] == "bytes=-":
        # Several parts, or another unit: a server may answer with the whole.
        return 0, size
    first, last = found[1], found[2]
    if not first:
        return (max(0, size - int(last)), size) if int(last) and size else None
    start, end = int(first), min(int(last) + 1 if last else size, size)
    return (start, end) if start < end else None


async def _async(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Read in a thread: under ASGI a plain iterator would be gathered whole in memory."""

    def following() -> bytes | None:
        return next(pieces, None)

    while (piece := await sync_to_async(following)()) is not None:
        yield piece


def _lost(media: MessageMedia | Upload | None) -> HttpResponse:
    """Answer for a file whose row says that it is stored, while the storage knows nothing of it."""
    try:
        if isinstance(media, MessageMedia) and note_lost(media):
            return _plain(404, "This file was lost. It is being fetched again.")
    except store.StoreAway:
        pass
    return _gone()


def _gone() -> HttpResponse:
    return _plain(404, "This file is not kept.")


def _plain(status: int, text: str, headers: dict[str, str] | None = None) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain", headers=headers)
