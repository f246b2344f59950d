"""Where the bytes of a received file are: in our log, in the server's bucket, or at the server.

Every way out goes through the egress door. Nothing here writes.
"""

import io
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings

from evosense.core import http
from evosense.core.http import EgressError
from evosense.core.schema import public_scope
from messaging.gateway.client.errors import EvolutionError
from messaging.gateway.client.evolution import evolution
from messaging.gateway.models import EvolutionServer
from messaging.gateway.servers import Unreachable, instance_of
from messaging.models import MessageMedia
from messaging.services.media.raw_messages import blob_of, picture_inside, raw_message

COPY_SECONDS = 90.0
# The server answered, and what it said will not change by asking again.
_FINAL = frozenset({"not_media", "too_large"})
_NO_SERVER = frozenset({"no_server", "no_key", "unsupported_version"})
# Nobody could ask: the phone or the server is away, so these do not use up the patience.
_AWAY = frozenset(
    {
        "blocked",
        "breaker_open",
        "connect_failed",
        "egress_busy",
        "key_refused",
        "license_required",
        "name_unknown",
        "never_connected",
        "not_connected",
        "server_down",
        "server_error",
        "server_inactive",
        "timed_out",
        "tls_failed",
        "unauthorized",
    }
)


OLD = "old"


class NotFound(Exception):  # noqa: N818  (read as a sentence where raised)
    """No source had it. `code` is ours; `is_final`: nobody needs to ask again."""

    def __init__(self, code: str, *, is_final: bool = False, is_away: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.is_final = is_final
        self.is_away = is_away


@dataclass(frozen=True, slots=True)
class Found:
    """A file, and the small picture of it that came with the message, b"" for none."""

    content: IO[bytes]
    preview: bytes = b""


def bytes_of(media: MessageMedia, *, may_ask: bool = True) -> Found:
    """Return the file from the first source that has it; raises NotFound.

    Without `may_ask` only our own log is looked at.
    """
    raw = raw_message(media)
    content = blob_of(media, raw) if raw else None
    if content is None and not may_ask:
        raise NotFound(OLD, is_final=True)
    if content is None:
        content = copied(media.remote_url)
    if content is None:
        content = from_server(media, raw)
    return Found(io.BytesIO(content), picture_inside(raw) if raw else b"")


def copied(url: str) -> bytes | None:
    """Return what a presigned URL of the server's bucket leads to; None when it leads nowhere.

    The URL came in a body, which anybody may have written: only hosts that the operator named.
    """
    if not url or not _is_allowed(url):
        return None
    try:
        answer = http.send(
            "GET",
            url,
            total_seconds=COPY_SECONDS,
            longest=settings.MEDIA.largest + 1,
            purpose="media",
        )
    except EgressError:
        return None
    return answer.body if answer.is_success and answer.body else None


def from_server(media: MessageMedia, raw: dict[str, Any] | None) -> bytes:
    """Ask the server by the message's id, then with the message itself; raises NotFound."""
    try:
        instance = instance_of(media.message.connection)
    except Unreachable as error:
        # Without a server there is nothing to ask, and nobody to wait for.
        is_final = error.code in _NO_SERVER
        raise NotFound(error.code, is_final=is_final, is_away=not is_final) from error
    if _rests(instance.server_id):
        raise NotFound("server_resting", is_away=True)
    # Base64 in JSON, and some room for the words around it.
    longest = settings.MEDIA.largest * 4 // 3 + 64 * 1024
    try:
        found = evolution().media_base64(
            instance, provider_id=media.message.provider_id, longest=longest
        )
    except EvolutionError as error:
        if error.code != "not_found" or raw is None:
            raise _not_found(error) from error
    else:
        return found.content
    told = {"key": raw["key"], "message": raw["message"]}
    try:
        return evolution().media_base64(instance, raw=told, longest=longest).content
    except EvolutionError as error:
        raise _not_found(error) from error


def _rests(server_id: UUID) -> bool:
    """Tell whether the server's breaker is open: waiting for it would hold up other companies'."""
    with public_scope():
        resting = EvolutionServer.objects.filter(pk=server_id, breaker=EvolutionServer.Breaker.OPEN)
        return resting.exists()


def _not_found(error: EvolutionError) -> NotFound:
    return NotFound(error.code, is_final=error.code in _FINAL, is_away=error.code in _AWAY)


def _is_allowed(url: str) -> bool:
    host = (urlsplit(url).hostname or "").lower()
    return any(
        host == allowed or host.endswith(f".{allowed}") for allowed in settings.MEDIA.source_hosts
    )
