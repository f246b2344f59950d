"""A stub in place of the embedded analyser: these tests are about the way, not the judgement."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import orjson
import pytest

from analytics.analysis import embedded_arm, paid
from analytics.models import AiSettings
from analytics.providers.chat import Attempt, ChatOutcome
from analytics.providers.models import ModelPrice, Provider
from analytics.providers.refs import ProviderRef
from analytics.values import Cue, Judgement, Turn
from evosense.core.schema import TenantRef, public_scope


class StubAnalyser:
    """Says +0.8 for texts with "bom", -0.8 for "ruim" and nothing much for others."""

    version = "stub-1"

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.contexts: list[list[Turn]] = []

    def judge(
        self, texts: Sequence[str], contexts: Sequence[Sequence[Turn]] | None = None
    ) -> list[Judgement]:
        self.asked.append(list(texts))
        self.contexts += [list(each) for each in contexts or []]
        return [self._one(text) for text in texts]

    @staticmethod
    def _one(text: str) -> Judgement:
        for word, value, emotion in (("bom", 0.8, "alegria"), ("ruim", -0.8, "frustracao")):
            if word in text:
                satisfaction = round(50 + 45 * value)
                cues = (Cue(word, value),)
                return Judgement(value, emotion, satisfaction, "neutro", text, 0.8, cues)
        return Judgement(0.0, "neutro", 50, "neutro", text, 0.2)


@pytest.fixture(autouse=True)
def stub(monkeypatch: pytest.MonkeyPatch) -> StubAnalyser:
    analyser = StubAnalyser()
    monkeypatch.setattr(embedded_arm, "the_analyser", lambda: analyser)
    return analyser


class ScriptedModel:
    """Stands in for `providers.chat.ask`: `answer(messages)` returns items, or an outcome."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.systems: list[str] = []
        self.answer: Callable[[list[dict[str, Any]]], Any] = lambda messages: [
            item(one["id"]) for one in messages
        ]

    def ask(self, ref: ProviderRef, *, system: str, user: str, **_options: Any) -> ChatOutcome:
        content = orjson.loads(user)
        self.requests.append(content)
        self.systems.append(system)
        answer = self.answer(content.get("messages", []))
        attempt = Attempt(200, "", 12, input_tokens=100, output_tokens=50, model_returned="m-1")
        if isinstance(answer, ChatOutcome):
            return replace(answer, attempts=(attempt,))
        data = answer if isinstance(answer, dict) else {"items": answer}
        return ChatOutcome("ok", data=data, model_returned="m-1", attempts=(attempt,))

    def texts(self) -> list[list[str]]:
        return [[one["text"] for one in content["messages"]] for content in self.requests]


def item(number: int, sentiment: float = 0.3, **over: Any) -> dict[str, Any]:
    """Return a valid item of an answer."""
    return {
        "id": number,
        "sentiment": sentiment,
        "emotion": "alegria",
        "satisfaction": 70,
        "tone": "cordial",
        "summary": "",
        "confidence": 0.9,
        **over,
    }


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> ScriptedModel:
    scripted = ScriptedModel()
    monkeypatch.setattr(paid, "ask", scripted.ask)
    return scripted


@pytest.fixture
def provider(tenant: TenantRef) -> Provider:
    """Return a provider of the company that judges its messages."""
    with public_scope():
        row = Provider.objects.create(
            tenant_id=tenant.id, name="Modelo", base_url="https://model.test/v1", chat_model="m-1"
        )
        ModelPrice.objects.create(
            tenant_id=tenant.id,
            provider=row,
            model="m-1",
            valid_from=date(2020, 1, 1),
            input_micros=1_000_000,
            output_micros=4_000_000,
        )
    AiSettings.objects.create(engine="provider", provider_id=row.pk)
    return row
