"""What people may enter about a provider; a refusal names its field."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from evosense.core.egress.target import find_addresses, read_url
from evosense.core.errors import Invalid
from evosense.core.http import EgressError
from evosense.core.web_address import refuse_uncallable

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
MOST_A_MINUTE = 1_000_000_000
# What judgements, calls and filters call the analyser of the house.
_RESERVED = frozenset({"embedded"})
# What people paste: the address of a call instead of the address below which calls are.
_ENDINGS = ("/chat/completions", "/embeddings", "/audio/transcriptions", "/models")


@dataclass(frozen=True, slots=True)
class ProviderFields:
    """What a person says of a provider; the key is given beside it and never held here."""

    name: str
    base_url: str
    chat_model: str = ""
    embedding_model: str = ""
    transcription_model: str = ""
    country: str = ""
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    is_matryoshka: bool = False
    is_local: bool = False
    is_active: bool = True


def checked(given: Mapping[str, Any]) -> ProviderFields:
    """Return the fields as they are stored; raises Invalid. Looks the server's name up."""
    known = {one.name for one in fields(ProviderFields)}
    values = ProviderFields(**{name: value for name, value in given.items() if name in known})
    found = ProviderFields(
        name=_name(values.name),
        base_url=checked_url(values.base_url),
        chat_model=_line(values.chat_model, "chat_model", 120, least=0),
        embedding_model=_line(values.embedding_model, "embedding_model", 120, least=0),
        transcription_model=_line(values.transcription_model, "transcription_model", 120, least=0),
        country=_line(values.country, "country", 60, least=0),
        requests_per_minute=_rate(values.requests_per_minute, "requests_per_minute"),
        tokens_per_minute=_rate(values.tokens_per_minute, "tokens_per_minute"),
        is_matryoshka=values.is_matryoshka,
        is_local=values.is_local,
        is_active=values.is_active,
    )
    if not (found.chat_model or found.embedding_model or found.transcription_model):
        message = _("Name a model for judgements, for embeddings or for recordings.")
        raise Invalid("model_required", message, field="chat_model")
    if found.is_local and not is_inside(found.base_url):
        message = _("Only servers that the settings of the installation vouch for are local.")
        raise Invalid("not_local", message, field="is_local")
    return found


def checked_url(value: str) -> str:
    """Return the address below which the calls are; raises Invalid."""
    text = value.strip().rstrip("/")
    for ending in _ENDINGS:
        text = text.removesuffix(ending)
    message = _("Use an address such as https://api.example.com/v1.")
    if len(text) > 300 or "?" in text or "#" in text:
        raise Invalid("invalid", message, field="base_url")
    refuse_uncallable(text, field="base_url", message=message)
    return text


def checked_key(value: str) -> str:
    """Return a key as it is stored; raises Invalid."""
    text = value.strip()
    if not 1 <= len(text) <= 500 or not text.isascii() or _CONTROL.search(text):
        message = _("A key has up to 500 plain characters on one line.")
        raise Invalid("invalid", message, field="api_key")
    return text


def is_inside(url: str) -> bool:
    """Tell whether the operator vouches for the server (EVOSENSE_EGRESS_ALLOW).

    By its place, or by networks that hold every address of its name, which is looked up here.
    """
    policy = settings.EGRESS
    target = read_url(url, policy)
    if policy.vouches_for(target.host, target.port):
        return True
    try:
        found = find_addresses(target.host, target.port, policy)
    except EgressError:
        return False
    addresses = [ip_address(one) for one in found]
    return all(any(one in network for network in policy.networks) for one in addresses)


def _name(value: str) -> str:
    text = _line(value, "name", 80)
    if text.casefold() in _RESERVED:
        message = _("This name is the embedded analyser's. Choose another one.")
        raise Invalid("name_reserved", message, field="name")
    return text


def _line(value: str, field: str, longest: int, *, least: int = 1) -> str:
    text = value.strip()
    if not least <= len(text) <= longest or _CONTROL.search(text):
        message = _("Use %(least)s to %(longest)s characters on one line.")
        raise Invalid("invalid", message % {"least": least, "longest": longest}, field=field)
    return text


def _rate(value: int | None, field: str) -> int | None:
    if value is not None and not 1 <= value <= MOST_A_MINUTE:
        raise Invalid("invalid", _("Enter a number above zero, or nothing."), field=field)
    return value
