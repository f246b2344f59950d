"""One HTTP exchange with an OpenAI-compatible server. Call it outside transactions.

Retries, repairs and limits are the caller's: every attempt is counted, so nothing may be repeated
down here.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson

from analytics.providers.failures import error_of, parameter_at_fault
from analytics.providers.origins import origin_of
from analytics.providers.refs import ProviderRef
from evosense.core.http import Answer, Egress, EgressError, Seats

# More than the threads of a worker; the servers' own limits are kept in `limits`.
_CONNECTIONS = 32
# As many as `limits` ever lets through to one provider.
_SEATS = 24
LONGEST_ANSWER = 2 * 1024 * 1024
_PURPOSE = "ai_provider"


@dataclass(frozen=True, slots=True)
class Reply:
    """`error` is a code of ours ("" for a 200 with JSON); `fault` the parameter to be repaired."""

    status: int | None
    error: str
    latency_ms: int
    data: Any = None
    fault: str = ""
    # Seconds that the server asked for.
    retry_after: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def post(
    ref: ProviderRef,
    path: str,
    body: Mapping[str, Any],
    *,
    seconds: float,
    longest: int = LONGEST_ANSWER,
) -> Reply:
    """Send `body` as JSON to `path` below the provider's address; never raises."""
    return _exchange(ref, "POST", path, orjson.dumps(body), seconds, longest)


def post_form(
    ref: ProviderRef,
    path: str,
    body: bytes,
    *,
    content_type: str,
    seconds: float,
    longest: int = LONGEST_ANSWER,
) -> Reply:
    """Send a form that is written already, as files need it, to `path`; never raises."""
    return _exchange(ref, "POST", path, body, seconds, longest, content_type)


def get(ref: ProviderRef, path: str, *, seconds: float) -> Reply:
    """Fetch `path` below the provider's address; never raises."""
    return _exchange(ref, "GET", path, b"", seconds, LONGEST_ANSWER)


def _exchange(
    ref: ProviderRef,
    method: str,
    path: str,
    body: bytes,
    seconds: float,
    longest: int,
    content_type: str = "application/json",
) -> Reply:
    started = time.monotonic()
    url = f"{ref.base_url}/{path}"
    try:
        answer = door().send(
            method,
            url,
            headers=_headers(ref, url, content_type),
            body=body,
            total_seconds=seconds,
            longest=longest,
            purpose=_PURPOSE,
        )
    except EgressError as error:
        return Reply(None, error.code, _since(started))
    return _read(answer, _since(started))


@lru_cache(maxsize=1)
def door() -> Egress:
    """Return the connections that all threads of the process share."""
    seats = Seats(of_host=_SEATS, of_tenant=_SEATS)
    return Egress(connections=_CONNECTIONS, seats=seats)


def _headers(ref: ProviderRef, url: str, content_type: str) -> dict[str, str]:
    headers = {"Content-Type": content_type, "Accept": "application/json"}
    # Once more than needed: the reference was made for this origin, and only there may it go.
    if ref.key and origin_of(url) == origin_of(ref.base_url):
        headers["Authorization"] = f"Bearer {ref.key}"
    return headers


def _read(answer: Answer, latency_ms: int) -> Reply:
    headers = {
        name.lower(): value
        for name, value in answer.headers.items()
        if name.lower().startswith(("x-ratelimit-", "retry-after", "x-ms-retry-after"))
    }
    try:
        data = orjson.loads(answer.body)
        broken = ""
    except orjson.JSONDecodeError:
        # Also what nests deeper than the parser goes.
        data, broken = answer.body[:2_000].decode(errors="replace"), "not_json"
    error = broken if answer.status == 200 else error_of(answer.status, data)
    return Reply(
        status=answer.status,
        error=error,
        latency_ms=latency_ms,
        data=data,
        fault=parameter_at_fault(answer.status, data),
        retry_after=retry_after(headers),
        headers=headers,
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait for; dates are not understood."""
    for name, unit in (("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001)):
        found = _number(headers.get(name))
        if found is not None:
            return found * unit
    return _number(headers.get("retry-after"))


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    if value is None or not math.isfinite(value) or value < 0:
        return None
    return min(value, 86_400.0)


def _since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
