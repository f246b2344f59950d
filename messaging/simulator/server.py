"""The ASGI application: routing, guards, error bodies, misbehaviour."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

import orjson

from messaging.simulator.errors import ApiError, HangupError, bad_request, no_such_instance
from messaging.simulator.faults import FaultKind
from messaging.simulator.rest import (
    acts,
    chats,
    groups,
    instances,
    interactive,
    media,
    messages,
    sim,
    sim_sessions,
)
from messaging.simulator.rest.call import Answer, Call, Client, Guard, Route, routes
from messaging.simulator.sessions import How
from messaging.simulator.state import Simulator

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

FAMILIES = (instances, messages, media, interactive, acts, chats, groups, sim, sim_sessions)
BODY_LIMIT = 136 * 1024 * 1024
HANG_SECONDS = 3600.0
LICENSE_ERROR = {
    "error": "service not activated",
    "code": "LICENSE_REQUIRED",
    "register_url": "https://evo.demo.example/manager/login",
    "instance_id": "7f1c2b0a-1111-4222-8333-944445555666",
    "docs_url": "https://docs.evolutionfoundation.com.br/licensing",
    "message": "service not activated",
}


class App:
    """One Evolution server."""

    def __init__(self, simulator: Simulator) -> None:
        self.sim = simulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.sim.traffic.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.sim.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = await _read(receive)
        client = Client(receive)
        try:
            status, body = await self._answer(scope, raw, client)
        except HangupError:
            await _cut(send)
            return
        finally:
            client.leave()
        payload = orjson.dumps(body)
        headers = [
            (b"content-type", b"application/json; charset=utf-8"),
            (b"content-length", str(len(payload)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": payload})

    async def _answer(self, scope: Scope, raw: bytes, client: Client) -> tuple[int, Any]:
        try:
            answer = await self._route(scope, raw, client)
        except ApiError as error:
            return error.status, error.body
        return answer.status, answer.body

    async def _route(self, scope: Scope, raw: bytes, client: Client) -> Answer:
        method, path = scope["method"], unquote(scope["path"])
        ours = path.startswith("/_sim/")
        if self.sim.is_down and not ours:
            raise HangupError
        found = routes.find(method, path, self.sim.version)
        if found is None:
            raise ApiError(404, [f"Cannot {method} {path}"])
        route, name = found
        call = self._call(scope, raw, client)
        if not ours and path != "/":
            if not self.sim.is_licensed:
                return Answer(LICENSE_ERROR, 503)
            self._admit(route, name, call)
            if path.startswith("/message/"):
                client.enter(self.sim.journal, name)
            trouble = await self._misbehave(name or "", client)
            if trouble is not None:
                return trouble
        if route.baileys_only and call.target is not None and call.target.is_cloud:
            raise bad_request("Method not available on WhatsApp Business API")
        return await route.handler(call)

    def _call(self, scope: Scope, raw: bytes, client: Client) -> Call:
        key = next((text for name, text in scope["headers"] if name == b"apikey"), b"")
        query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))
        return Call(self.sim, query, _parse(raw), key.decode("latin-1"), client)

    def _admit(self, route: Route, name: str, call: Call) -> None:
        """Evolution's order: the instance exists, the name is free, then the key."""
        if route.guard is Guard.OPEN:
            return
        store = self.sim.store
        if route.guard is Guard.INSTANCE:
            if name not in store.instances:
                raise no_such_instance(name)
            call.target = store.instances[name]
            cut = call.target.cut
            if cut is not None and cut.how is How.DOWN:
                raise HangupError
        if route.guard is Guard.GLOBAL and isinstance(call.body, dict):
            wanted = call.body.get("instanceName")
            if wanted in store.instances:
                raise ApiError(403, [f'This name "{wanted}" is already in use.'])
        if not self._has_key(route, call):
            raise ApiError(401, "Unauthorized")

    def _has_key(self, route: Route, call: Call) -> bool:
        if call.key and call.key == self.sim.options.global_key:
            return True
        if route.guard is Guard.INSTANCE:
            return bool(call.key) and call.key == call.instance.token
        tokens = {instance.token for instance in self.sim.store.instances.values()}
        return route.guard is Guard.ANY_KEY and call.key in tokens

    async def _misbehave(self, name: str, client: Client) -> Answer | None:
        faults = self.sim.faults
        if not faults:
            return None
        slow = faults.strike(FaultKind.DELAY, name)
        if slow:
            await client.wait(slow.seconds)
        hang = faults.strike(FaultKind.HANG, name)
        if hang:
            await client.wait(hang.seconds if hang.seconds > 1 else HANG_SECONDS)
            raise HangupError
        broken = faults.strike(FaultKind.ERROR, name)
        if broken:
            raise ApiError(broken.status, "Internal server error")
        if faults.strike(FaultKind.LICENSE, name):
            return Answer(LICENSE_ERROR, 503)
        return None


async def _cut(send: Send) -> None:
    """Reset the connection. ASGI has no word for it, so uvicorn's transport is taken."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError
    transport.abort()
    # Lets uvicorn notice the loss; it would report a missing answer otherwise.
    await asyncio.sleep(0)


async def _read(receive: Receive) -> bytes:
    parts = bytearray()
    while True:
        message = await receive()
        parts += message.get("body", b"")
        if not message.get("more_body") or len(parts) > BODY_LIMIT:
            return bytes(parts)


def _parse(raw: bytes) -> Any:
    if not raw:
        return {}
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"Unexpected token in JSON: {error}") from None


def create_app(simulator: Simulator | None = None) -> App:
    return App(simulator or Simulator())
