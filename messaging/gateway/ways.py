"""How a connection's instance is reached: from rows of the connection and its server to a way in.

Whoever sends reads both with its own statement, anew each time: a changed key, an address or a
server that was switched off counts at once, and there is nothing to invalidate.
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from evosense.core.crypto import decrypt
from evosense.core.schema import current_tenant, database_cursor, public_scope
from messaging.gateway.capabilities import Capabilities
from messaging.gateway.client.instance import Instance

# Of a connection `l` and its server `s`; in the order of `Way`.
COLUMNS = """
    l.instance, l.integration, l.is_managed, l.api_key, l.server_id, s.id, s.tenant_id, s.url,
    s.version, s.is_active, coalesce((s.capabilities->>'is_licensed')::bool, true), s.api_key
"""
# Row-level security says the same; it does not bind whoever connects as a superuser.
JOIN = """
    LEFT JOIN public.gateway_evolutionserver s
        ON s.id = l.server_id AND (s.tenant_id = %(tenant)s::uuid OR s.tenant_id IS NULL)
"""
_WAY = f"SELECT {COLUMNS} FROM messaging_connection l {JOIN} WHERE l.id = %(line)s"  # noqa: S608
_OWN_KEY = "messaging_connection|api_key"
_SERVER_KEY = "gateway_evolutionserver|api_key"


class Unreachable(Exception):  # noqa: N818  (read as a sentence where raised)
    """There is no way to the instance before somebody changes something.

    Codes: no_server, server_inactive, no_key, not_probed, unsupported_version, license_required.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Way:
    """What `COLUMNS` read; keys are as they are stored."""

    name: str
    integration: str
    is_managed: bool
    own_key: bytes | None = field(repr=False)
    # As the connection names it; `server` is None when it is not there, or not theirs.
    named: UUID | None
    server: UUID | None
    owner: UUID | None
    url: str | None
    version: str | None
    is_active: bool | None
    is_licensed: bool
    server_key: bytes | None = field(repr=False)

    def instance(self) -> Instance:
        """Return where and as whom the instance is asked; raises Unreachable."""
        if self.server is None:
            raise Unreachable("no_server")
        if not self.is_active:
            raise Unreachable("server_inactive")
        key = decrypt(self.own_key, _OWN_KEY) if self.own_key else ""
        if not key and may_use_server_key(self.owner, is_managed=self.is_managed):
            key = self._key_of_server()
        if not key:
            raise Unreachable("no_key")
        if not self.version:
            raise Unreachable("not_probed")
        able = Capabilities(self.version, self.integration, self.is_licensed)
        return Instance(self.server, self.url or "", key, self.name, able)

    def _key_of_server(self) -> str:
        if not self.server_key:
            return ""
        with scope_of_owner(self.owner):
            return decrypt(self.server_key, _SERVER_KEY)


def way_of(connection_pk: int) -> Way:
    """Return what is stored of the way to a connection's instance, all of one moment.

    An address and a key read one after the other might not belong together.
    """
    with database_cursor() as cursor:
        cursor.execute(_WAY, {"tenant": current_tenant().id, "line": connection_pk})
        return Way(*cursor.fetchone())


def may_use_server_key(owner: UUID | None, *, is_managed: bool) -> bool:
    """Tell whether a server's own key may speak for a connection.

    The house's key opens every company's instances: only for those that we made ourselves.
    """
    return owner is not None or is_managed


def scope_of_owner(owner: UUID | None) -> AbstractContextManager[Any]:
    """Return the scope in which what belongs to a server's owner is read."""
    return public_scope() if owner is None else nullcontext()
