"""Numbers written for people where a machine reads them: value="1.795.306.439", x="12,5".

Tests see every page that any of them asks for, so that no template can bring one in unseen.
"""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# Words for people stand in the others: title, alt, placeholder, aria-label, what text inputs hold.
_MACHINE = re.compile(
    r"id|for|href|src|action|formaction|name|min|max|step|minlength|maxlength|colspan|rows|size"
    r"|popovertarget|data-(?!confirm|text|title|description|words|v$|l$)[\w-]+|hx-[\w-]+"
    r"|aria-(?:value(?:now|min|max)|controls|describedby|labelledby)"
)
_GEOMETRY = re.compile(r"width|height|[xyr]|[xy][12]|c[xy]|stroke-dash\w+|pathLength")
_ATTRIBUTE = re.compile(r'\s([\w:@-]+)="([^"]*\d[.,]\d[^"]*)"')
_GROUPED = re.compile(r"(?<![\w.,])[1-9]\d{0,2}(?:\.\d{3})+(?![\w.,])")
_COMMA = re.compile(r"-?\d+,\d+%?")
_HELD = re.compile(
    r'<(?:option|button|progress|meter)\s|\stype="(?:hidden|number|range|checkbox|radio)"'
)


class LocalisedAttributeError(AssertionError):
    """A page holds a number in people's writing where a machine reads it."""


class AttributeGuard:
    """Middleware of the test settings: refuses a page with such a number."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.streaming or not response.get("Content-Type", "").startswith("text/html"):
            return response
        if wrong := localised_attributes(response.content.decode()):
            raise LocalisedAttributeError(f"{request.path}: {', '.join(wrong)}")
        return response


def localised_attributes(html: str) -> list[str]:
    """Return the attributes of a page that hold a number as people write it."""
    return [
        found[0].strip()
        for found in _ATTRIBUTE.finditer(html)
        if _is_wrong(found[1], found[2], html, found)
    ]


def _is_wrong(name: str, value: str, html: str, found: re.Match[str]) -> bool:
    if _GEOMETRY.fullmatch(name):
        return bool(_COMMA.fullmatch(value))
    if name == "value":
        tag = html[html.rfind("<", 0, found.start()) : html.find(">", found.end())]
        return bool(_HELD.search(tag)) and _is_number(value)
    return bool(_MACHINE.fullmatch(name)) and (_has_group(value) or bool(_COMMA.fullmatch(value)))


def _is_number(value: str) -> bool:
    return bool(_GROUPED.fullmatch(value) or _COMMA.fullmatch(value))


def _has_group(value: str) -> bool:
    return any(not _is_address(one[0]) for one in _GROUPED.finditer(value))


def _is_address(text: str) -> bool:
    parts = text.split(".")
    return len(parts) == 4 and all(int(part) < 256 for part in parts)
