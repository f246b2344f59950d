"""The life of a connection: made, paired, kept up, logged out, removed.

Only a person starts pairing; what was paired is kept up by `tend_session`. All that must survive a
restart is in the connection's row; codes are in Redis for a minute.
"""

from messaging.services.lifecycle.views import ForeignInstance, InstanceSettings, PairingView

__all__ = ["ForeignInstance", "InstanceSettings", "PairingView"]
