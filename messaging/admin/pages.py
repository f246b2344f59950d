"""Every page of this app on the operators' site; importing it registers them."""

from django.apps import apps
from django.utils.translation import gettext_lazy as _

from messaging.admin import events, flow, numbers, servers
from messaging.gateway.models import EvolutionServer, Lane
from messaging.ingest.models import WebhookEvent
from tenancy.admin.navigation import add_group
from tenancy.admin.site import operator_site
from tenancy.admin.words import say

__all__ = ["events", "flow", "numbers", "servers"]

operator_site.add_page("flow/backlog/", flow.backlog, "backlog")
operator_site.add_page("flow/spool/", flow.spool, "spool")
operator_site.add_page("flow/queues/", flow.queues, "queues")
operator_site.add_page("flow/queues/<slug:kind>/revive/", flow.revive, "queue_revive")

operator_site.add_page("numbers/incidents/", numbers.incidents, "incidents")

say(EvolutionServer, _("server"), _("Evolution servers"))
say(Lane, _("sending line"), _("Sending lines"), numbers.name_of)
apps.get_app_config("gateway").verbose_name = _("Numbers and servers")
add_group(
    _("Numbers and servers"),
    [
        (_("Incidents"), "e911_emergency", "admin:incidents"),
        (_("Evolution servers"), "dns", "admin:gateway_evolutionserver_changelist"),
        (_("Sending lines"), "outbox", "admin:gateway_lane_changelist"),
    ],
)
say(WebhookEvent, _("event"), _("Quarantine and dead letters"))
apps.get_app_config("ingest").verbose_name = _("Ingest")
add_group(
    _("Ingest and work"),
    [
        (_("Backlog"), "hourglass_top", "admin:backlog"),
        (_("Quarantine and dead letters"), "report", "admin:ingest_webhookevent_changelist"),
        (_("Spool"), "hard_drive", "admin:spool"),
        (_("Queues and rings"), "low_priority", "admin:queues"),
    ],
)
