"""Chooses one of the applications by path."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from evosense import probes, streams_app
from messaging.ingest import receiver
from messaging.ingest.receiver.intake import is_hook

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def compose(django: Any) -> Application:
    """Return one ASGI application: receiver, event streams, probes, and Django for the rest."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        # Only the receiver has something to start and to finish.
        if scope["type"] == "lifespan" or is_hook(scope["path"]):
            await receiver.application(scope, receive, send)
        elif scope["path"] == "/eventos":
            await streams_app.application(scope, receive, send)
        elif scope["path"] in probes.PATHS:
            await probes.application(scope, receive, send)
        else:
            await django(scope, receive, send)

    return application
