"""Our webhook on an instance: set, looked after, and its token changed without losing an event.

Evolution drops what we answer 404, so a token must be good before the server uses it and stay good
until it surely uses another. Only digests of tokens are stored here; what an instance posts with is
read from the server itself.
"""

import os
import time
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from evosense.core.crypto import token_digest
from messaging.gateway.client.answers import RemoteWebhook
from messaging.gateway.client.errors import EvolutionError
from messaging.gateway.client.evolution import evolution
from messaging.gateway.client.instance import Instance
from messaging.gateway.servers import Unreachable, instance_of
from messaging.models import Connection
from messaging.selectors.connections import living
from messaging.services.connections import webhook_url
from messaging.services.lifecycle.problems import asking
from messaging.services.lifecycle.row import managed
from messaging.services.trail import write_down
from tenancy.services import routes

HEADER = "X-EvoSense-Token"
# Costs both sides work and tells us nothing; anything else that is posted besides may stay.
NOISE = frozenset({"PRESENCE_UPDATE", "CHATS_SET", "CHATS_UPSERT", "CHATS_UPDATE", "CHATS_DELETE"})
# Receivers read the routes again within moments of a change; this is many times that.
ROUTE_SECONDS = float(os.environ.get("EVOSENSE_ROUTE_SECONDS", "1"))


def verify_webhook(public_id: UUID) -> Connection:
    """Compare the webhook on the server with ours and repair it where the instance is ours.

    `webhook_state` is then ok, repaired, unreachable, or foreign (made by hand and posting
    elsewhere).
    """
    connection = living(public_id)
    try:
        state = _verify(connection)
    except (EvolutionError, Unreachable):
        state = "unreachable"
    with transaction.atomic():
        if state == "repaired":
            write_down("connection.webhook_repaired", connection)
        connection.webhook_state, connection.webhook_checked_at = state, timezone.now()
        connection.save(update_fields=["webhook_state", "webhook_checked_at", "updated_at"])
    return connection


def rotate_webhook(public_id: UUID) -> Connection:
    """Give an instance of ours a new token; the one before stays good for seven days.

    Raises ServerRefused; then the server goes on with its old token, which stays good for ever.
    """
    connection = managed(public_id)
    with asking(connection):
        instance = instance_of(connection)
        found = evolution().find_webhook(instance)
        _install(connection, instance, in_use=_digest(found))
    with transaction.atomic():
        connection.webhook_state, connection.webhook_checked_at = "ok", timezone.now()
        connection.save(update_fields=["webhook_state", "webhook_checked_at", "updated_at"])
        write_down("connection.token_rotated", connection)
    return connection


def repair(connection: Connection, instance: Instance) -> None:
    """Set our webhook, with the token that the server already has where that is a good one."""
    found = evolution().find_webhook(instance)
    if found is not None and _has_good_token(connection, found):
        headers = {HEADER: found.headers[_header_of(found)]}
        evolution().set_webhook(instance, url=webhook_url(connection.public_id), headers=headers)
    else:
        _install(connection, instance, in_use=None)


def unset(connection: Connection, instance: Instance) -> None:
    """Stop an instance that stays on its server from posting to us."""
    found = evolution().find_webhook(instance)
    if found is not None and found.url.startswith(webhook_url(connection.public_id)):
        evolution().clear_webhook(instance)


def _verify(connection: Connection) -> str:
    instance = instance_of(connection)
    found = evolution().find_webhook(instance)
    if not connection.is_managed:
        is_ours = found is not None and str(connection.public_id) in found.url
        return "ok" if is_ours and found is not None and found.is_enabled else "foreign"
    if found is not None and _is_as_wanted(connection, instance, found):
        return "ok"
    repair(connection, instance)
    return "repaired"


def _is_as_wanted(connection: Connection, instance: Instance, found: RemoteWebhook) -> bool:
    return (
        found.is_enabled
        and found.url == webhook_url(connection.public_id)
        and not found.by_events
        and not found.base64
        and set(found.events) >= set(instance.capabilities.webhook_events)
        and not NOISE & set(found.events)
        and _has_good_token(connection, found)
    )


def _has_good_token(connection: Connection, found: RemoteWebhook) -> bool:
    """Tell whether the receiver takes the server's token, and see to it that it goes on so."""
    digest = _digest(found)
    # A token on offer that the server uses is one that a crash kept from becoming the current.
    return digest is not None and routes.promote_token(route_id=connection.public_id, digest=digest)


def _install(connection: Connection, instance: Instance, *, in_use: bytes | None) -> None:
    token = routes.offer_token(route_id=connection.public_id, in_use=in_use)
    wait_for_receivers()
    url = webhook_url(connection.public_id)
    evolution().set_webhook(instance, url=url, headers={HEADER: token})
    routes.promote_token(route_id=connection.public_id, digest=token_digest(token))


def wait_for_receivers() -> None:
    """Let receivers learn a new token before anybody posts with it."""
    time.sleep(ROUTE_SECONDS)


def _digest(found: RemoteWebhook | None) -> bytes | None:
    name = _header_of(found) if found is not None else ""
    return token_digest(found.headers[name]) if found is not None and name else None


def _header_of(found: RemoteWebhook) -> str:
    """Return our header as this server spells it, "" when it has none."""
    return next((name for name in found.headers if name.lower() == HEADER.lower()), "")
