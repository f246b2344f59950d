"""An address that somebody types and the house will call."""

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.functional import Promise

from evosense.core.errors import Invalid
from evosense.core.http import EgressBlocked, check_url

_valid_url = URLValidator(schemes=["http", "https"])


def refuse_uncallable(url: str, *, field: str, message: str | Promise) -> None:
    """Raise Invalid for what is no address (`message`), or one that egress forbids (its reason).

    Looks the name up, so call it outside transactions.
    """
    try:
        _valid_url(url)
        check_url(url)
    except ValidationError as error:
        raise Invalid("invalid", message, field=field) from error
    except EgressBlocked as refusal:
        raise Invalid(refusal.code, refusal.reason, field=field) from refusal
