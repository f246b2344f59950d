"""Forms whose repetition would do harm carry a token that counts once."""

from django.core.cache import cache
from django.http import HttpRequest

from evosense.core.ids import random_base62

FIELD = "form_token"
KEPT_SECONDS = 24 * 3600


def new_form_token() -> str:
    return random_base62(20)


def first_time(request: HttpRequest) -> bool:
    """Tell whether this form arrives for the first time; a form without a token never does."""
    token = request.POST.get(FIELD, "")[:40]
    return bool(token) and bool(cache.add(f"form:{token}", 1, timeout=KEPT_SECONDS))
