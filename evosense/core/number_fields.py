"""Numbers as people write them: 1.250,50 where a point groups thousands, 1,250.50 elsewhere."""

import re
from typing import Any

from django import forms
from django.utils.formats import get_format


def plain_number(text: str) -> str:
    """Return a number of the active language as Python reads it: "1.250,50" is "1250.50".

    A point that groups nothing is left as a decimal one, as price lists are written: "0.150".
    """
    point, group = get_format("DECIMAL_SEPARATOR"), get_format("THOUSAND_SEPARATOR")
    whole, mark, part = re.sub(r"\s", "", text).partition(point)
    if re.fullmatch(rf"[-+]?[1-9][0-9]{{0,2}}({re.escape(group)}[0-9]{{3}})+", whole):
        whole = whole.replace(group, "")
    return f"{whole}.{part}" if mark else whole


class _Written(forms.Field):
    def to_python(self, value: Any) -> Any:
        return super().to_python(plain_number(value) if isinstance(value, str) else value)


class WrittenInteger(_Written, forms.IntegerField):
    """A whole number; Django's own field takes 1.000 for 1."""


class WrittenDecimal(_Written, forms.DecimalField):
    """An amount with decimals."""
