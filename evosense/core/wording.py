"""Times, durations and names as people say them, in the active language and time zone."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import cast

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

MINUTE, HOUR, DAY = 60, 3600, 86400


def number_words(value: Decimal | float, decimals: int = 0) -> str:
    """Return a number as people of the language write it: 12.345 or 12,35 in Portuguese."""
    # No minus before a nought.
    rounded = cast("Decimal | float", round(value, decimals)) or 0
    text = number_format(rounded, decimal_pos=decimals, force_grouping=True)
    return text.replace("-", "\N{MINUS SIGN}", 1)


def level_words() -> list[str]:
    """Return the five levels of sentiment in words, the lowest first."""
    return [_("Very negative"), _("Negative"), _("Neutral"), _("Positive"), _("Very positive")]


def ago_templates() -> list[str]:
    """Return the forms of `ago_words`, for the page to keep them true by itself."""
    return [
        _("now"),
        _("%(n)d min ago"),
        _("%(n)d h ago"),
        _("1 day ago"),
        _("%(n)d days ago"),
    ]


def ago_words(moment: datetime, now: datetime) -> str:
    """Return "now", "3 min ago", "2 h ago", "4 days ago", and the date after a month."""
    seconds = max(0, int((now - moment).total_seconds()))
    for below, size, form in zip(
        (MINUTE, HOUR, DAY, 2 * DAY, 30 * DAY),
        (1, MINUTE, HOUR, DAY, DAY),
        ago_templates(),
        strict=True,
    ):
        if seconds < below:
            return form % {"n": seconds // size}
    return date_format(timezone.localtime(moment), "SHORT_DATE_FORMAT")


def when_words(moment: datetime, now: datetime) -> str:
    """Return the shortest unambiguous form: the time today, the day before, else the date."""
    local, today = timezone.localtime(moment), timezone.localtime(now).date()
    clock = f"{local:%H:%M}"
    if local.date() == today:
        return clock
    if local.date() == today - timedelta(days=1):
        return _("yesterday %(time)s") % {"time": clock}
    if local.year == today.year:
        # Translators: day and month without the year, in the letters of Django's date filter.
        day = date_format(local, _("M j"))
        return f"{day} {clock}"
    return date_format(local, "SHORT_DATE_FORMAT")


def day_words(moment: datetime, now: datetime) -> str:
    """Return the words of a day line in a thread: Today, Yesterday, Friday, the date."""
    day, today = timezone.localtime(moment).date(), timezone.localtime(now).date()
    if day == today:
        return _("Today")
    if day == today - timedelta(days=1):
        return _("Yesterday")
    if today - timedelta(days=7) < day < today:
        return date_format(day, "l")
    # Translators: a whole date, as the name of one of Django's formats or in letters of its filter.
    return date_format(day, _("DATE_FORMAT"))


def duration_words(seconds: float) -> str:
    """Return two units at most: 47 s, 4 min 12 s, 1 h 12 min, 3 d 4 h."""
    whole = max(0, round(seconds))
    for size, unit, next_size, next_unit in (
        (DAY, "d", HOUR, "h"),
        (HOUR, "h", MINUTE, "min"),
        (MINUTE, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // next_size
            return f"{whole // size} {unit}" + (f" {rest} {next_unit}" if rest else "")
    return f"{whole} s"


def initials_of(name: str) -> str:
    """Return one or two capitals, or nothing when the name has no letters (a phone number)."""
    words = [word for word in name.split() if word[:1].isalpha()]
    if not words:
        return ""
    chosen = [words[0], words[-1]] if len(words) > 1 else [words[0]]
    return "".join(word[0] for word in chosen).upper()
