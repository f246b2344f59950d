"""What analytics listens to, and its entries in the frame of every page."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from analytics.analysis import claims
from analytics.analysis.tasks import note_stored_messages
from analytics.events import MessagesJudged, SearchSpaceChosen
from analytics.experiments import live
from analytics.experiments.tasks import shadow_messages
from analytics.search import saved
from analytics.search.tasks import fill_older
from analytics.selectors.told import told_of
from analytics.selectors.volume import inbound_by_hour
from analytics.tasks import count_stored_messages
from analytics.transcribing.tasks import note_recordings
from evosense.core.backlog import register_backlog
from evosense.core.handover import register_handover
from evosense.core.outbox import subscribe
from evosense.core.shell import NavItem, register_nav
from messaging.events import MediaChanged, MessagesChanged, MessagesStored
from messaging.selectors.judged import register_lookup
from messaging.services.health.expectation import register_history
from tenancy.db.tickets import Fairly


def register() -> None:
    subscribe(MessagesStored, count_stored_messages)
    for event in (MessagesStored, MessagesChanged, MediaChanged):
        subscribe(event, Fairly("ingest", note_stored_messages))
    subscribe(MediaChanged, Fairly("ingest", note_recordings))
    subscribe(MessagesJudged, Fairly("ai", shadow_messages))
    subscribe(SearchSpaceChosen, Fairly("ai", fill_older))
    live.register()
    register_backlog("analysis", claims.waiting)
    register_history(inbound_by_hour)
    register_lookup(told_of)
    register_handover(
        "searches",
        _("Saved searches"),
        saved.kept_by,
        saved.hand_over,
        _("Nobody: they are deleted"),
    )
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
    register_nav(
        NavItem(
            "search",
            "analytics:search",
            pgettext_lazy("noun", "Search"),
            "search",
            order=25,
            permission="conversations.view",
            current_for=("analytics:search",),
            on_phone=False,
        )
    )
    register_nav(
        NavItem(
            "experiments",
            "analytics:experiment-list",
            _("Experiments"),
            "flask",
            order=60,
            permission="experiments.view",
            current_for=("analytics:experiment", "analytics:prompt", "analytics:review"),
            on_phone=False,
        )
    )
