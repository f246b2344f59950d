"""Health of connections: looks, incidents, and who is told of them."""

from messaging.services.health.incidents import acknowledge
from messaging.services.health.look import check_now
from messaging.services.health.rules import set_silence_rule

__all__ = ["acknowledge", "check_now", "set_silence_rule"]
