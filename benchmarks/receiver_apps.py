"""What the receiver is measured against, each served as a process of its own.

`storing_nothing`  the same endpoint, token check, parsing and redaction, with a store that forgets
`accepting`        a bare ASGI application that reads the body and answers: the server's own price
"""

import asyncio

from messaging.ingest.receiver import app
from messaging.ingest.receiver.store import GroupStore, Outcome


class _Forgetful(GroupStore):
    def put(self, record):  # noqa: ARG002
        future = asyncio.get_running_loop().create_future()
        future.set_result(Outcome.DATABASE)
        return future


async def storing_nothing(scope, receive, send):
    app.GroupStore = _Forgetful
    await app.application(scope, receive, send)


async def accepting(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})
