"""A simulator in this process, and everything it posts."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import orjson

from messaging.simulator.server import App
from messaging.simulator.state import Options, Simulator

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

KEY = "the-global-key"
HOOK = "https://ingest.example/hooks/evo/9f2c1b7e"
FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "evolution"
REST = FIXTURES / "rest"


class Rig:
    def __init__(self, **options: Any) -> None:
        self.hooks: list[dict[str, Any]] = []
        self.requests: list[httpx2.Request] = []
        self.hook_status: Callable[[int], int] = lambda _: 200
        chosen = Options(**{"global_key": KEY, "time_factor": 0.0, **options})
        self.sim = Simulator(chosen, transport=httpx2.MockTransport(self._receive))
        self.http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(App(self.sim)), base_url="http://evolution.test"
        )

    def _receive(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        status = self.hook_status(len(self.requests))
        if status == 200:
            self.hooks.append(orjson.loads(request.content))
        return httpx2.Response(status, json={})

    def events(self, name: str) -> list[dict[str, Any]]:
        return [hook for hook in self.hooks if hook["event"] == name]

    async def call(
        self, method: str, path: str, body: Any = None, *, key: str = KEY
    ) -> tuple[int, Any]:
        headers = {"apikey": key} if key else {}
        answer = await self.http.request(method, path, json=body, headers=headers)
        return answer.status_code, answer.json()

    async def post(self, path: str, body: Any = None) -> tuple[int, Any]:
        return await self.call("POST", path, body)

    async def open_instance(self, name: str = "evs-1", **webhook: Any) -> None:
        """An instance that is paired and posts every event."""
        hook = {"url": HOOK, "events": [], **webhook}
        status, _ = await self.post(
            "/instance/create",
            {"instanceName": name, "integration": "WHATSAPP-BAILEYS", "webhook": hook},
        )
        assert status == 201
        await self.call("GET", f"/instance/connect/{name}")
        await self.post("/_sim/pair", {"instance": name})
        await self.sim.settle()


def play(scene: Callable[[Rig], Awaitable[None]], **options: Any) -> Rig:
    """Run one scene against a fresh simulator."""

    async def whole() -> Rig:
        rig = Rig(**options)
        try:
            await scene(rig)
            await rig.sim.settle()
        finally:
            await rig.http.aclose()
            await rig.sim.close()
        return rig

    return asyncio.run(whole())


def fixture(name: str) -> tuple[int, Any]:
    """(status, body) of a recorded answer; the status is in its name."""
    return int(name.split(".")[1][:3]), json.loads((REST / f"{name}.json").read_text())


def shape(value: Any) -> Any:
    """Keys and types without the values, to compare answers."""
    if isinstance(value, dict):
        return {key: shape(part) for key, part in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, int) and not isinstance(value, bool) else type(value)
