"""The demonstration's company, people and connections, and the file that remembers their secrets.

The secrets are of a company that only exists to be looked at; the file is this user's alone.
"""

import json
import os
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from evosense.core.crypto import token_digest
from evosense.core.errors import Conflict, NotFound
from evosense.core.ids import random_token
from evosense.core.schema import public_scope, tenant_scope
from messaging.management import demo_server
from messaging.management.demo_server import DemoServer
from messaging.models import Connection
from messaging.services import connections
from messaging.services.lifecycle import InstanceSettings
from messaging.simulator.demo import DEMO_LINES, DEMO_NAMES
from messaging.simulator.people import Line
from messaging.simulator.run import demo_file
from tenancy.models import Membership, SecurityPolicy, Tenant, User
from tenancy.services import operators, people, routes, tenants

SLUG = "aurora"
NAME = "Móveis Aurora"
PEOPLE = (
    ("dona@aurora.example", "Helena Prado", Membership.Role.OWNER),
    ("gerente@aurora.example", "Marina Leal", Membership.Role.ADMIN),
    ("atendente@aurora.example", "Rafael Tavares", Membership.Role.AGENT),
    ("leitura@aurora.example", "Noemi Campos", Membership.Role.VIEWER),
)
OPERATOR = ("operacao@evosense.example", "Operação EvoSense")


@dataclass(frozen=True, slots=True)
class Wire:
    """What the simulator needs to post as one instance."""

    id: str
    name: str
    instance: str
    token: str
    api_key: str


@dataclass(frozen=True, slots=True)
class Company:
    tenant: Tenant
    password: str
    wires: tuple[Wire, ...]
    server: DemoServer

    def facts(self) -> dict[str, Any]:
        port = f":{settings.PUBLIC_PORT}" if settings.PUBLIC_PORT else ""
        host = tenants.host_of(self.tenant.slug)
        return {
            "slug": self.tenant.slug,
            "url": f"{settings.PUBLIC_SCHEME}://{host}{port}/",
            "email": PEOPLE[0][0],
            "password": self.password,
            "operator": OPERATOR[0],
            "operator_url": f"{settings.PUBLIC_SCHEME}://{settings.PUBLIC_HOST}{port}/admin/",
            "server": self.server.facts(),
            "people": {role: email for email, _, role in PEOPLE},
            "connections": [
                {
                    "id": wire.id,
                    "name": wire.name,
                    "instance": wire.instance,
                    "webhook_url": connections.webhook_url(UUID(wire.id)),
                    "token": wire.token,
                    "api_key": wire.api_key,
                }
                for wire in self.wires
            ],
        }


def ensure() -> Company:
    """Find or make everything; secrets that are not remembered are made anew."""
    remembered = _remembered()
    tenant = _tenant()
    password = str(remembered.get("password") or secrets.token_urlsafe(12))
    _people(tenant, password)
    known = {wire["instance"]: wire for wire in remembered.get("connections", [])}
    server = demo_server.choose(remembered.get("server") or {})
    with tenant_scope(tenant.ref):
        wires = tuple(_connection(line, known.get(line.instance), server) for line in DEMO_LINES)
        demo_server.ensure(server)
    return Company(tenant, password, wires, server)


def open_numbers(port: int) -> None:
    """Say that the demonstration's server is up at a port; harmless where it was never made.

    Of two demonstrations that begin at once one moves to another port than its company was told.
    """
    remembered = _remembered()
    server = remembered.get("server") or {}
    with suppress(NotFound), tenant_scope(tenants.find_tenant(slug=SLUG).ref):
        if server.get("key") and server.get("port") != port:
            moved = demo_server.DemoServer(port, str(server["key"]))
            demo_server.ensure(moved)
            _write(remembered | {"server": moved.facts()})
        demo_server.open_numbers()


def save(company: Company) -> None:
    """Remember the secrets for the simulator and for the next run."""
    _write(company.facts())


def _write(facts: dict[str, Any]) -> None:
    path = demo_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        json.dump(facts, handle)
    fresh.replace(path)


def _remembered() -> dict[str, Any]:
    return _read(demo_file())


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _tenant() -> Tenant:
    try:
        tenant = tenants.find_tenant(slug=SLUG)
    except NotFound:
        tenant = tenants.create_tenant(name=NAME, slug=SLUG, plan=Tenant.Plan.PRO)
        _ask_for_no_second_step(tenant)
    if tenant.state == Tenant.State.READY:
        return tenant
    return tenants.provision_now(tenant.id)


def _ask_for_no_second_step(tenant: Tenant) -> None:
    """Whoever only looks around must not have to set up a telephone after two weeks."""
    with public_scope():
        nobody = SecurityPolicy.MfaFor.NOBODY
        SecurityPolicy.objects.get_or_create(tenant=tenant, defaults={"mfa_for": nobody})


def _people(tenant: Tenant, password: str) -> None:
    with public_scope():
        for email, name, role in PEOPLE:
            user = _person(email, name, password)
            with suppress(Conflict):
                people.add_member(tenant_id=tenant.id, user_id=user.pk, role=role)
        operator = _person(*OPERATOR, password)
        with suppress(Conflict):
            operators.create_operator(email=operator.email, password=password)


def _person(email: str, name: str, password: str) -> User:
    user = User.objects.filter(email=email).first()
    if user is None:
        return people.create_user(email=email, password=password, name=name)
    if not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
    return user


def _connection(line: Line, known: dict[str, Any] | None, server: DemoServer) -> Wire:
    existing = Connection.objects.filter(instance=line.instance, removed_at=None).first()
    if existing and known and _still_opens(existing, known):
        return Wire(**{name: str(known[name]) for name in Wire.__slots__})
    api_key = random_token()
    if existing:
        made = connections.rotate_token(existing.public_id)
    else:
        made = connections.create_connection(
            name=DEMO_NAMES[line.instance],
            instance=line.instance,
            server_url=server.url,
            api_key=api_key,
            number=line.number,
        )
    connection = made.connection
    if not connection.is_managed:
        _manage(connection)
    return Wire(
        id=str(connection.public_id),
        name=connection.name,
        instance=connection.instance,
        token=made.token,
        api_key=connection.api_key or api_key,
    )


def _still_opens(existing: Connection, known: dict[str, Any]) -> bool:
    """Tell whether what is remembered of a connection is still true.

    A token that was renewed in the panel is forgotten by the simulator, which remembers the file.
    """
    if known.get("id") != str(existing.public_id) or not known.get("token"):
        return False
    digest = token_digest(str(known["token"]))
    return routes.promote_token(route_id=existing.public_id, digest=digest)


def _manage(connection: Connection) -> None:
    """Let the house look after the instance, as if it had made it itself."""
    Connection.objects.filter(pk=connection.pk).update(
        is_managed=True,
        instance_id=connection.instance,
        wants_session=True,
        settings=asdict(InstanceSettings()),
    )
