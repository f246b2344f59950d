"""Measure the embedded analyser and the embedded vectors on one core, against a naive way.

    .venv/bin/python -m benchmarks.analysis [--messages 400]

Prints Markdown. Processor time of this process, so that a busy machine does not change it; the
naive way asks the encoder for one text at a time, and again for each part of the answer.
"""

import argparse
import itertools
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from analytics.embedded import analyser, encoder, hashing, space
from analytics.embedded.text import last_part, spelled

TRAINING = Path(__file__).resolve().parents[1] / "analytics" / "embedded" / "training"
BATCH = 20
AIM_MS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=400)
    options = parser.parse_args()
    texts = messages(options.messages)
    started = time.process_time()
    analyser().judge(texts[:1])
    space.embed(texts[:1])
    loaded = time.process_time() - started
    rows = [
        ("judge, one at a time", each(analyser().judge, texts, 1)),
        (f"judge, batches of {BATCH}", each(analyser().judge, texts, BATCH)),
        ("vectors, one at a time", each(space.embed, texts, 1)),
        (f"vectors, batches of {BATCH}", each(space.embed, texts, BATCH)),
        (f"vectors without the encoder, batches of {BATCH}", each(hashing.embed, texts, BATCH)),
        ("naive: judge and vectors one by one, encoder asked per part", naive(texts)),
    ]
    report(rows, loaded)


def messages(count: int) -> list[str]:
    """Return messages of the training files, in turn, each made different from the others.

    Otherwise the caches of spelling would answer instead of the work.
    """
    lines = (TRAINING / "train_a.txt").read_text("utf-8").splitlines()
    texts = [line.split("|", 4)[4] for line in lines]
    return [f"{text} {number}" for number, text in zip(range(count), itertools.cycle(texts))]


def each(work: Callable[[Sequence[str]], object], texts: list[str], batch: int) -> float:
    """Return processor milliseconds a message."""
    forget()
    started = time.process_time()
    for at in range(0, len(texts), batch):
        work(texts[at : at + batch])
    return (time.process_time() - started) * 1000 / len(texts)


def naive(texts: list[str]) -> float:
    forget()
    started = time.process_time()
    for text in texts:
        for _part in ("sentiment", "emotion", "tone", "satisfaction"):
            encoder.encode([spelled(text)])
            encoder.encode([last_part(spelled(text))])
        analyser().judge([text])
        space.embed([text])
    return (time.process_time() - started) * 1000 / len(texts)


def forget() -> None:
    from analytics.embedded import text  # noqa: PLC0415

    text.normal.cache_clear()
    text.tokens.cache_clear()


def report(rows: list[tuple[str, float]], loaded: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    slowest = rows[-1][1]
    together = rows[1][1] + rows[3][1]
    print("## Analysis without a provider\n")
    print("| What | ms a message | messages a second and core |\n| --- | --- | --- |")
    for name, milliseconds in rows:
        print(f"| {name} | {milliseconds:.2f} | {1000 / milliseconds:.0f} |")
    print(
        f"\nJudgement and vector in batches take {slowest / together:.1f} times less than naively."
    )
    print(f"Loading takes {loaded:.1f} s; the process peaks at {peak:.0f} MB.")
    print(f"Aim: at most {AIM_MS} ms a message: {'kept' if rows[0][1] <= AIM_MS else 'MISSED'}.")


if __name__ == "__main__":
    main()
