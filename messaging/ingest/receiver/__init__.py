"""Takes Evolution's webhooks.

Its own process by `uvicorn --no-access-log messaging.ingest.receiver:application`, or a part of
`evosense/asgi.py`, which calls `startup` and `shutdown`.
"""

from messaging.ingest.receiver.app import application, shutdown, startup

__all__ = ["application", "shutdown", "startup"]
