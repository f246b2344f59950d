"""Make analytics/embedded/weights/analyser.npz from analytics/embedded/training/*.txt.

.venv/bin/python tools/train_analyser.py [--check]      (--check: cross-validation only)

Kernel ridge regression: exact, without chance, minutes on one core. Each of the three files that
one person wrote is judged by a machine that learnt from the others; what those say calibrates.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from analytics.embedded import grams, inputs, machine  # noqa: E402
from analytics.embedded.decision import FLIP_COSTS, sign_of  # noqa: E402

TRAINING = ROOT / "analytics" / "embedded" / "training"
WEIGHTS = ROOT / "analytics" / "embedded" / "weights"
AXES = 128
RIDGE = 1.0
# A line whose author wrote this for its tone says nothing of tones: two words carry none.
NO_TONE = "-"
TONES = slice(machine.ENDS[1], machine.ENDS[2])
# A run in one text says nothing of others; one in most texts says nothing either.
FEWEST, MOST = 2, 0.4

Array = NDArray[Any]


@dataclass(frozen=True)
class Labels:
    """What the authors of the training messages wrote beside each of them; tone -1: nothing."""

    files: Array
    grades: Array
    emotions: Array
    tones: Array
    satisfaction: Array

    @property
    def signs(self) -> Array:
        """0 bad, 1 even, 2 good."""
        return np.sign(self.grades) + 1


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    texts, labels = read()
    material = prepare(texts)
    kernel = machine.likeness(material["views"], material["views"]) + run_kernel(material)
    wanted = targets(labels)
    heard = crossed(kernel, wanted, labels)
    calibration = calibrate(heard, labels)
    report(heard, labels, calibration)
    if not options.check:
        save(material, *solve(kernel, wanted, labels.tones >= 0), calibration)


def training_files() -> list[Path]:
    """Return the files of labelled messages; the retrieval set lies beside them."""
    return [path for path in sorted(TRAINING.glob("*.txt")) if "retrieval" not in path.name]


def digest() -> str:
    """Return the hash of the training material, kept with the weights."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in training_files())).hexdigest()


def read() -> tuple[list[str], Labels]:
    rows = [
        [path.stem, *line.split("|", 4)]
        for path in training_files()
        for line in path.read_text("utf-8").splitlines()
    ]
    labels = Labels(
        np.array([row[0] for row in rows]),
        np.array([int(row[1]) for row in rows]),
        np.array([machine.EMOTIONS.index(row[2]) for row in rows]),
        np.array([-1 if row[3] == NO_TONE else machine.TONES.index(row[3]) for row in rows]),
        np.array([(int(row[4]) - 50) / 50 for row in rows]),
    )
    return [row[5] for row in rows], labels


def targets(labels: Labels) -> Array:
    columns = (
        np.eye(machine.SIGNS)[labels.signs] * 2 - 1,
        np.eye(len(machine.EMOTIONS))[labels.emotions] * 2 - 1,
        np.eye(len(machine.TONES))[labels.tones] * 2 - 1,
        labels.satisfaction[:, None],
        labels.grades[:, None] / 4,
    )
    return np.hstack(columns).astype(np.float32)


def prepare(texts: list[str]) -> dict[str, Any]:
    """Return the three views of the texts as eight-bit numbers, and the runs of each text."""
    read_in = inputs.read(texts)
    centre = read_in.whole.mean(0)
    _u, _s, axes = np.linalg.svd(read_in.whole - centre, full_matrices=False)
    cue_centre, cue_scale = read_in.cues.mean(0), 1 / (read_in.cues.std(0) + 0.05)
    whole, end = (
        machine.unit((one - centre) @ axes[:AXES].T) for one in (read_in.whole, read_in.end)
    )
    cues = machine.unit((read_in.cues - cue_centre) * cue_scale)
    small = [np.round(view * 127).astype(np.int8) for view in (whole, end, cues)]
    runs = [grams.places(text) for text in texts]
    return {
        "centre": centre,
        "axes": axes[:AXES].T,
        "cue_centre": cue_centre,
        "cue_scale": cue_scale,
        "small": small,
        "views": [machine.unit(view.astype(np.float32)) for view in small],
        "runs": runs,
        "rarity": rarity(runs),
    }


def rarity(runs: list[tuple[list[int], list[int]]]) -> Array:
    counts = np.zeros(grams.TABLE)
    for words, letters in runs:
        counts[words + letters] += 1
    telling = (counts >= FEWEST) & (counts <= MOST * len(runs))
    return np.where(telling, np.log(len(runs) / np.maximum(counts, 1)), 0).astype(np.float32)


def weights_of_runs(material: dict[str, Any]) -> list[list[tuple[int, float]]]:
    held = []
    for halves in material["runs"]:
        pairs = []
        for found in halves:
            weights: Any = grams.weighed(found, material["rarity"]) if found else []
            pairs += [(at, float(w)) for at, w in zip(found, weights, strict=True) if w]
        held.append(pairs)
    return held


def run_kernel(material: dict[str, Any]) -> Array:
    """Return the products of the texts' runs of words plus those of letters."""
    columns: dict[int, list[tuple[int, float]]] = defaultdict(list)
    rows = weights_of_runs(material)
    for i, pairs in enumerate(rows):
        for at, weight in pairs:
            columns[at].append((i, weight))
    kernel = np.zeros((len(rows), len(rows)), dtype=np.float32)
    for column in columns.values():
        who = np.array([i for i, _w in column])
        what = np.array([w for _i, w in column], dtype=np.float32)
        kernel[who[:, None], who] += what[:, None] * what
    return kernel


def solve(kernel: Array, wanted: Array, toned: Array) -> tuple[Array, Array]:
    """Return the share of each text in each output, and the outputs' means.

    Tones are learnt from the texts that tell one; the others' shares in them are 0.
    """
    alphas, mean = _solved(kernel, wanted)
    alphas[:, TONES] = 0
    alphas[toned, TONES], mean[TONES] = _solved(
        kernel[np.ix_(toned, toned)], wanted[toned][:, TONES]
    )
    return alphas, mean


def _solved(kernel: Array, wanted: Array) -> tuple[Array, Array]:
    ridge, mean = RIDGE * np.eye(len(kernel), dtype=np.float32), wanted.mean(0)
    return np.asarray(np.linalg.solve(kernel + ridge, wanted - mean)), mean


def crossed(kernel: Array, wanted: Array, labels: Labels) -> Array:
    """Return for each message what a machine says that did not learn from its file."""
    heard, files = np.full_like(wanted, np.nan), labels.files
    for name in sorted(name for name in set(files) if name.startswith("train")):
        test, rest = np.where(files == name)[0], np.where(files != name)[0]
        alphas, mean = solve(kernel[np.ix_(rest, rest)], wanted[rest], labels.tones[rest] >= 0)
        heard[test] = kernel[np.ix_(test, rest)] @ alphas + mean
    return heard


def calibrate(heard: Array, labels: Labels) -> dict[str, Array]:
    """Return sharpness and bias that make confidences true, by search on crossed answers."""
    known = ~np.isnan(heard[:, 0])
    parts = np.split(heard[known], machine.ENDS[:-1], axis=1)
    goals = (labels.signs[known], labels.emotions[known], labels.tones[known])
    bias = np.zeros(machine.SIGNS, dtype=np.float32)
    sharp = [_sharpest(part, goal, 0) for part, goal in zip(parts, goals, strict=False)]
    for _round in range(300):
        shares = machine.softmax((parts[0] * sharp[0] + bias).astype(np.float32))
        bias -= 0.5 * (shares - np.eye(machine.SIGNS)[goals[0]]).mean(0)
    sharp[0] = _sharpest(parts[0], goals[0], bias)
    return {"sharpness": np.array(sharp, np.float32), "sign_bias": bias}


def _sharpest(part: Array, goal: Array, bias: Any) -> float:
    def loss(sharpness: float) -> float:
        shares = machine.softmax(part * sharpness + bias)
        return float(-np.log(shares[np.arange(len(goal)), goal] + 1e-9).mean())

    return float(min(np.arange(0.5, 6, 0.05), key=loss))


def report(heard: Array, labels: Labels, calibration: dict[str, Array]) -> None:
    known = ~np.isnan(heard[:, 0])
    answers = machine.split(heard[known], calibration["sharpness"], calibration["sign_bias"])
    truth = labels.signs[known]
    for cost in sorted({*np.arange(0, 3.1, 0.25), FLIP_COSTS}):
        said = np.array([sign_of(shares, cost) for shares in answers.signs]) + 1
        right, flips = (said == truth).mean(), (abs(said - truth) == 2).mean()
        print(f"cost of a flip {cost:4.2f}: right {right:.4f} flips {flips:.4f}")  # noqa: T201
    error = np.abs(heard[known, machine.ENDS[2]] - labels.satisfaction[known]).mean() * 50
    emotion = (answers.emotions.argmax(1) == labels.emotions[known]).mean()
    tone = (answers.tones.argmax(1) == labels.tones[known]).mean()
    print(f"emotion right {emotion:.4f}, tone right {tone:.4f}")  # noqa: T201
    print(f"satisfaction off by {error:.1f}; {calibration}")  # noqa: T201


def save(
    material: dict[str, Any], alphas: Array, mean: Array, calibration: dict[str, Array]
) -> None:
    runs = np.zeros((grams.TABLE, machine.OUTPUTS), dtype=np.float32)
    for pairs, alpha in zip(weights_of_runs(material), alphas, strict=True):
        for at, weight in pairs:
            runs[at] += weight * alpha
    # The table's largest numbers are few: cut there, eight bits are fine enough.
    scale = np.quantile(np.abs(runs[material["rarity"] > 0]), 0.9995, axis=0) / 127
    whole, end, cues = material["small"]
    np.savez_compressed(
        WEIGHTS / "analyser.npz",
        centre=material["centre"].astype(np.float16),
        axes=material["axes"].astype(np.float16),
        cue_centre=material["cue_centre"].astype(np.float16),
        cue_scale=material["cue_scale"].astype(np.float16),
        whole=whole,
        end=end,
        cues=cues,
        alphas=alphas.astype(np.float16),
        bias=mean.astype(np.float32),
        runs=np.clip(np.round(runs / scale), -127, 127).astype(np.int8),
        run_scale=scale.astype(np.float32),
        rarity=material["rarity"].astype(np.float16),
        hash=np.frombuffer(digest().encode(), np.uint8),
        **calibration,  # type: ignore[arg-type]
    )


if __name__ == "__main__":
    main()
