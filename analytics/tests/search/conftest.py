"""A tiny engine whose places say which topics a text is about, and a stage of messages."""

import hashlib

import numpy as np
import pytest

from analytics.search import engines

TOPICS = {
    0: ("entrega", "atrasou", "atrasada", "chegou", "prazo", "demora"),
    1: ("boleto", "pagamento", "pix", "fatura", "cobrança"),
    2: ("obrigado", "obrigada", "adorei", "parabéns"),
    3: ("troca", "defeito", "quebrado", "devolução"),
}
CODE = "embed-test-1"


def fake_place(texts):
    """Return one topic per known word and a faint trace of the whole text; unit length."""
    rows = np.zeros((len(texts), 768), dtype=np.float32)
    for index, text in enumerate(texts):
        row = rows[index]
        for topic, words in TOPICS.items():
            row[topic] = sum(word in text.lower() for word in words)
        trace = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % 700
        row[68 + trace] += 0.3
    return rows / np.linalg.norm(rows, axis=1, keepdims=True) if len(texts) else rows


@pytest.fixture
def engine(monkeypatch):
    """Make every space use the tiny engine, and note what it was asked."""
    asked = []

    def place(space, texts, **_within):
        asked.append((space.code, list(texts)))
        return fake_place(texts)

    monkeypatch.setattr(engines, "place", place)
    monkeypatch.setattr(engines, "default_code", lambda: CODE)
    return asked
