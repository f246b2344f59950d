"""Takes Evolution's webhooks.

Its own process by `uvicorn --no-access-log messaging.ingest.receiver:application`, or a part of
`evosense/asgi.py`, which calls `startup` and `shutdown`.
"""

from messaging.ingest.receiver.app import (
    application,
    hide_tokens_in_access_log,
    shutdown,
    startup,
)

__all__ = ["application", "hide_tokens_in_access_log", "shutdown", "startup"]
