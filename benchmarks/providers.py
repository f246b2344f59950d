"""The remote path: requests and messages a second against the fake provider, beside a bare loop.

Both sides ask the same server, a process of its own, for the same batches of 20 messages; the bare
loop is httpx2 with a connection kept open and does nothing with the answer. What the ratio costs is
the door (address looked at for each connection, time and size bounded), the breaker's query, the
limits and the window in Redis, reading and checking the answer.
"""

import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx2

from benchmarks.stage import own_servers

SECONDS = 4.0
BATCH = 20
THREADS = (1, 4)
ROUNDS = 3
TEXTS = [
    "Bom dia, meu pedido ainda não chegou e já passou do prazo",
    "Amei o produto, muito obrigada pela atenção",
    "Vocês abrem no feriado?",
    "Péssimo, veio quebrado e ninguém responde",
    "ok",
]


def main() -> None:
    """Print one table; the fake runs without latency, so this is only what we add."""
    process = subprocess.Popen(
        [sys.executable, "-m", "analytics.providers.fake", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with own_servers():
            _measure(url)
    finally:
        process.terminate()
        process.wait(10)


def _measure(url: str) -> None:
    from tenancy.db.migrate import migrate_public  # noqa: PLC0415

    migrate_public()
    bare, ours = _bare(url), _ours(url)
    print("## Asking a provider\n")
    print("| threads | | requests/s | messages/s | of the bare loop |")
    print("|---|---|---|---|---|")
    for threads in THREADS:
        rates: dict[str, list[float]] = {"bare": [], "ours": []}
        # By turns, so that both meet the same neighbours on the machine.
        for _ in range(ROUNDS):
            rates["bare"].append(_rate(bare, threads))
            rates["ours"].append(_rate(ours, threads))
        plain, full = (statistics.median(rates[one]) for one in ("bare", "ours"))
        print(f"| {threads} | bare httpx2 | {plain:,.0f} | {plain * BATCH:,.0f} | 1.00 |")
        share = full / plain
        print(f"| {threads} | `ask` | {full:,.0f} | {full * BATCH:,.0f} | {share:.2f} |")


def _rate(make: Callable[[], Callable[[], None]], threads: int) -> float:
    """Return how many requests a second so many threads finish together."""
    counts = [0] * threads
    start = threading.Barrier(threads + 1)
    until = [0.0]

    def work(place: int) -> None:
        from django.db import connections  # noqa: PLC0415

        try:
            ask = make()
            ask()
            start.wait()
            while time.monotonic() < until[0]:
                ask()
                counts[place] += 1
        except BaseException:
            start.abort()
            raise
        finally:
            # Back into the pool, which the next round needs.
            connections.close_all()

    workers = [threading.Thread(target=work, args=(place,)) for place in range(threads)]
    for one in workers:
        one.start()
    until[0] = time.monotonic() + SECONDS + 5
    start.wait()
    began = time.monotonic()
    until[0] = began + SECONDS
    for one in workers:
        one.join()
    return sum(counts) / (time.monotonic() - began)


def _user() -> str:
    rows = [{"id": place, "text": TEXTS[place % len(TEXTS)]} for place in range(BATCH)]
    return json.dumps({"messages": rows}, ensure_ascii=False)


def _schema() -> dict[str, Any]:
    from analytics.providers.fake.replies import schema_in  # noqa: PLC0415

    return dict(schema_in({"messages": [{"content": ""}]}))


def _bare(url: str) -> Callable[[], Callable[[], None]]:
    from analytics.providers.capabilities import Capabilities  # noqa: PLC0415
    from analytics.providers.questions import chat_body, messages_of  # noqa: PLC0415

    body = chat_body("fake-1", messages_of("Julgue.", _user()), _schema(), {}, Capabilities())

    def make() -> Callable[[], None]:
        client = httpx2.Client()

        def ask() -> None:
            client.post(f"{url}/chat/completions", json=body).raise_for_status()

        return ask

    return make


def _ours(url: str) -> Callable[[], Callable[[], None]]:
    from analytics.providers import limits  # noqa: PLC0415
    from analytics.providers.chat import ask  # noqa: PLC0415
    from analytics.providers.models import Provider  # noqa: PLC0415
    from analytics.providers.refs import ref_of  # noqa: PLC0415

    limits.FIRST_SLOTS = max(THREADS)
    provider = Provider.objects.create(name="fake", base_url=url, chat_model="fake-1")
    ref = ref_of(provider)
    schema, user = _schema(), _user()

    def make() -> Callable[[], None]:
        def once() -> None:
            found = ask(ref, system="Julgue.", user=user, schema=schema)
            assert found.status == "ok", found

        return once

    return make


if __name__ == "__main__":
    main()
