"""How operator pages write states, ages, sizes and links."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Model
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

# Words of unfold's labels.
NOTHING = "–"  # noqa: RUF001
GOOD, BAD, CARE, NEWS, PLAIN = "success", "danger", "warning", "info", "default"


def ago(moment: datetime | None) -> str:
    """Return how long ago, in the two largest units."""
    if moment is None:
        return NOTHING
    if timezone.now() - moment < timedelta(minutes=1):
        return _("just now")
    return _("%(time)s ago") % {"time": timesince(moment, timezone.now(), depth=1)}


def number(value: int | None) -> str:
    return NOTHING if value is None else str(number_format(value, force_grouping=True))


def size(value: int | None) -> str:
    return NOTHING if value is None else str(filesizeformat(value))


def link(thing: Model | None, text: object = "") -> str | SafeString:
    """Return a link to the operators' page of an object."""
    if thing is None:
        return NOTHING
    about = thing._meta  # noqa: SLF001
    name = f"admin:{about.app_label}_{about.model_name}_change"
    return format_html(
        '<a href="{}" class="text-primary-600 dark:text-primary-400">{}</a>',
        reverse(name, args=[thing.pk]),
        text or str(thing),
    )


def table(headers: list[Any], rows: list[list[Any]]) -> SafeString:
    """Return a small table for a page of details."""
    return render_to_string("operators/table.html", {"headers": headers, "rows": rows})
