"""Webhooks with Evolution's own patience: ten tries, growing waits, memory only."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import httpx2
import orjson

from messaging.simulator.content import media_file
from messaging.simulator.dice import Dice, dice
from messaging.simulator.faults import FaultKind
from messaging.simulator.posting import Poster
from messaging.simulator.versions import behaviour

if TYPE_CHECKING:
    from messaging.simulator.faults import Faults
    from messaging.simulator.journal import Journal
    from messaging.simulator.store import Instance, Webhook

ATTEMPTS = 10
FIRST_WAIT = 5.0
LONGEST_WAIT = 300.0
FIXED_WAIT = 30.0
JITTER = 0.2
REQUEST_TIMEOUT = 30.0
REDIRECTS = frozenset({301, 302, 303, 307, 308})
NEVER_RETRIED = frozenset({400, 401, 403, 404, 422})


def wait_before(attempt: int, die: Dice, *, grows: bool = True) -> float:
    """Seconds before the given attempt (the second is the first that waits)."""
    if not grows:
        return FIXED_WAIT
    wait = min(FIRST_WAIT * 2.0 ** (attempt - 2), LONGEST_WAIT)
    return float(wait) * (1 + die.uniform(-JITTER, JITTER))


@lru_cache(maxsize=256)
def event_name(event: str) -> str:
    return event.upper().replace(".", "_").replace("-", "_")


def bearer(key: str, now: float) -> str:
    """The HS256 token that replaces a `jwt_key` header; minted once, before the retries."""

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    head = part(b'{"alg":"HS256","typ":"JWT"}')
    claims = {"iat": int(now), "exp": int(now) + 600, "app": "evolution", "action": "webhook"}
    signed = f"{head}.{part(orjson.dumps(claims))}"
    mark = hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest()
    return f"Bearer {signed}.{part(mark)}"


class Deliverer:
    """Posts events; each one retries alone, so they may overtake each other."""

    def __init__(
        self,
        journal: Journal,
        faults: Faults,
        *,
        time_factor: float = 1.0,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.journal = journal
        self.faults = faults
        self.time_factor = time_factor
        self._die = dice("delivery")
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: dict[str, tuple[Instance, dict[str, Any]]] = {}
        self._is_plain = transport is None
        self._poster = Poster()
        limits = httpx2.Limits(max_connections=64, max_keepalive_connections=16)
        self._client = httpx2.AsyncClient(
            transport=transport, limits=limits, follow_redirects=True, trust_env=False
        )

    @property
    def under_way(self) -> frozenset[asyncio.Task[None]]:
        return frozenset(self._tasks)

    def is_wanted(self, instance: Instance, event: str) -> bool:
        hook = instance.webhook
        return hook is not None and hook.enabled and event_name(event) in hook.events

    def emit(self, instance: Instance, body: dict[str, Any]) -> None:
        """Queue one envelope, unless the instance does not ask for this event or is cut off."""
        hook = instance.webhook
        if hook is None or not self.is_wanted(instance, body["event"]):
            return
        if self._is_ignored(instance, body):
            return
        if instance.cut is not None and not instance.cut.lets_pass(body["event"]):
            self.journal.count("cut")
            return
        body = body | {"destination": hook.url}
        self.journal.count("emitted")
        if self.faults.strike(FaultKind.DROP, instance.name, "webhook"):
            self.journal.count("dropped")
            return
        if self.faults.strike(FaultKind.REORDER, instance.name, "webhook"):
            self._held.setdefault(instance.name, (instance, body))
            if self._held[instance.name][1] is body:
                # Nothing may follow: the held one must not stay behind for ever.
                asyncio.get_running_loop().call_later(3.0, self._release, instance.name)
                return
        self._start(instance, hook, body)
        if self.faults.strike(FaultKind.DUPLICATE, instance.name, "webhook"):
            self._start(instance, hook, body)
        self._release(instance.name)

    def _release(self, name: str) -> None:
        held = self._held.pop(name, None)
        if held is not None and held[0].webhook is not None:
            self._start(held[0], held[0].webhook, held[1])

    def _is_ignored(self, instance: Instance, body: dict[str, Any]) -> bool:
        data = body["data"]
        key = data.get("key") if isinstance(data, dict) else None
        chat = key.get("remoteJid", "") if isinstance(key, dict) else ""
        return bool(instance.settings["groupsIgnore"]) and str(chat).endswith("@g.us")

    def _start(self, instance: Instance, hook: Webhook, body: dict[str, Any]) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(instance, hook, body))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, instance: Instance, hook: Webhook, body: dict[str, Any]) -> None:
        late = self.faults.strike(FaultKind.DELAY, instance.name, "webhook")
        if late:
            await asyncio.sleep(late.seconds)
        version = behaviour(instance.version)
        url = hook.url
        if hook.by_events:
            url = f"{url}/{body['event'].replace('.', '-')}"
        headers = _headers(hook)
        if version.names_itself_in_headers:
            headers |= _introduction(instance, body["event"])
        raw = orjson.dumps(with_base64(body) if hook.base64 else body)
        limit = REQUEST_TIMEOUT if version.has_request_timeout else None
        for attempt in range(1, ATTEMPTS + 1):
            if attempt > 1:
                self.journal.count("retried")
                wait = wait_before(attempt, self._die, grows=version.retries_grow)
                await asyncio.sleep(wait * self.time_factor)
            verdict = await self._post(url, raw, headers, limit)
            if verdict != "retry":
                self.journal.count(verdict)
                return
        self.journal.count("given_up")

    async def _post(
        self, url: str, raw: bytes, headers: dict[str, str], limit: float | None
    ) -> str:
        try:
            status = await self._status(url, raw, headers, limit)
        except (httpx2.HTTPError, OSError):
            return "retry"
        if 200 <= status < 300:
            return "delivered"
        return "refused" if status in NEVER_RETRIED else "retry"

    async def _status(
        self, url: str, raw: bytes, headers: dict[str, str], limit: float | None
    ) -> int:
        if self._is_plain and url.startswith("http://"):
            status = await self._poster.post(url, raw, headers, limit)
            if status not in REDIRECTS:
                return status
        answer = await self._client.post(url, content=raw, headers=headers, timeout=limit)
        return answer.status_code

    async def close(self) -> None:
        """Like a restart of Evolution: what was not delivered is lost."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._poster.close()
        await self._client.aclose()


def _headers(hook: Webhook) -> dict[str, str]:
    headers = {name: value for name, value in hook.headers.items() if name != "jwt_key"}
    if "jwt_key" in hook.headers:
        headers["Authorization"] = bearer(hook.headers["jwt_key"], time.time())
    return headers | {"Content-Type": "application/json", "User-Agent": "axios/1.7.9"}


def _introduction(instance: Instance, event: str) -> dict[str, str]:
    return {
        "User-Agent": f"EvolutionAPI-Webhook/{instance.version}",
        "X-Instance-ID": instance.id,
        "X-Instance-Name": instance.name,
        "X-Event-Type": event,
        "X-Timestamp": str(int(time.time() * 1000)),
    }


def with_base64(body: dict[str, Any]) -> dict[str, Any]:
    data = body["data"]
    if not isinstance(data, dict) or not isinstance(data.get("message"), dict):
        return body
    found = media_file(data["message"])
    if found is None:
        return body
    message = data["message"] | {"base64": base64.b64encode(found[1]).decode()}
    return body | {"data": data | {"message": message}}
