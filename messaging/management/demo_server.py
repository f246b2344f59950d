"""The demonstration's Evolution server: the simulator, on a port that this installation keeps."""

import socket
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from evosense.core.http import EgressError, send
from evosense.core.ids import random_token
from evosense.core.schema import current_tenant
from messaging.gateway.models import EvolutionServer, Lane
from messaging.models import Connection
from messaging.simulator.demo import DEMO_LINES
from messaging.simulator.run import DEFAULT_PORT
from messaging.simulator.versions import DEFAULT_VERSION

NAME = "Simulador"
# The simulator starts after the seed; looking for it before would be an outage of ours.
FIRST_LOOK, NEXT_LOOK = timedelta(minutes=2), timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class DemoServer:
    """Where the simulator listens and the key that it was given."""

    port: int
    key: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def facts(self) -> dict[str, Any]:
        return {"port": self.port, "key": self.key, "url": self.url}


def choose(remembered: dict[str, Any]) -> DemoServer:
    """Return the server of the last run, or one on a free port when somebody else took its port."""
    key = str(remembered.get("key") or random_token())
    wanted = int(remembered.get("port") or DEFAULT_PORT)
    known = DemoServer(wanted, key)
    if _is_free(wanted) or _is_ours(known):
        return known
    return DemoServer(_free_port(), key)


def ensure(server: DemoServer) -> EvolutionServer:
    """Find or make the company's row for the simulator, and let it follow a moved port."""
    row = EvolutionServer.objects.filter(tenant_id=current_tenant().id, name=NAME).first()
    patience = NEXT_LOOK
    if row is None:
        row, patience = EvolutionServer(tenant_id=current_tenant().id, name=NAME), FIRST_LOOK
    if (row.url, row.api_key) != (server.url, server.key):
        row.url, row.api_key = server.url, server.key
        # Known without asking: it is not up yet.
        row.version, row.probed_at, row.problem = DEFAULT_VERSION, timezone.now(), ""
        row.save()
    instances = [line.instance for line in DEMO_LINES]
    ours = Connection.objects.filter(instance__in=instances, removed_at=None)
    ours.exclude(server_id=row.pk, server_url=server.url).update(
        server_id=row.pk, server_url=server.url
    )
    for public_id in ours.values_list("public_id", flat=True):
        later = {"watch_at": timezone.now() + patience, "server_id": row.pk}
        owner = {"tenant_id": current_tenant().id}
        Lane.objects.update_or_create(
            connection_id=public_id, defaults=later, create_defaults=later | owner
        )
    return row


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _is_ours(server: DemoServer) -> bool:
    """Tell whether the simulator of this installation is what listens there: it knows the key."""
    url = f"{server.url}/instance/fetchInstances"
    try:
        answer = send("GET", url, headers={"apikey": server.key}, total_seconds=2)
    except EgressError:
        return False
    return answer.is_success


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
