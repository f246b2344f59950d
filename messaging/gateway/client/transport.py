"""Requests to one server: address, key, time, and the JSON that comes back."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson

from evosense.core.http import Answer, Egress, EgressBlocked, EgressFailed, Seats
from messaging.gateway.client.errors import EvolutionError, detail_of, word_of
from messaging.gateway.client.instance import Instance
from messaging.gateway.client.timing import CALL_SECONDS

# More than the threads of any of our processes, so that nobody waits for a connection.
CONNECTIONS = 96
# Node closes idle connections after five seconds.
IDLE_SECONDS = 4.0
LONGEST_ANSWER = 16 * 1024 * 1024
_PASSING = frozenset({"server_error", "not_connected", "never_connected", "check_failed"})


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    # With `{name}` for the instance.
    path: str
    body: bytes = field(default=b"", repr=False)


def new_door() -> Egress:
    """Return a door with room for every thread of a process."""
    return Egress(connections=CONNECTIONS, idle_seconds=IDLE_SECONDS)


def new_send_door() -> Egress:
    """Return a door for sends, whose own bound is stricter than seats.

    One is under way for each number, and a server that is slow gets no more threads
    (`messaging.sender.engine`).
    """
    seats = Seats(of_host=CONNECTIONS, of_tenant=CONNECTIONS)
    return Egress(connections=CONNECTIONS, idle_seconds=IDLE_SECONDS, seats=seats)


def ask(
    door: Egress,
    instance: Instance,
    method: str,
    path: str,
    body: Any = None,
    *,
    seconds: float = CALL_SECONDS,
    longest: int = LONGEST_ANSWER,
) -> Any:
    """Make a call that sends no message and return its JSON; raises EvolutionError."""
    request = Request(method, path, b"" if body is None else orjson.dumps(body))
    try:
        answer = exchange(door, instance, request, seconds=seconds, longest=longest)
    except EgressBlocked as refusal:
        raise EvolutionError("blocked", detail=refusal.code) from refusal
    except EgressFailed as failure:
        raise EvolutionError(failure.code, can_retry=True) from failure
    parsed = parse(answer.body)
    if answer.is_success:
        if parsed is None and answer.body.strip() not in {b"null", b""}:
            raise EvolutionError("broken_answer", http_status=answer.status)
        return parsed
    raise error_of(answer.status, parsed)


def exchange(
    door: Egress,
    instance: Instance,
    request: Request,
    *,
    seconds: float,
    longest: int = LONGEST_ANSWER,
    write_by: float | None = None,
    purpose: str = "evolution",
) -> Answer:
    """Make one request as the instance; raises EgressBlocked or EgressFailed."""
    headers = {"apikey": instance.key, "Accept": "application/json"}
    if request.body:
        headers["Content-Type"] = "application/json"
    return door.send(
        request.method,
        instance.url.rstrip("/") + request.path.replace("{name}", quote(instance.name, safe="")),
        headers=headers,
        body=request.body,
        total_seconds=seconds,
        longest=longest,
        write_by=write_by,
        purpose=purpose,
    )


def parse(raw: bytes) -> Any:
    """Return the JSON in `raw`, also with halves of surrogate pairs; None when it is none."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def error_of(status: int, body: Any) -> EvolutionError:
    """Return what a refusal means."""
    code = word_of(body) or _code_of(status)
    can_retry = code in _PASSING or (status >= 500 and code != "license_required")
    return EvolutionError(code, http_status=status, detail=detail_of(body), can_retry=can_retry)


def _code_of(status: int) -> str:
    if status in {401, 403}:
        return "unauthorized"
    if status == 404:
        return "not_found"
    if 300 <= status < 400:
        return "redirected"
    return "server_error" if status >= 500 else "refused"
