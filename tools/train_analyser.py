"""Make analytics/embedded/weights/analyser.npz from analytics/embedded/training/*.txt.

.venv/bin/python tools/train_analyser.py [--check]      (--check: cross-validation only)
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from analytics.embedded import inputs, network  # noqa: E402

TRAINING = ROOT / "analytics" / "embedded" / "training"
WEIGHTS = ROOT / "analytics" / "embedded" / "weights"
MEMBERS, HIDDEN, EPOCHS, BATCH, RATE, DECAY = 4, 64, 14, 64, 2e-3, 0.1


@dataclass
class Labels:
    files: np.ndarray
    grades: np.ndarray
    emotions: np.ndarray
    tones: np.ndarray
    satisfaction: np.ndarray


def read() -> tuple[list[str], Labels, str]:
    digest = hashlib.sha256()
    rows = []
    for path in sorted(TRAINING.glob("*.txt")):
        if path.name.startswith("retrieval"):
            continue
        digest.update(path.read_bytes())
        rows += [[path.stem, *line.split("|", 4)] for line in path.read_text().splitlines()]
    labels = Labels(
        np.array([row[0] for row in rows]),
        np.array([int(row[1]) for row in rows]),
        np.array([network.EMOTIONS.index(row[2]) for row in rows]),
        np.array([network.TONES.index(row[3]) for row in rows]),
        np.array([(int(row[4]) - 50) / 50 for row in rows], dtype=np.float32),
    )
    return [row[5] for row in rows], labels, digest.hexdigest()


def one_hot(values: np.ndarray, width: int) -> np.ndarray:
    return np.eye(width, dtype=np.float32)[values]


def targets(labels: Labels) -> np.ndarray:
    distance = np.abs(network.GRADES[None] - labels.grades[:, None])
    same = np.sign(network.GRADES)[None] == np.sign(labels.grades)[:, None]
    soft = np.where(same, np.exp(-distance), 0.02)
    soft /= soft.sum(1, keepdims=True)
    return np.hstack(
        [
            soft,
            one_hot(labels.emotions, len(network.EMOTIONS)),
            one_hot(labels.tones, len(network.TONES)),
            labels.satisfaction[:, None],
        ]
    ).astype(np.float32)


def gradient(out: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    parts, goals = np.split(out, network.ENDS[:-1], 1), np.split(wanted, network.ENDS[:-1], 1)
    shares = [1.0, 0.7, 0.3]
    found = [w * (network.softmax(p) - g) for w, p, g in zip(shares, parts, goals, strict=False)]
    return np.hstack([*found, parts[3] - goals[3]])


def train(rows: np.ndarray, wanted: np.ndarray, seed: int) -> list[np.ndarray]:
    chance = np.random.default_rng(seed)
    width, outputs = rows.shape[1], wanted.shape[1]
    held = [
        chance.normal(0, width**-0.5, (width, HIDDEN)).astype(np.float32),
        np.zeros(HIDDEN, np.float32),
        chance.normal(0, HIDDEN**-0.5, (HIDDEN, outputs)).astype(np.float32),
        np.zeros(outputs, np.float32),
    ]
    first, second = [np.zeros_like(w) for w in held], [np.zeros_like(w) for w in held]
    step = 0
    for epoch in range(EPOCHS):
        order = chance.permutation(len(rows))
        for at in range(0, len(order), BATCH):
            pick = order[at : at + BATCH]
            step += 1
            slopes = slopes_of(held, rows[pick], wanted[pick], chance)
            for i, slope in enumerate(slopes):
                first[i] += 0.1 * (slope - first[i])
                second[i] += 0.001 * (slope**2 - second[i])
                move = first[i] / (1 - 0.9**step)
                move /= np.sqrt(second[i] / (1 - 0.999**step)) + 1e-8
                shrink = DECAY * held[i] if held[i].ndim > 1 else 0.0
                held[i] -= RATE * (1 - epoch / EPOCHS) * (move + shrink)
    return held


def slopes_of(held, rows, wanted, chance):
    keep = (chance.random(rows.shape) > 0.15) / 0.85
    rows = (rows * keep).astype(np.float32)
    hidden = np.maximum(rows @ held[0] + held[1], 0)
    drop = (chance.random(hidden.shape) > 0.3) / 0.7
    dropped = (hidden * drop).astype(np.float32)
    g = (gradient(dropped @ held[2] + held[3], wanted) / len(rows)).astype(np.float32)
    back = (g @ held[2].T) * drop * (hidden > 0)
    return [rows.T @ back, back.sum(0), dropped.T @ g, g.sum(0)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    texts, labels, digest = read()
    rows, wanted = inputs.rows(texts), targets(labels)
    mean, spread = rows.mean(0), rows.std(0) + 1e-3
    rows = ((rows - mean) / spread).astype(np.float32)
    if options.check:
        return
    members = [train(rows, wanted, seed) for seed in range(MEMBERS)]
    first = np.stack([m[0] / spread[:, None] for m in members])
    bias = np.stack([m[1] - (mean / spread) @ m[0] for m in members])
    np.savez_compressed(
        WEIGHTS / "analyser.npz",
        first=first.astype(np.float16),
        first_bias=bias.astype(np.float16),
        second=np.stack([m[2] for m in members]).astype(np.float16),
        second_bias=np.stack([m[3] for m in members]).astype(np.float16),
        temperature=np.float32(1.0),
        band=np.float32(0.15),
        hash=np.frombuffer(digest.encode(), np.uint8),
    )


if __name__ == "__main__":
    main()
