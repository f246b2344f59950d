"""Addresses of people, added where something other than an event told them."""

from messaging.addresses import identity_hmac, number_hmac, split_jid, tail_hmac
from messaging.models import Identity


def add_identity(contact_id: int, jid: str) -> Identity:
    """Store an address of a contact; the caller holds `merges.lock_identities`."""
    kind, address = split_jid(jid)
    keys = {"hmac": identity_hmac(kind, address)}
    if kind == "pn":
        keys |= {"br_hmac": number_hmac(address), "tail_hmac": tail_hmac(address)}
    return Identity.objects.create(contact_id=contact_id, kind=kind, address=address, **keys)
