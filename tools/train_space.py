"""Make analytics/embedded/weights/space.npz from analytics/embedded/training/retrieval_*.txt.

.venv/bin/python tools/train_space.py [--check]     (--check: recall on files held out of it)

Linear throughout: discriminant directions of the encoder's view, then ridge regression from them
and from words to the needs that messages speak of, turned so that few numbers hold the most.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from analytics.embedded import encoder, space  # noqa: E402
from analytics.embedded.text import spelled  # noqa: E402

EMBEDDED = ROOT / "analytics" / "embedded"
TRAINING = EMBEDDED / "training"
# How far directions and regression are believed: messages are few for so many numbers.
DOUBT, LONE, RIDGE = 0.6, 0.3, 0.5
# A word's share beside the encoder's view; a word in one message says nothing of others.
SPOKEN, FEWEST = 1.0, 2
# Messages a topic when searched, as in the frozen set.
FIVE = 5
# Files whose needs and manner the rest does not know by heart.
HELD_OUT = ("retrieval_dev", "retrieval_near")
ABROAD = "retrieval_es_en"

Array = NDArray[Any]


@dataclass(frozen=True)
class Lines:
    """`kinds`: D a message, L and P queries with and without its words, E in es or en."""

    files: Array
    topics: Array
    kinds: Array
    texts: list[str]

    def where(self, rows: Array) -> Lines:
        texts = [text for text, chosen in zip(self.texts, rows, strict=True) if chosen]
        return Lines(self.files[rows], self.topics[rows], self.kinds[rows], texts)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    lines = read()
    vectors = encoder.encode([spelled(text) for text in lines.texts])
    mean = encoder.encode([spelled(text) for text in messages()]).mean(0)
    if options.check:
        check(lines, vectors, mean)
    else:
        save(learn(lines, vectors, mean))


def training_files() -> list[Path]:
    return sorted(TRAINING.glob("retrieval_*.txt"))


def digest() -> str:
    """Return the hash of the material and of the words' meanings, kept with the weights."""
    senses = EMBEDDED / "data" / "senses.txt"
    read = b"".join(path.read_bytes() for path in [*training_files(), senses])
    return hashlib.sha256(read).hexdigest()


def messages() -> list[str]:
    """Return the messages that the analyser learns from: what chats are like in general."""
    paths = [path for path in sorted(TRAINING.glob("*.txt")) if "retrieval" not in path.name]
    lines = [line for path in paths for line in path.read_text("utf-8").splitlines()]
    return [line.split("|", 4)[4] for line in lines]


def read() -> Lines:
    """Return every line; a topic of the same name in several files is one topic."""
    rows = []
    for path in training_files():
        topic = ""
        for line in path.read_text("utf-8").splitlines():
            if line.startswith("#"):
                topic = line
            else:
                rows.append((path.stem, topic, *line.split("|", 1)))
    files, topics, kinds, texts = zip(*rows, strict=True)
    return Lines(np.array(files), np.array(topics), np.array(kinds), list(texts))


def learn(lines: Lines, vectors: Array, mean: Array) -> space.Weights:
    """Return the weights of the space."""
    turned = turn(vectors - mean, lines.topics)
    meaning = space.unit((vectors - mean) @ turned)
    said = [space.words_of(text) for text in lines.texts]
    counts = Counter(name for words in said for name in words)
    names = sorted(name for name, count in counts.items() if count >= FEWEST)
    rarity = np.log(len(said) / np.array([counts[name] for name in names])).astype(np.float32)
    rows = {name: row for row, name in enumerate(names)}
    spoken = np.zeros((len(said), len(names)), dtype=np.float32)
    for row, words in zip(spoken, said, strict=True):
        found, shares = space.known(words, rows, rarity)
        row[found] = shares
    from_meaning, from_words = regress(meaning, spoken, lines.topics)
    needs = meaning @ from_meaning + spoken @ from_words
    _u, _s, axes = np.linalg.svd(needs - needs.mean(0), full_matrices=False)
    fewer = axes[: space.NEEDS_WIDTH].T
    return space.Weights(
        mean=mean.astype(np.float32),
        turn=turned.astype(np.float32),
        from_meaning=(from_meaning @ fewer).astype(np.float32),
        from_words=(from_words @ fewer).astype(np.float32),
        rows=rows,
        rarity=rarity,
        trained_on=digest(),
    )


def turn(vectors: Array, topics: Array) -> Array:
    """Return the matrix that shortens what differs inside topics and what does not between."""
    means = {topic: vectors[topics == topic].mean(0) for topic in np.unique(topics)}
    apart = vectors - np.array([means[topic] for topic in topics])
    inside = apart.T @ apart / len(apart)
    width = len(inside)
    lengths, axes = np.linalg.eigh(inside + DOUBT * np.trace(inside) / width * np.eye(width))
    whitened = axes / np.sqrt(lengths) @ axes.T
    between = np.array(list(means.values())) @ whitened
    between -= between.mean(0)
    spread, tilt = np.linalg.eigh(between.T @ between / len(between))
    gains = np.sqrt(
        np.maximum(spread, 0) / (np.maximum(spread, 0) + LONE + len(means) / len(apart))
    )
    order = np.argsort(-gains)[: space.MEANING_WIDTH]
    turned: Array = whitened @ (tilt * gains)[:, order]
    scaled: Array = turned / np.abs(turned).max()
    return scaled


def regress(meaning: Array, spoken: Array, topics: Array) -> tuple[Array, Array]:
    """Return what leads from the encoder's view and from words to topics."""
    names = np.unique(topics)
    wanted = (topics[:, None] == names).astype(np.float32)
    wanted /= np.sqrt(wanted.sum(0))
    kernel = meaning @ meaning.T + SPOKEN * spoken @ spoken.T
    shares = np.linalg.solve(kernel + RIDGE * np.eye(len(kernel)), wanted - wanted.mean(0))
    return meaning.T @ shares, SPOKEN * spoken.T @ shares


def check(lines: Lines, vectors: Array, mean: Array) -> None:
    held = np.isin(lines.files, [*HELD_OUT, ABROAD])
    weights = learn(lines.where(~held), vectors[~held], mean)
    for name in HELD_OUT:
        # Queries in other languages are about the topics of one of these files.
        topics = lines.topics[lines.files == name]
        asked = lines.where(held & np.isin(lines.topics, topics))
        for kind, value in recall(asked, space.place(asked.texts, weights)).items():
            print(f"{name}: recall@5 of {kind} {value:.3f}")  # noqa: T201


def recall(lines: Lines, vectors: Array) -> dict[str, float]:
    """Return recall@5 of each kind of query, over five messages a topic."""
    documents = np.array([i for i in np.where(lines.kinds == "D")[0] if _is_early(lines, i)])
    hits: dict[str, list[float]] = defaultdict(list)
    for query in np.where(lines.kinds != "D")[0]:
        near = documents[np.argsort(-(vectors[documents] @ vectors[query]), kind="stable")[:FIVE]]
        found = lines.topics[near] == lines.topics[query]
        hits[str(lines.kinds[query])].append(float(np.mean(found)))
    return {kind: float(np.mean(found)) for kind, found in sorted(hits.items())}


def _is_early(lines: Lines, row: int) -> bool:
    same = (lines.topics[:row] == lines.topics[row]) & (lines.kinds[:row] == "D")
    return int(same.sum()) < FIVE


def save(weights: space.Weights) -> None:
    scale = np.abs(weights.from_words).max() / 127
    np.savez_compressed(
        EMBEDDED / "weights" / "space.npz",
        mean=weights.mean.astype(np.float16),
        turn=weights.turn.astype(np.float16),
        from_meaning=weights.from_meaning.astype(np.float16),
        from_words=np.round(weights.from_words / scale).astype(np.int8),
        scale=np.float32(scale),
        names=np.frombuffer("\n".join(weights.rows).encode(), np.uint8),
        rarity=weights.rarity.astype(np.float16),
        hash=np.frombuffer(weights.trained_on.encode(), np.uint8),
    )


if __name__ == "__main__":
    main()
