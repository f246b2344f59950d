"""The least that sending can cost: threads that post with httpx2 and nothing else.

    python -m benchmarks.sending_bare URL KEY connections seconds [sends a second]

Prints one JSON object: sends a second, p50 and p99 of a call in milliseconds. Instances are named
`bare-0` and so on; each thread has one of its own.
"""

import json
import sys
import threading
import time

import httpx2

from benchmarks.sending_figures import quantile


class Caller(threading.Thread):
    def __init__(self, number: int, url: str, key: str, pause: float) -> None:
        super().__init__()
        self.number, self.pause = number, pause
        self.path = f"{url}/message/sendText/bare-{number}"
        self.ready, self.go = threading.Event(), threading.Event()
        self.headers = {"apikey": key}
        self.until = 0.0
        self.spent: list[float] = []

    def run(self) -> None:
        with httpx2.Client(headers=self.headers, trust_env=False, timeout=60) as client:
            # The first call opens the connection.
            client.post(self.path, json=self._body())
            self.ready.set()
            self.go.wait()
            while time.monotonic() < self.until:
                began = time.perf_counter()
                client.post(self.path, json=self._body()).raise_for_status()
                self.spent.append((time.perf_counter() - began) * 1000)
                time.sleep(max(0.0, self.pause - (time.perf_counter() - began)))

    def _body(self) -> dict[str, str]:
        return {"number": f"551190000{self.number:04d}", "text": f"bare {len(self.spent)}"}


def main() -> None:
    url, key, connections, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    rate = float(sys.argv[5]) if len(sys.argv) > 5 else 0.0
    callers = [
        Caller(number, url, key, connections / rate if rate else 0.0)
        for number in range(connections)
    ]
    for caller in callers:
        caller.start()
        caller.ready.wait()
    began = time.monotonic()
    for caller in callers:
        caller.until = began + seconds
        caller.go.set()
    for caller in callers:
        caller.join()
    spent = [one for caller in callers for one in caller.spent]
    per_second = len(spent) / (time.monotonic() - began)
    found = {"per_second": per_second, "p50": quantile(spent, 0.5), "p99": quantile(spent, 0.99)}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
