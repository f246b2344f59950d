"""Evolution servers: of one company, or of the house; and how a connection reaches its instance."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict, Invalid
from evosense.core.schema import active_tenant, current_tenant, enqueue, tenant_scope
from evosense.core.web_address import refuse_uncallable
from messaging.gateway import tasks
from messaging.gateway.capabilities import BAILEYS, Capabilities
from messaging.gateway.client.instance import Instance
from messaging.gateway.models import EvolutionServer, Lane
from messaging.gateway.probes import Probe, probe_server
from messaging.gateway.rows import key_of, no_such_server, release_lanes, server_row, server_rows
from messaging.gateway.ways import Unreachable, way_of
from messaging.models import Connection
from tenancy.models import Tenant
from tenancy.services import audit

__all__ = [
    "Probe",
    "ServerView",
    "Unreachable",
    "admin_of",
    "create_server",
    "instance_of",
    "probe_server",
    "remove_server",
    "server_row",
    "server_view",
    "servers_for_tenant",
    "update_server",
]
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class ServerView:
    """A server as a company sees it; where the house's servers stand is not its business."""

    id: UUID
    name: str
    # "" for the house's.
    url: str
    is_own: bool
    has_key: bool
    version: str
    # A code of ours; "" when all is well.
    problem: str
    probed_at: datetime | None
    is_resting: bool
    is_active: bool


def instance_of(connection: Connection) -> Instance:
    """Return where and as whom the connection's instance is asked; raises Unreachable.

    Asks the database only. A connection that was made by hand gets a server of its own company
    here, because breaker and version belong to servers.
    """
    if connection.server_id is None:
        # What was removed keeps a word where its address was.
        if not connection.server_url or connection.removed_at is not None:
            raise Unreachable("no_server")
        _adopt_url(connection)
    return way_of(connection.pk).instance()


def admin_of(server: EvolutionServer) -> Instance:
    """Return who may create instances there; raises Unreachable.

    On a server of the house this key lists the instances of every company: show such a list to
    operators only.
    """
    key = key_of(server)
    if not server.is_active:
        raise Unreachable("server_inactive")
    if not key:
        raise Unreachable("no_key")
    if not server.version:
        raise Unreachable("not_probed")
    capabilities = _capabilities(server, BAILEYS)
    if not capabilities.is_supported_for_sending:
        raise Unreachable("unsupported_version" if capabilities.is_licensed else "license_required")
    return Instance(server.pk, server.url, key, "", capabilities)


def servers_for_tenant() -> list[ServerView]:
    """Return what the active company may connect numbers to: its own first, then the house's."""
    current_tenant()
    rows = server_rows().filter(Q(is_active=True) | Q(tenant_id__isnull=False))
    own_first = sorted(rows, key=lambda row: (row.tenant_id is None, row.name.casefold()))
    with_key = set(
        EvolutionServer.objects.filter(api_key__isnull=False).values_list("pk", flat=True)
    )
    return [_view(row, has_key=row.pk in with_key) for row in own_first]


def server_view(server_id: UUID) -> ServerView:
    """Return one server that the active company may use; raises NotFound."""
    for view in servers_for_tenant():
        if view.id == server_id:
            return view
    raise no_such_server()


def create_server(*, name: str, url: str, api_key: str) -> EvolutionServer:
    """Store a server: of the active company, or of the house where none is active.

    Looks its name up, so call it outside transactions; probe it afterwards.
    """
    tenant = active_tenant()
    fields = {"name": _name(name), "url": _checked_url(url), "api_key": _key(api_key)}
    with _taken(), transaction.atomic():
        server = EvolutionServer.objects.create(tenant_id=tenant.id if tenant else None, **fields)
        _note("server.created", server, url=["", server.url])
    return server


def update_server(
    server_id: UUID, *, name: str, url: str, api_key: str = "", is_active: bool = True
) -> EvolutionServer:
    """Change a server of one's own; an empty `api_key` keeps the one that is stored.

    Raises Invalid when another host shall get it: who may change a server need not know its key.
    Keys of single instances, which were given for the old host too, are forgotten then.
    """
    server = _own(server_id)
    before = (server.name, server.url, server.is_active)
    server.name, server.url, server.is_active = _name(name), _checked_url(url), is_active
    fields = ["name", "url", "is_active", "updated_at"]
    moves = _host_of(server.url) != _host_of(before[1])
    if server.url != before[1]:
        if not api_key.strip() and moves:
            message = _("Enter the key again: it was given for another address.")
            raise Invalid("required", message, field="api_key")
        # Another server: what was known of the old one says nothing.
        server.version, server.capabilities, server.probed_at = "", {}, None
        fields += ["version", "capabilities", "probed_at"]
    if api_key.strip():
        server.api_key = _key(api_key)
        fields.append("api_key")
    with _taken(), transaction.atomic():
        server.save(update_fields=fields)
        dropped = _drop_keys_of_instances(server) if moves else 0
        release_lanes(server.pk)
        _note(
            "server.changed",
            server,
            name=[before[0], server.name],
            url=[before[1], server.url],
            is_active=[before[2], server.is_active],
            key=["", "changed" if api_key.strip() else ""],
            instance_keys=[dropped, 0],
        )
    return server


def remove_server(server_id: UUID) -> None:
    """Forget a server of one's own that no connection uses."""
    server = _own(server_id)
    if active_tenant() is not None:
        in_use = Connection.objects.filter(server_id=server.pk, removed_at=None).exists()
    else:
        in_use = Lane.objects.filter(server_id=server.pk).exists()
    if in_use:
        raise Conflict("server_in_use", _("Connections use this server. Remove them first."))
    with transaction.atomic():
        _note("server.removed", server, url=[server.url, ""])
        server.delete()


def _adopt_url(connection: Connection) -> None:
    """Give a connection made by hand the company's own row for its server, and have it probed."""
    url = connection.server_url.rstrip("/")
    with transaction.atomic():
        server, is_new = server_rows().get_or_create(
            tenant_id=current_tenant().id,
            url=url,
            defaults={"name": (urlsplit(url).hostname or url)[:80]},
        )
        Connection.objects.filter(pk=connection.pk, server_id=None).update(server_id=server.pk)
        Lane.objects.filter(connection_id=connection.public_id, server=None).update(server=server)
        if is_new:
            enqueue(tasks.probe_server, server_id=str(server.pk))
    connection.server_id = server.pk


def _drop_keys_of_instances(server: EvolutionServer) -> int:
    """Forget the keys of single instances there; returns how many there were.

    Where a server's own key may speak for a connection it takes their place.
    """
    if server.tenant_id is not None:
        return _drop_keys_here(server)
    users = Tenant.objects.filter(pk__in=Lane.objects.filter(server=server).values("tenant"))
    dropped = 0
    for tenant in users:
        with tenant_scope(tenant.ref):
            dropped += _drop_keys_here(server)
    return dropped


def _drop_keys_here(server: EvolutionServer) -> int:
    rows = Connection.objects.filter(server_id=server.pk, api_key__isnull=False)
    return rows.update(api_key=None, updated_at=timezone.now())


def _own(server_id: UUID) -> EvolutionServer:
    """Return a server that may be changed here; the house's only where no company is active."""
    tenant = active_tenant()
    own = Q(tenant_id=tenant.id) if tenant else Q(tenant_id=None)
    row = server_rows().filter(own, pk=server_id).first()
    if row is None:
        raise no_such_server()
    return row


def _capabilities(server: EvolutionServer, integration: str) -> Capabilities:
    is_licensed = bool(server.capabilities.get("is_licensed", True))
    return Capabilities(server.version, integration, is_licensed)


def _view(row: EvolutionServer, *, has_key: bool) -> ServerView:
    is_own = row.tenant_id is not None
    return ServerView(
        id=row.pk,
        name=row.name,
        url=row.url if is_own else "",
        is_own=is_own,
        has_key=has_key,
        version=row.version,
        problem=row.problem,
        probed_at=row.probed_at,
        is_resting=row.breaker != EvolutionServer.Breaker.CLOSED
        and row.breaker_until is not None
        and row.breaker_until > timezone.now(),
        is_active=row.is_active,
    )


def _note(action: str, server: EvolutionServer, **changes: list[Any]) -> None:
    audit.record(
        action,
        object_type="server",
        object_id=server.pk,
        object_label=server.name,
        changes={name: pair for name, pair in changes.items() if pair[0] != pair[1]},
    )


class _taken:  # noqa: N801  (read as a block, like `suppress`)
    """Turn a broken uniqueness rule into a refusal that names its field."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, IntegrityError) and "gateway_server_unique" in str(error):
            message = _("There is already a server with this address.")
            raise Conflict("url_taken", message, field="url") from error


def _name(value: str) -> str:
    text = value.strip()
    if not 1 <= len(text) <= 80 or _CONTROL.search(text):
        raise Invalid("invalid", _("Use 1 to 80 characters on one line."), field="name")
    return text


def _checked_url(value: str) -> str:
    text = value.strip().rstrip("/")
    message = _("Use an address such as https://evolution.example.com.")
    if len(text) > 300 or "?" in text or "#" in text:
        raise Invalid("invalid", message, field="url")
    refuse_uncallable(text, field="url", message=message)
    return text


def _host_of(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    standard = 443 if parts.scheme.lower() == "https" else 80
    return parts.scheme.lower(), parts.hostname or "", parts.port or standard


def _key(value: str) -> str:
    text = value.strip()
    if not 1 <= len(text) <= 500 or not text.isascii() or _CONTROL.search(text):
        message = _("Enter the server's key: up to 500 plain characters on one line.")
        raise Invalid("invalid", message, field="api_key")
    return text
