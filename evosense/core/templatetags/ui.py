"""Template vocabulary of the interface: `{% load ui %}`."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zlib import crc32

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import conditional_escape, escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from evosense.core import charts, richtext
from evosense.core.phones import format_phone, mask_phone
from evosense.core.wording import (
    ago_templates,
    ago_words,
    duration_words,
    initials_of,
    level_words,
    number_words,
    when_words,
)

register = template.Library()

HUES = 7
NOTHING = "\N{EN DASH}"
TICKS = {
    "pending": "",
    "sent": "M4 6.5 6.75 9.25 12 3",
    "delivered": "M1 6.5 3.75 9.25 9 3M7 8l1.25 1.25L14.5 3",
}
TICKS["read"] = TICKS["played"] = TICKS["delivered"]


@register.simple_tag
def icon(name: str, size: str = "", label: str = "", css: str = "") -> SafeString:
    """Draw a symbol of the sprite: `{% icon "send" size="s" %}`; with `label` it has a name."""
    said = format_html('role="img" aria-label="{}"', label) if label else 'aria-hidden="true"'
    return format_html(
        '<svg class="{}" {}><use href="{}#{}"/></svg>',
        " ".join(part for part in ("i", size, css) if part),
        mark_safe(said),  # noqa: S308  (a literal or the result of format_html)
        static("icons.svg"),
        name,
    )


@register.filter
def html_attrs(attrs: Mapping[str, Any]) -> SafeString:
    """Write a component's other attributes, always escaped; False and None leave them out.

    Use it instead of `{{ attrs }}`, which lets a value that begins and ends with a double quote
    break out of its attribute (django-cotton 2.8).
    """
    plain = attrs.attrs_dict() if hasattr(attrs, "attrs_dict") else attrs
    kept = ((name, value) for name, value in plain.items() if value is not False)
    return format_html_join(
        "",
        " {}{}",
        (
            (name, "" if value is True else format_html('="{}"', value))
            for name, value in kept
            if value is not None
        ),
    )


@register.filter
def field_id(given: str, name: str) -> str:
    """Return the id of a form control: the given one, else the one Django's forms would use."""
    return given or f"id_{name}"


@register.filter
def times(count: int | str) -> range:
    return range(int(count))


@register.simple_tag
def ago_forms() -> str:
    """Return the words that static/js/controllers/ago.js fills, as JSON."""
    return json.dumps(ago_templates())


@register.filter
def sentiment_words(level: int | str) -> str:
    """Return the word of a level from 1 to 5; satisfaction is another scale with its own words."""
    words = level_words()
    return words[min(max(int(level), 1), len(words)) - 1]


@register.filter
def share_of(value: float | str, total: float | str) -> str:
    """Return a percentage for an SVG attribute, whatever the language's decimal sign."""
    return f"{100 * min(float(value) / (float(total) or 1), 1):.2f}"


@register.filter
def bar_parts(parts: Sequence[tuple[str, float]], total: float | str) -> list[dict[str, str]]:
    """Turn (tone, amount) pairs into the rectangles of one bar."""
    places = charts.segments([amount for _tone, amount in parts], float(total))
    return [
        {"tone": tone, "start": f"{start:.2f}", "width": f"{width:.2f}"}
        for (tone, _amount), (start, width) in zip(parts, places, strict=True)
    ]


@register.filter
def split_words(text: str) -> list[str]:
    return text.split()


@register.filter
def avatar_hue(key: Any) -> str:
    """Return the same one of seven hue classes for the same key, in every process."""
    return f"h{crc32(str(key).encode()) % HUES + 1}"


@register.filter
def initials(name: str) -> str:
    return initials_of(name or "")


@register.filter
def phone(digits: str | None) -> str:
    return format_phone(digits) if digits else NOTHING


@register.filter
def masked_phone(digits: str | None) -> str:
    return mask_phone(digits) if digits else NOTHING


@register.filter
def wa_text(text: str | None) -> SafeString:
    """Show a message as WhatsApp would: bold, italic, strike, code, quotes, lists, links."""
    return mark_safe(richtext.to_html(text or ""))  # noqa: S308  (escapes before it marks up)


@register.filter
def wa_line(text: str | None) -> str:
    """Return a message as one plain line, for lists."""
    return richtext.to_line(text or "")


@register.filter
def highlight(text: str | None, query: str | None) -> SafeString:
    """Mark where `query` occurs in `text`."""
    return mark_safe(richtext.mark(text or "", query or ""))  # noqa: S308  (escapes each part)


@register.filter
def exact(moment: datetime | None) -> str:
    """Return date, time and zone, for tooltips."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    zone = _zone_words(timezone.get_current_timezone_name(), local)
    return f"{date_format(local, 'SHORT_DATE_FORMAT')} {local:%H:%M:%S}, {zone}"


def _zone_words(name: str, local: datetime) -> str:
    """Return what people call the zone: Brasília time, else the distance from UTC."""
    return _("Brasília time") if name == "America/Sao_Paulo" else f"UTC{local:%z}"


@register.simple_tag
def ago(moment: datetime | None) -> SafeString:
    """Say how long ago, kept fresh by the page: 3 min ago."""
    return _time(moment, ago_words(moment, timezone.now()) if moment else "", "ago")


@register.simple_tag
def when(moment: datetime | None) -> SafeString:
    """Say when, as short as today allows: 10:41, yesterday 17:22, 12/11 15:40."""
    return _time(moment, when_words(moment, timezone.now()) if moment else "", "")


@register.simple_tag
def clock_time(moment: datetime | None) -> SafeString:
    """Say the hour and minute only, for bubbles below a day line."""
    return _time(moment, f"{timezone.localtime(moment):%H:%M}" if moment else "", "")


@register.filter
def duration(seconds: float | None) -> str:
    return NOTHING if seconds is None else duration_words(seconds)


@register.filter
def num(value: float | str | None, decimals: int = 0) -> str:
    """Write a number in the person's language; no value is a dash, never a zero.

    A name that a template does not find is an empty text.
    """
    if value is None or isinstance(value, str):
        return value or NOTHING
    return number_words(value, decimals)


@register.filter
def up_to(count: int, most: int) -> str:
    """Write a count that was not counted beyond `most`: 41, and 999+ for 1,000 or more."""
    return f"{number_words(most - 1)}+" if count >= most else number_words(count)


@register.filter
def filesize_short(size: int | None) -> str:
    """Write a size as people say it: 184 KB, 2,4 MB."""
    if size is None:
        return NOTHING
    for unit in ("B", "KB", "MB"):
        if size < 1024 or unit == "MB":
            return f"{num(size, int(unit == 'MB'))} {unit}"
        size = size / 1024  # type: ignore[assignment]
    return ""


@register.simple_tag
def tick(status: str, label: str = "") -> SafeString:
    """Draw the receipt of an outgoing message; failed ones are an icon with words instead."""
    words = label or {
        "pending": _("Waiting to be sent"),
        "sent": _("Sent"),
        "delivered": _("Delivered"),
        "read": _("Read"),
        "played": _("Played"),
        "failed": _("Not sent"),
    }.get(status, status)
    if status in {"pending", "failed"}:
        return icon("clock" if status == "pending" else "alert", css=f"tick {status}", label=words)
    return format_html(
        '<svg class="tick {}" viewBox="0 0 16 12" role="img" aria-label="{}"><path d="{}"/></svg>',
        "read" if status == "played" else status,
        words,
        TICKS.get(status, ""),
    )


@register.filter
def sparkline(values: Sequence[float | None]) -> charts.Line:
    return charts.sparkline(values)


@register.filter
def ring_dash(share: float) -> str:
    return charts.ring_dash(float(share or 0))


@register.filter
def heat_level(value: float | None, top: float) -> int | None:
    return charts.heat_level(value, float(top))


@register.filter
def json_html(value: Any) -> SafeString:
    """Write JSON for reading: keys and texts are told apart, everything is escaped."""
    if isinstance(value, (bytes, bytearray)):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return conditional_escape(value)
    return mark_safe(richtext.json_to_html(value))  # noqa: S308  (escapes each part)


def _time(moment: datetime | None, words: str, refresh: str) -> SafeString:
    if moment is None:
        return format_html('<span aria-hidden="true">{}</span>', NOTHING)
    return format_html(
        '<time datetime="{}" title="{}"{}>{}</time>',
        moment.isoformat(timespec="seconds"),
        exact(moment),
        mark_safe(f' data-controller="{escape(refresh)}"') if refresh else "",  # noqa: S308
        words,
    )
