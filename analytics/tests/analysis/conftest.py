"""A stub in place of the embedded analyser: these tests are about the way, not the judgement."""

from collections.abc import Iterator, Sequence

import pytest

from analytics.analysis import embedded_arm
from analytics.values import Cue, Judgement, Turn


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
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[StubAnalyser]:
    analyser = StubAnalyser()
    monkeypatch.setattr(embedded_arm, "the_analyser", lambda: analyser)
    yield analyser
