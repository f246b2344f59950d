"""What benchmarks of the fleet ask of a company, and of the processes that serve it."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evosense.core.schema import TenantRef, tenant_scope


def touch(tenant: TenantRef) -> None:
    """Ask what the pages of a company ask for most."""
    from messaging.models import Connection, Contact, Conversation, Message  # noqa: PLC0415

    with tenant_scope(tenant):
        list(Connection.objects.all()[:5])
        list(Conversation.objects.select_related("contact", "connection").order_by("-id")[:30])
        list(Message.objects.filter(conversation_id=1).order_by("-occurred_at", "-id")[:30])
        list(Contact.objects.prefetch_related("identities").order_by("-id")[:30])


def backends() -> list[float]:
    """Return the own memory of each server process of a client, in MB."""
    from django.db import connection  # noqa: PLC0415, TID251

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
            " AND datname = current_database() AND pid <> pg_backend_pid()"
        )
        return [anonymous_mb(pid) for (pid,) in cursor.fetchall()]


def anonymous_mb(pid: int) -> float:
    """Return what a process holds beside files and shared buffers; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon")), 0.0)


def in_threads(number: int, act: Callable[[int], Any]) -> None:
    threads = [threading.Thread(target=act, args=(place,)) for place in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
