"""Addresses of companies: which may be taken, and what to suggest for a name.

An address is given out once and never again, also when its company is gone: old links, mails and
browsers' saved passwords would lead to strangers.
"""

import secrets

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict, Invalid
from evosense.core.schema import public_scope
from tenancy.latin import to_latin
from tenancy.models import Domain, RetiredName, Tenant
from tenancy.models.tenant import RESERVED_SLUGS, valid_slug

LENGTH = 40
_SUGGESTED_LENGTH = 30
_FALLBACK = "empresa"
# Digits and pairs that pass for letters in an address bar.
_LOOKS_LIKE = (
    ("rn", "m"),
    ("vv", "w"),
    ("0", "o"),
    ("1", "l"),
    ("i", "l"),
    ("3", "e"),
    ("4", "a"),
    ("5", "s"),
)
_HOUSE_WORDS = frozenset({"evosense", "whatsapp", "stripe"})


def check(slug: str) -> str:
    """Return the address as it is stored; raise Invalid or Conflict when it may not be taken."""
    slug = slug.strip().lower()
    try:
        valid_slug(slug)
    except ValidationError as error:
        raise Invalid("slug_invalid", error.message, field="slug") from error
    # Positions 3 and 4 of a host name tell browsers that it is an encoded one (punycode).
    if slug[2:4] == "--":
        message = _("An address cannot have two hyphens after its second letter.")
        raise Invalid("slug_encoded", message, field="slug")
    is_media_host = f"{slug}.{settings.PUBLIC_HOST}" == settings.MEDIA_HOST
    if is_media_host or slug in RESERVED_SLUGS or _shape(slug) in _PROTECTED:
        raise Conflict("slug_reserved", _("This address is reserved."), field="slug")
    if _is_taken(slug):
        raise Conflict("slug_taken", _("This address is taken."), field="slug")
    return slug


def is_free(slug: str) -> bool:
    """Tell whether `check` would let it through."""
    try:
        check(slug)
    except (Invalid, Conflict):
        return False
    return True


def suggest(company: str) -> str:
    """Return a free address made from a company's name, whatever its alphabet."""
    base = to_latin(company)[:_SUGGESTED_LENGTH].strip("-")
    if len(base) < 2:
        base = _FALLBACK
    candidates = [base, *(f"{base}-{number}" for number in range(2, 6))]
    free = next((each for each in candidates if base != _FALLBACK and is_free(each)), None)
    return free or f"{base}-{secrets.token_hex(3)}"


def _shape(slug: str) -> str:
    shape = slug.replace("-", "")
    for look, real in _LOOKS_LIKE:
        shape = shape.replace(look, real)
    return shape


_PROTECTED = frozenset(_shape(word) for word in RESERVED_SLUGS | _HOUSE_WORDS)


def _is_taken(slug: str) -> bool:
    host = f"{slug}.{settings.PUBLIC_HOST}"
    with public_scope():
        return (
            Tenant.objects.filter(slug=slug).exists()
            or Domain.objects.filter(domain=host).exists()
            or RetiredName.objects.filter(name__in=[slug, host]).exists()
        )
