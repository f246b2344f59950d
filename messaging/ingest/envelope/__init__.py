"""From the bytes that Evolution sends to facts; pure Python, no Django."""

from messaging.ingest.envelope.jids import Address, jid_kind, norm_jid
from messaging.ingest.envelope.parse import parse
from messaging.ingest.envelope.scalars import KNOWN_EVENTS, STATUS_RANK, norm_event

__all__ = [
    "KNOWN_EVENTS",
    "STATUS_RANK",
    "Address",
    "jid_kind",
    "norm_event",
    "norm_jid",
    "parse",
]
