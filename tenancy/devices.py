"""Which browser this is: its words for people, and whether a person has used it before."""

import hmac
from collections.abc import Iterable

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

_SALT = "evosense.device"
_KEEP_SECONDS = 400 * 86400
_PEOPLE = 8
# The first that is found is meant: most browsers also claim to be the later ones.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_POCKET = frozenset({"Android", "iPhone", "iPad"})


def describe(user_agent: str) -> str:
    """Return "Chrome · Windows", or what is known of it."""
    known = [name for name in (_first(_BROWSERS, user_agent), _system(user_agent)) if name]
    return " · ".join(known) or _("Unknown device")


def icon_of(user_agent: str) -> str:
    """Return the icon of the kind of device."""
    return "mobile" if _system(user_agent) in _POCKET else "panel"


def is_known(request: HttpRequest, user_id: int) -> bool:
    """Tell whether this person has logged in with this browser before."""
    return _mark(user_id) in _marks(request)


def remember(request: HttpRequest, response: HttpResponse, user_id: int) -> None:
    """Note in the browser that this person has logged in with it."""
    mark = _mark(user_id)
    marks = [mark, *(known for known in _marks(request) if known != mark)][:_PEOPLE]
    response.set_cookie(
        _cookie_name(),
        signing.TimestampSigner(salt=_SALT).sign(".".join(marks)),
        max_age=_KEEP_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _marks(request: HttpRequest) -> list[str]:
    signed = request.COOKIES.get(_cookie_name(), "")
    try:
        value = signing.TimestampSigner(salt=_SALT).unsign(signed, max_age=_KEEP_SECONDS)
    except signing.BadSignature:
        return []
    return value.split(".")


def _mark(user_id: int) -> str:
    return hmac.digest(settings.HMAC_KEY, f"device|{user_id}".encode(), "sha256").hex()[:24]


def _cookie_name() -> str:
    return "__Host-device" if settings.SESSION_COOKIE_SECURE else "device"


def _system(user_agent: str) -> str:
    return _first(_SYSTEMS, user_agent)


def _first(table: Iterable[tuple[str, str]], text: str) -> str:
    return next((name for part, name in table if part in text), "")
