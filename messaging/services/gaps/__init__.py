"""Gap repair: reading a server's own store for messages that never reached us."""

from messaging.services.gaps.requests import cancel_repair, request_repair
from messaging.services.gaps.run import run_repair

__all__ = ["cancel_repair", "request_repair", "run_repair"]
