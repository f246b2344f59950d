"""The demonstration's Evolution server: the simulator, on a port that this installation keeps."""

import socket
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from evosense.core.http import EgressError, send
from evosense.core.ids import random_token
from evosense.core.schema import current_tenant, public_scope
from messaging.gateway.models import EvolutionServer, Lane
from messaging.models import Connection
from messaging.simulator.demo import DEMO_LINES
from messaging.simulator.run import DEFAULT_PORT
from messaging.simulator.versions import DEFAULT_VERSION
from tenancy.models import WebhookRoute

NAME = "Simulador"


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
    """Find or make the company's row for the simulator, and let it follow a moved port.

    Its numbers then rest until the simulator calls `open_numbers`: whoever looked for it before
    would see an outage.
    """
    row = EvolutionServer.objects.filter(tenant_id=current_tenant().id, name=NAME).first()
    row = row or EvolutionServer(tenant_id=current_tenant().id, name=NAME)
    ours = _numbers()
    if (row.url, row.api_key) != (server.url, server.key):
        row.url, row.api_key = server.url, server.key
        # Known without asking: it is not up yet.
        row.version, row.probed_at, row.problem = DEFAULT_VERSION, timezone.now(), ""
        row.save()
        ours.update(is_active=False)
    ours.exclude(server_id=row.pk, server_url=server.url).update(
        server_id=row.pk, server_url=server.url
    )
    for public_id in ours.values_list("public_id", flat=True):
        known = {"server_id": row.pk}
        owner = {"tenant_id": current_tenant().id, "watch_at": timezone.now()}
        Lane.objects.update_or_create(
            connection_id=public_id, defaults=known, create_defaults=known | owner
        )
    return row


def open_numbers() -> int:
    """Let numbers that rested be looked after, now that their server is up; returns how many."""
    resting = list(_numbers().filter(is_active=False).values_list("public_id", flat=True))
    with public_scope():
        # One that a person switched off has a closed route too.
        routes = WebhookRoute.objects.filter(pk__in=resting, is_active=True)
        opened = list(routes.values_list("pk", flat=True))
        Lane.objects.filter(pk__in=opened).update(watch_at=timezone.now())
    return _numbers().filter(public_id__in=opened).update(is_active=True)


def _numbers() -> QuerySet[Connection]:
    instances = [line.instance for line in DEMO_LINES]
    return Connection.objects.filter(instance__in=instances, removed_at=None)


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
