"""Connections: made by hand, renamed, closed, and their secret address rotated."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.crypto import token_digest
from evosense.core.errors import Conflict, Invalid
from evosense.core.http import EgressBlocked, check_url
from evosense.core.ids import random_base62
from evosense.core.pagination import encode_cursor
from evosense.core.phones import parse_phone
from evosense.core.schema import current_tenant, database_cursor
from messaging.models import Connection
from messaging.selectors.connections import COLORS, living
from messaging.services.trail import write_down
from tenancy.services import routes

TEST_EVENT = "evosense.test"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_valid_url = URLValidator(schemes=["http", "https"])
# Constraint → the field that a form shows the refusal at.
_TAKEN = {
    "messaging_connection_name_unique": (
        "name",
        _("There is already a connection with this name."),
    ),
    "messaging_connection_instance_unique": (
        "instance",
        _("This instance is already connected."),
    ),
}


@dataclass(frozen=True, slots=True)
class NewConnection:
    """A stored connection and its token, which cannot be read again."""

    connection: Connection
    token: str

    @property
    def webhook_url(self) -> str:
        return webhook_url(self.connection.public_id)


def webhook_url(public_id: UUID) -> str:
    """Return the address that Evolution posts to; the token goes into a header or behind it."""
    port = f":{settings.PUBLIC_PORT}" if settings.PUBLIC_PORT else ""
    return f"{settings.PUBLIC_SCHEME}://{settings.PUBLIC_HOST}{port}/hooks/evo/{public_id}"


def check_server(server_url: str) -> None:
    """Look the server's name up and refuse what leads inside; call it outside transactions."""
    if _url(server_url):
        _refuse_inner(_url(server_url), look_up=True)


def create_connection(
    *, name: str, instance: str, server_url: str = "", api_key: str = "", number: str = ""
) -> NewConnection:
    """Store a connection and open its webhook route, both or neither."""
    fields: dict[str, Any] = {
        "name": one_line(name, "name", 80),
        "instance": one_line(instance, "instance", 120),
        "server_url": _url(server_url),
        "api_key": _secret(api_key),
        "number": number_of(number),
    }
    with refusals(), transaction.atomic():
        connection, token = store_connection(fields)
        write_down("connection.created", connection, instance=["", connection.instance])
    return NewConnection(connection, token)


def store_connection(fields: dict[str, Any]) -> tuple[Connection, str]:
    """Store a connection and its webhook route; returns it and the route's token.

    Runs inside the caller's transaction. The first connection is the one that is sent from.
    """
    take_turn()
    known = Connection.objects.filter(removed_at=None)
    connection = Connection.objects.create(
        **fields,
        color=Connection.objects.count() % COLORS + 1,
        is_default=not known.filter(is_default=True).exists(),
    )
    token = routes.create_route(route_id=connection.public_id, instance=connection.instance)
    return connection, token


def take_turn() -> None:
    """Let one transaction of the company at a time decide which connection is the default."""
    key = int.from_bytes(current_tenant().id.bytes[:8], "big", signed=True)
    with database_cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])


def rename_connection(public_id: UUID, *, name: str) -> Connection:
    """Give a connection another name; raises NotFound, and Conflict when it is taken."""
    connection = living(public_id)
    before, connection.name = connection.name, one_line(name, "name", 80)
    with refusals(), transaction.atomic():
        connection.save(update_fields=["name", "updated_at"])
        if before != connection.name:
            write_down("connection.renamed", connection, name=[before, connection.name])
    return connection


def rotate_token(public_id: UUID) -> NewConnection:
    """Make a new token; the one before stays good while Evolution is being changed over."""
    connection = living(public_id)
    with transaction.atomic():
        token = routes.rotate_route(route_id=connection.public_id)
        write_down("connection.token_rotated", connection)
    return NewConnection(connection, token)


def set_active(public_id: UUID, *, is_active: bool) -> Connection:
    """Accept or refuse what comes for a connection. Nothing stored is touched."""
    connection = living(public_id)
    before = connection.is_active
    with transaction.atomic():
        connection.is_active = is_active
        connection.save(update_fields=["is_active", "updated_at"])
        change = routes.reopen_route if is_active else routes.close_route
        change(route_id=connection.public_id)
        if before != is_active:
            action = "connection.opened" if is_active else "connection.closed"
            write_down(action, connection, is_active=[before, is_active])
    return connection


def send_test_event(public_id: UUID) -> str:
    """Write a harmless event into the raw log, where the workers find it as if it had come in.

    Returns the id under which `selectors.raw_events` shows its outcome.
    """
    connection = living(public_id)
    now = timezone.now()
    body = {
        "event": TEST_EVENT,
        "instance": connection.instance,
        "data": {"id": random_base62(16)},
        "date_time": now.isoformat(),
    }
    raw = orjson.dumps(body)
    with transaction.atomic(), database_cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.webhook_events"
            " (received_at, tenant_id, connection_id, dedupe_key, event, instance, body)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id",
            [
                now,
                current_tenant().id,
                connection.public_id,
                token_digest(raw.decode()),
                TEST_EVENT,
                connection.instance,
                raw,
            ],
        )
        (pk,) = cursor.fetchone()
        cursor.execute("NOTIFY ingest")
    return encode_cursor(now, pk)


class refusals:  # noqa: N801  (read as a block, like `suppress`)
    """Turn a broken uniqueness rule into a refusal that names its field."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, IntegrityError):
            return
        for constraint, (field, message) in _TAKEN.items():
            if constraint in str(error):
                raise Conflict(f"{field}_taken", message, field=field) from error


def one_line(value: str, field: str, longest: int) -> str:
    """Return `value` without space around it; raises Invalid for `field`."""
    text = value.strip()
    if not 1 <= len(text) <= longest or _CONTROL.search(text):
        message = _("Use 1 to %(longest)s characters on one line.") % {"longest": longest}
        raise Invalid("invalid", message, field=field)
    return text


def _url(value: str) -> str:
    text = value.strip().rstrip("/")
    if not text:
        return ""
    try:
        _valid_url(text)
    except ValidationError as error:
        message = _("Use an address such as https://evolution.example.com.")
        raise Invalid("invalid", message, field="server_url") from error
    if len(text) > 300:
        raise Invalid("invalid", _("Use at most 300 characters."), field="server_url")
    _refuse_inner(text, look_up=False)
    return text


def _refuse_inner(url: str, *, look_up: bool) -> None:
    try:
        check_url(url, look_up=look_up)
    except EgressBlocked as refusal:
        raise Invalid(refusal.code, refusal.reason, field="server_url") from refusal


def _secret(value: str) -> str | None:
    text = value.strip()
    if len(text) > 500 or _CONTROL.search(text):
        raise Invalid("invalid", _("Use at most 500 characters on one line."), field="api_key")
    return text or None


def number_of(value: str) -> str | None:
    """Return a phone number as digits, None when nothing was entered; raises Invalid."""
    if not value.strip():
        return None
    number = parse_phone(value)
    if number is None:
        message = _("Use a number with country and area code, such as 55 11 91234-5678.")
        raise Invalid("invalid", message, field="number")
    return number
