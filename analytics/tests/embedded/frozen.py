"""Reading the frozen sets: written by people who did not build the analyser, never trained on."""

from itertools import pairwise
from pathlib import Path

import numpy as np

SETS = Path(__file__).parent / "sets"


def lines(name: str) -> list[str]:
    return [line for line in (SETS / name).read_text("utf-8").splitlines() if line.strip()]


def judged_rows(name: str) -> list[list[str]]:
    return [line.lstrip("*").split("|", 4) for line in lines(name)]


def signs(values) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    return np.where(values > 0.1, 1, np.where(values < -0.1, -1, 0))


def f1(truth: np.ndarray, said: np.ndarray) -> float:
    scores = [
        2 * ((said == k) & (truth == k)).sum() / max(1, ((said == k).sum() + (truth == k).sum()))
        for k in (-1, 0, 1)
    ]
    return float(np.mean(scores))


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    edges = [0, 0.3, 0.45, 0.6, 0.75, 0.9, 1.01]
    total = 0.0
    for low, high in pairwise(edges):
        inside = (confidence >= low) & (confidence < high)
        if inside.any():
            total += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    return float(total)


def recall_at_5(embed, queries: list[tuple[str, str]]) -> float:
    documents, topic = [], ""
    for line in lines("retrieval.txt"):
        topic = line[1:].strip() if line[0] == "#" else topic
        if line[0] == "D":
            documents.append((topic, line[2:]))
    held = embed([text for _topic, text in documents])
    found = []
    for (wanted, _text), vector in zip(queries, embed([q[1] for q in queries]), strict=True):
        near = np.argsort(-(held @ vector), kind="stable")[:5]
        found.append(sum(documents[i][0] == wanted for i in near) / 5)
    return float(np.mean(found))


def queries(kind: str) -> list[tuple[str, str]]:
    found, topic = [], ""
    for line in lines("retrieval.txt"):
        topic = line[1:].strip() if line[0] == "#" else topic
        if line[0] == kind:
            found.append((topic, line[2:]))
    return found
