"""/dev/mailbox: the letters that a local installation would have sent. Mounted in local use only.

A letter's HTML is what a stranger may have influenced, so it is shown in a frame without script,
form or origin, under a policy of its own that allows what letters need: inline styles.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from email.utils import parsedate_to_datetime
from pathlib import Path

from csp.decorators import csp
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST, require_safe

from tenancy.permissions import public_page

SHOWN = 100
_LETTER_POLICY = {
    "default-src": ["'none'"],
    "style-src": ["'unsafe-inline'"],
    "img-src": ["data:"],
    "frame-ancestors": ["'self'"],
    "sandbox": [
        "allow-popups",
        "allow-popups-to-escape-sandbox",
        "allow-top-navigation-by-user-activation",
    ],
}


@dataclass(frozen=True, slots=True)
class Letter:
    """A stored letter, as the list and the reader show it."""

    name: str
    subject: str
    to: str
    sender: str
    at: datetime
    text: str
    html: str


@public_page
@never_cache
@require_safe
def mailbox(request: HttpRequest) -> HttpResponse:
    """List the letters, newest first, with the chosen or the newest one open."""
    names = _names()
    chosen = request.GET.get("carta", "")
    if chosen and chosen not in names:
        raise Http404
    letters = [_read(name) for name in names[:SHOWN]]
    shown = _read(chosen) if chosen else next(iter(letters), None)
    context = {"letters": letters, "letter": shown, "folder": settings.MAILBOX_DIR}
    return render(request, "dev/mailbox.html", context)


@public_page  # type: ignore[type-var]
@never_cache
@require_safe
@csp(_LETTER_POLICY)  # type: ignore[arg-type]
@xframe_options_sameorigin
def letter_html(_request: HttpRequest, name: str) -> HttpResponse:
    """Return a letter's HTML for the frame; its links open in the whole window."""
    if name not in _names():
        raise Http404
    html = _read(name).html.replace("<head>", '<head><base target="_top">', 1)
    return HttpResponse(html)


@public_page
@require_POST
def empty_mailbox(_request: HttpRequest) -> HttpResponse:
    """Throw all letters away."""
    for name in _names():
        _path(name).unlink(missing_ok=True)
    return redirect("dev-mailbox")


def _names() -> list[str]:
    """Return the letters' names, newest first; only these are ever opened."""
    return sorted((path.stem for path in Path(settings.MAILBOX_DIR).glob("*.eml")), reverse=True)


def _path(name: str) -> Path:
    return Path(settings.MAILBOX_DIR) / f"{name}.eml"


def _read(name: str) -> Letter:
    message = message_from_bytes(_path(name).read_bytes(), policy=modern)
    return Letter(
        name=name,
        subject=str(message["Subject"] or ""),
        to=str(message["To"] or ""),
        sender=str(message["From"] or ""),
        at=_moment(str(message["Date"])),
        text=_part(message, "plain"),
        html=_part(message, "html"),
    )


def _moment(date: str) -> datetime:
    moment = parsedate_to_datetime(date)
    # "-0000" says UTC without a place, which Python reads as no zone.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part else ""
