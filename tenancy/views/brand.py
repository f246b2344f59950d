"""A company's colours and logo as files of its host; the log-in page shows them too."""

import hashlib

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from evosense.core.schema import current_tenant
from tenancy.brand_colors import palette_of
from tenancy.permissions import public_page
from tenancy.selectors.brand import logo_of, read_look

# The address changes with the content, so an answer to the right one never becomes wrong.
_FOR_EVER = "public, max-age=31536000, immutable"
_BRIEFLY = "public, max-age=60"


@public_page
@require_safe
def style(request: HttpRequest) -> HttpResponse:
    """Answer the colours that override those of the house; empty when there are none."""
    look = read_look(current_tenant().id)
    text = palette_of(look.color).css() if look.color else ""
    is_current = request.GET.get("v") == look.style_version
    return _file(request, text.encode(), "text/css; charset=utf-8", lasting=is_current)


@public_page
@require_safe
def logo(request: HttpRequest) -> HttpResponse:
    """Answer the logo, as we wrote it ourselves."""
    found = logo_of(current_tenant().id)
    if found is None:
        raise Http404
    png, digest = found
    return _file(request, png, "image/png", lasting=request.GET.get("v") == digest)


def _file(request: HttpRequest, content: bytes, kind: str, *, lasting: bool) -> HttpResponse:
    tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    if request.headers.get("If-None-Match") == tag:
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(content, content_type=kind)
    response["ETag"] = tag
    response["Cache-Control"] = _FOR_EVER if lasting else _BRIEFLY
    response["X-Content-Type-Options"] = "nosniff"
    return response
