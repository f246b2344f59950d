"""Asking a server who it is, and keeping what it said. Call it outside transactions."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone

from evosense.core.ids import random_base62
from messaging.gateway import breaker
from messaging.gateway.capabilities import Capabilities
from messaging.gateway.client.errors import EvolutionError
from messaging.gateway.client.evolution import Evolution, evolution
from messaging.gateway.client.instance import Instance
from messaging.gateway.models import EvolutionServer
from messaging.gateway.rows import key_of, release_lanes, scope_of, server_row


@dataclass(frozen=True, slots=True)
class Probe:
    """`problem` is a code of ours (connect_failed, unauthorized, license_required, …) or ""."""

    version: str
    problem: str
    is_licensed: bool = True


def probe_server(server_id: UUID, client: Evolution | None = None) -> Probe:
    """Ask a server for its version, its licence and whether it takes the key; store the answer.

    Raises NotFound. What the server does wrong is the `problem` that is returned and stored; a
    version that was known stays when the server does not answer.
    """
    server = server_row(server_id)
    found = _ask(server, client or evolution())
    changed: dict[str, Any] = {"probed_at": timezone.now(), "problem": found.problem}
    if found.version:
        changed["version"] = found.version
        changed["capabilities"] = {**server.capabilities, "is_licensed": found.is_licensed}
    with scope_of(server):
        # Nothing of it may overwrite what a person changed meanwhile.
        EvolutionServer.objects.filter(pk=server.pk, url=server.url).update(**changed)
    if not found.problem:
        breaker.note_success(server.pk)
        if server.problem or not server.version:
            release_lanes(server.pk)
    return found


def _ask(server: EvolutionServer, client: Evolution) -> Probe:
    try:
        version = client.server_info(server.url).version
    except EvolutionError as error:
        return Probe("", error.code)
    capabilities = Capabilities(version)
    key = key_of(server) or ""
    asker = Instance(server.pk, server.url, key, "", capabilities)
    try:
        # A name that nobody has: the answer is short, and says whether key and licence are good.
        client.fetch_instances(asker, name=f"evosense-{random_base62(12)}")
    except EvolutionError as error:
        if error.code == "license_required":
            return Probe(version, error.code, is_licensed=False)
        if key or error.code != "unauthorized":
            return Probe(version, error.code)
    if not capabilities.is_supported_for_sending:
        return Probe(version, "unsupported_version")
    return Probe(version, "")
