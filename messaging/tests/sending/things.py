"""What tests of sending begin with: a connected number on a server that can do everything."""

from itertools import count
from typing import Any

from evosense.core.schema import current_tenant, public_scope
from messaging.gateway.models import EvolutionServer
from messaging.models import Connection
from messaging.services.sending import SendRequest, send_message
from messaging.tests import factories

KNOWN_JID = "5511988887777@s.whatsapp.net"
KNOWN = "5511988887777"
_numbers = count(1)


def make_server(**over: Any) -> EvolutionServer:
    tenant_id = current_tenant().id
    fields = {
        "tenant_id": tenant_id,
        "name": "casa",
        "url": f"https://evolution-{next(_numbers)}.example.com",
        "api_key": "the-key",
        "version": "2.3.7",
        **over,
    }
    return EvolutionServer.objects.create(**fields)


def make_line(server: EvolutionServer | None = None, **over: Any) -> Connection:
    """Return a connection that may send."""
    connection = factories.make_connection(number="5541900000001")
    fields = {"state": "connected", "server_id": (server or make_server()).id, **over}
    Connection.objects.filter(pk=connection.pk).update(**fields)
    connection.refresh_from_db()
    return connection


def say(connection: Connection, text: str = "Bom dia!", to: str = KNOWN, **over: Any) -> Any:
    """Queue a text."""
    return send_message(SendRequest("text", {"text": text}, connection.public_id, to=to, **over))


def lane_of(connection: Connection) -> Any:
    from messaging.gateway.models import Lane

    with public_scope():
        return Lane.objects.get(pk=connection.public_id)
