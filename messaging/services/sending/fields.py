"""Single fields of a payload, read strictly: the error names the field."""

from typing import Any
from unicodedata import category

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Invalid


def wrong(name: str) -> Invalid:
    return Invalid("invalid", _("This value is not valid."), field=name)


# Hangul fillers and the blank of Braille: letters and a sign by their class, and still nothing.
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
# Formats, controls, separators, and marks that have nothing to stand on.
_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs", "Mn", "Me"})
_BREAKS = frozenset({"Cc", "Zl", "Zp"})
_valid_url = URLValidator(schemes=["http", "https"])


def text(payload: dict[str, Any], name: str, *, longest: int, least: int = 1) -> str:
    """Return a text without NUL and halves of characters; outer white space does not count.

    What shows nothing, such as zero-width spaces alone, is an empty text.
    """
    value = payload.get(name, "")
    if value is None:
        value = ""
    if not isinstance(value, str):
        raise wrong(name)
    clean = value.replace("\x00", "").encode("utf-8", "ignore").decode().strip()
    clean = clean if _is_seen(clean) else ""
    if len(clean) < least:
        raise Invalid("required", _("Fill in this field."), field=name)
    if len(clean) > longest:
        message = _("Use at most %(longest)s characters.") % {"longest": longest}
        raise Invalid("too_long", message, field=name)
    return clean


def _is_seen(text: str) -> bool:
    return any(one not in _BLANKS and category(one) not in _UNSEEN for one in text)


def line(payload: dict[str, Any], name: str, *, longest: int, least: int = 1) -> str:
    """Return a text of one line: servers write names into vCards, where a line is a field."""
    clean = text(payload, name, longest=longest, least=least)
    if any(category(one) in _BREAKS for one in clean):
        message = _("Use 1 to %(longest)s characters on one line.") % {"longest": longest}
        raise Invalid("invalid", message, field=name)
    return clean


def web_address(payload: dict[str, Any], name: str, *, longest: int, least: int = 1) -> str:
    """Return an address that a browser opens as a page: of a script nothing good comes."""
    clean = line(payload, name, longest=longest, least=least)
    try:
        if clean:
            _valid_url(clean)
    except ValidationError as error:
        message = _("Use an address such as https://www.example.com.")
        raise Invalid("invalid", message, field=name) from error
    return clean


def number(payload: dict[str, Any], name: str, *, least: int, most: int) -> int:
    value = payload.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        message = _("Use a whole number from %(least)s to %(most)s.") % {
            "least": least,
            "most": most,
        }
        raise Invalid("invalid", message, field=name)
    return value


def degrees(payload: dict[str, Any], name: str, limit: int) -> float:
    value = payload.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong(name)
    if not -limit <= value <= limit:
        raise wrong(name)
    return float(value)


def items(payload: dict[str, Any], name: str, *, least: int, most: int) -> list[dict[str, Any]]:
    """Return a list of objects of that length."""
    value = payload.get(name)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise wrong(name)
    _count(len(value), name, least, most)
    return value


def words(payload: dict[str, Any], name: str, *, least: int, most: int, longest: int) -> list[str]:
    """Return a list of different texts."""
    value = payload.get(name)
    if not isinstance(value, list):
        raise wrong(name)
    found = [text({name: item}, name, longest=longest) for item in value]
    _count(len(found), name, least, most)
    if len(set(found)) != len(found):
        raise Invalid("not_unique", _("Every entry must be different."), field=name)
    return found


def media(payload: dict[str, Any]) -> dict[str, Any]:
    """Return where the file is; whether it exists and fits is told by its upload."""
    value = payload.get("media")
    if not isinstance(value, dict) or not isinstance(value.get("key"), str) or not value["key"]:
        raise Invalid("required", _("Choose a file."), field="media")
    kept = {name: value[name] for name in ("name", "mime", "size") if name in value}
    return {"key": value["key"][:200], **kept}


def _count(length: int, name: str, least: int, most: int) -> None:
    if not least <= length <= most:
        message = _("Use %(least)s to %(most)s entries.") % {"least": least, "most": most}
        raise Invalid("invalid", message, field=name)
