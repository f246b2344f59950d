"""What analytics listens to, and its entries in the frame of every page."""

from django.utils.translation import gettext_lazy as _

from analytics.selectors.volume import inbound_by_hour
from analytics.tasks import count_stored_messages
from evosense.core.outbox import subscribe
from evosense.core.shell import NavItem, register_nav
from messaging.events import MessagesStored
from messaging.services.health.expectation import register_history


def register() -> None:
    subscribe(MessagesStored, count_stored_messages)
    register_history(inbound_by_hour)
    register_nav(
        NavItem(
            "overview",
            "analytics:overview",
            _("Overview"),
            "home",
            order=10,
            permission="overview.view",
        )
    )
