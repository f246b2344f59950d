"""What became of a send, as far as the answer, or its absence, can tell.

The rule behind every line of it: `not_sent` and `permanent` are said only when nothing can have
left; whatever is uncertain is `unknown`, which nobody repeats before it was looked for.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Klass = Literal["accepted", "not_sent", "permanent", "unknown"]
# hold_lane: the number is not connected, so wait for it. trip_lane: a person or a resync must act.
# server_down: tell the server's breaker.
Effect = Literal["none", "hold_lane", "trip_lane", "server_down"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`detail` is at most 300 characters of what the server said, without numbers and keys."""

    klass: Klass
    # Of ours; "" when accepted. Meta's refusals are `meta_<their code>`.
    code: str = ""
    detail: str = ""
    http_status: int | None = None
    milliseconds: int = 0
    # The id that WhatsApp knows it by, and the address that was really used.
    provider_id: str = ""
    remote_jid: str = ""
    occurred_at: datetime | None = None
    effect: Effect = "none"
    # Whether a person who sends it again may succeed; only said of what is permanent.
    can_retry: bool = False
