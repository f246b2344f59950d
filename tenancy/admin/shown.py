"""How operator pages write states, ages, sizes and links."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Model
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from evosense.core.wording import number_words

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
    return NOTHING if value is None else number_words(value)


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


def word(label: object) -> str:
    """Return the word for a state whose label is written in the database's language."""
    return str(_(str(label))) if str(label) else NOTHING


# Labels that models derive from their values; named here so that the catalogue has them.
_STATES = (
    gettext_noop("Open"),
    gettext_noop("Ended"),
    gettext_noop("Running"),
    gettext_noop("Done"),
    gettext_noop("Stopped"),
    gettext_noop("Waiting"),
    gettext_noop("Failed"),
    gettext_noop("Sent"),
    gettext_noop("Dropped"),
    gettext_noop("Confirmed"),
    gettext_noop("User"),
    gettext_noop("Key"),
    gettext_noop("Support"),
    gettext_noop("Operator"),
    gettext_noop("System"),
)
