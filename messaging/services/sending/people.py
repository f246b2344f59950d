"""People named in a payload: kept as keys of their addresses, told in clear when it leaves."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Invalid
from messaging.addresses import identity_hmac, split_jid
from messaging.ingest.envelope.jids import jid_kind, norm_jid
from messaging.models import Identity

_MOST = 1024


def mention_keys(payload: dict[str, Any]) -> dict[str, Any]:
    """Return {"mentions": keys} for the JIDs of a payload; {} without any."""
    found = known_keys(payload.get("mentions") or [], "mentions")
    return {"mentions": found} if found else {}


def known_keys(jids: Any, field: str) -> list[str]:
    """Return the hexadecimal keys of JIDs; raises Invalid for one that nobody here knows."""
    if not isinstance(jids, list) or len(jids) > _MOST:
        raise Invalid("invalid", _("This value is not valid."), field=field)
    keys: list[str] = []
    for one in jids:
        jid = norm_jid(one)
        if jid_kind(jid) not in ("pn", "lid"):
            raise Invalid("invalid", _("This is not a WhatsApp address."), field=field)
        keys.append(identity_hmac(*split_jid(jid)).hex())
    if not keys:
        return []
    wanted = [bytes.fromhex(key) for key in keys]
    known = set(map(bytes, Identity.objects.filter(hmac__in=wanted).values_list("hmac", flat=True)))
    if not known.issuperset(wanted):
        raise Invalid("unknown_person", _("This person is not known here."), field=field)
    return keys
