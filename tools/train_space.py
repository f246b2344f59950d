"""Make analytics/embedded/weights/space.npz from training/retrieval_dev.txt and the messages.

.venv/bin/python tools/train_space.py [--check]     (--check: topics held out of the learning)

Directions in which messages of one topic differ say little of the topic: they are shortened.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from analytics.embedded import encoder  # noqa: E402
from analytics.embedded.hashing import hashed  # noqa: E402
from analytics.embedded.text import spelled  # noqa: E402

EMBEDDED = ROOT / "analytics" / "embedded"
# How far the directions found are believed: 32 topics are few for 512 numbers.
DOUBT = 3.0
FOLDS = 4

Array = NDArray[Any]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    topics, kinds, texts = read()
    vectors = encoder.encode([spelled(text) for text in texts])
    if options.check:
        check(np.array(topics), np.array(kinds), texts, vectors)
        return
    paths = sorted((EMBEDDED / "training").glob("*.txt"))
    lines = [line for path in paths for line in path.read_text("utf-8").splitlines()]
    messages = [line.split("|", 4)[4] for line in lines if line.count("|") >= 4]
    mean = encoder.encode([spelled(message) for message in messages]).mean(0)
    np.savez_compressed(
        EMBEDDED / "weights" / "space.npz",
        mean=mean.astype(np.float16),
        turn=turn(vectors, topics).astype(np.float16),
    )


def read() -> tuple[list[str], list[str], list[str]]:
    """Return the topic, kind (D message, L or P query) and text of every line."""
    topic, rows = "", []
    for line in (EMBEDDED / "training" / "retrieval_dev.txt").read_text("utf-8").splitlines():
        if line.startswith("#"):
            topic = line
        else:
            rows.append((topic, *line.split("|", 1)))
    topics, kinds, texts = zip(*rows, strict=True)
    return list(topics), list(kinds), list(texts)


def turn(vectors: Array, topics: list[str]) -> Array:
    """Return the matrix that shortens the directions in which topics differ inside."""
    groups: dict[str, list[Array]] = {}
    for vector, topic in zip(vectors, topics, strict=True):
        groups.setdefault(topic, []).append(vector)
    apart = np.vstack([np.array(group) - np.mean(group, axis=0) for group in groups.values()])
    spread = apart.T @ apart / len(apart)
    width = len(spread)
    lengths, axes = np.linalg.eigh(spread + DOUBT * np.trace(spread) / width * np.eye(width))
    shortened: Array = axes / np.sqrt(lengths) @ axes.T
    scaled: Array = shortened / np.abs(shortened).max()
    return scaled


def check(topics: Array, kinds: Array, texts: list[str], vectors: Array) -> None:
    names = sorted(set(topics))
    words = hashed(texts, 256)
    for share in (0.0, 0.1, 0.2, 0.25, 0.3, 0.4):
        hits: dict[str, list[float]] = {"L": [], "P": []}
        for fold in range(FOLDS):
            held = np.isin(topics, names[fold::FOLDS])
            moved = (vectors - vectors.mean(0)) @ turn(vectors[~held], list(topics[~held]))
            moved /= np.linalg.norm(moved, axis=1, keepdims=True)
            both = np.hstack([moved * np.sqrt(1 - share), words * np.sqrt(share)])
            documents = np.where(kinds == "D")[0]
            for query in np.where(held & (kinds != "D"))[0]:
                near = documents[np.argsort(-(both[documents] @ both[query]))[:5]]
                hits[kinds[query]].append(float(np.mean(topics[near] == topics[query])))
        lexical, paraphrases = np.mean(hits["L"]), np.mean(hits["P"])
        print(f"words {share:.2f}: recall@5 {lexical:.3f} lexical, {paraphrases:.3f} paraphrased")  # noqa: T201


if __name__ == "__main__":
    main()
