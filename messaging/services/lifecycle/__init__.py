"""The life of a connection: made, paired, kept up, logged out, removed.

Only a person starts pairing; what was paired is kept up by `tend_session`. All that must survive a
restart is in the connection's row; codes are in Redis for a minute.
"""

from messaging.services.lifecycle.acts import log_out, remove, restart
from messaging.services.lifecycle.creating import (
    adopt_instance,
    create_instance,
    foreign_instances,
)
from messaging.services.lifecycle.keeping import (
    mute,
    rename,
    save_settings,
    set_bulk,
    set_default,
    settings_of,
)
from messaging.services.lifecycle.observing import observe_state
from messaging.services.lifecycle.pairing import accept_number, recreate_session, start_pairing
from messaging.services.lifecycle.pairing_view import pairing_view
from messaging.services.lifecycle.problems import ServerRefused
from messaging.services.lifecycle.tending import tend_session
from messaging.services.lifecycle.views import ForeignInstance, InstanceSettings, PairingView
from messaging.services.lifecycle.webhooks import rotate_webhook, verify_webhook

__all__ = [
    "ForeignInstance",
    "InstanceSettings",
    "PairingView",
    "ServerRefused",
    "accept_number",
    "adopt_instance",
    "create_instance",
    "foreign_instances",
    "log_out",
    "mute",
    "observe_state",
    "pairing_view",
    "recreate_session",
    "remove",
    "rename",
    "restart",
    "rotate_webhook",
    "save_settings",
    "set_bulk",
    "set_default",
    "settings_of",
    "start_pairing",
    "tend_session",
    "verify_webhook",
]
