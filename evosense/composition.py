"""Chooses one of the three applications by path; starts and stops the receiver."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from evosense import streams_app
from messaging.ingest import receiver

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def compose(django: Any) -> Application:
    """Return one ASGI application: /hooks/evo/ receiver, /eventos streams, the rest Django."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["path"].startswith("/hooks/evo/"):
            await receiver.application(scope, receive, send)
        elif scope["path"] == "/eventos":
            await streams_app.application(scope, receive, send)
        else:
            await django(scope, receive, send)

    return application


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await receiver.startup()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await receiver.shutdown()
            await send({"type": "lifespan.shutdown.complete"})
            return
