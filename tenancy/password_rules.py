"""Rules for passwords beyond Django's: an upper length, and no name of the house or the company.

There are no rules about kinds of characters: they make passwords shorter and notes on monitors.
"""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from evosense.core.schema import public_scope
from tenancy.latin import to_latin
from tenancy.models import Tenant

_HOUSE = ("evosense", "whatsapp")
# What must be left of a password when the names in it are taken out.
_OWN_CHARACTERS = 8
_SHORTEST_NAME = 4
_DISGUISES = str.maketrans("01345$@", "oleassa")


class LongestPassword:
    """Refuses what takes long to hash; 128 characters are enough for any phrase."""

    def __init__(self, max_length: int = 128) -> None:
        self.max_length = max_length

    def validate(self, password: str, user: Any = None) -> None:  # noqa: ARG002  (Django asks so)
        if len(password) > self.max_length:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        return ngettext(
            "Use at most %(n)d character.", "Use at most %(n)d characters.", self.max_length
        ) % {"n": self.max_length}


class NoCompanyNames:
    """Refuses a password that is little more than a name which everybody here knows."""

    def validate(self, password: str, user: Any = None) -> None:
        shape = _shape(password)
        rest = shape
        for name in sorted(_names(user), key=len, reverse=True):
            rest = rest.replace(name, "")
        if rest != shape and len(rest) < _OWN_CHARACTERS:
            raise ValidationError(self.get_help_text(), code="password_company_name")

    def get_help_text(self) -> str:
        return _("Do not build the password on the name of the company or of EvoSense.")


def _names(user: Any) -> set[str]:
    names = [*_HOUSE, *getattr(user, "company_names", ())]
    if getattr(user, "pk", None):
        with public_scope():
            works_for = Tenant.objects.filter(memberships__user_id=user.pk)
            names += [name for pair in works_for.values_list("name", "slug") for name in pair]
    whole = {_shape(name) for name in names}
    words = {_shape(word) for name in names for word in to_latin(name).split("-")}
    return {name for name in whole | words if len(name) >= _SHORTEST_NAME}


def _shape(text: str) -> str:
    """Return letters and digits only, accents and the usual disguises undone."""
    return re.sub(r"[^a-z0-9]", "", to_latin(text.translate(_DISGUISES)))
