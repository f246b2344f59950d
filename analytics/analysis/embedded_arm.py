"""The embedded analyser as an arm: offline, the same answer every time, a version of its own."""

import hashlib
import time
from collections.abc import Sequence

from analytics.analysis.items import EMBEDDED, ArmSpec, Item, Mark, put_values
from analytics.models import Booster, ConversationAnalysis, Inference
from analytics.values import Analyser, Judgement, Turn


def the_analyser() -> Analyser:
    """Return the analyser of this process; the first call loads its model."""
    # Imported late: it brings numpy and tables that pages and receivers never need.
    from analytics.embedded import analyser  # noqa: PLC0415

    return analyser()


def embedded_name(arm: ArmSpec) -> str:
    """Return what its rows call it: the analyser's version, with that of the booster."""
    version = the_analyser().version
    return f"{version}+booster-{arm.booster.version}" if arm.booster else version


def hash_of(arm: ArmSpec) -> str:
    """Return what stands where a prompt's hash would: the analyser changes with its version."""
    return hashlib.sha256(embedded_name(arm).encode()).hexdigest()


def judge_embedded(items: Sequence[Item], arm: ArmSpec, mark: Mark) -> list[Inference]:
    """Return one unsaved row for each item, in their order."""
    started = time.perf_counter()
    judged = values_of(items, arm.booster)
    each_ms = round((time.perf_counter() - started) * 1000 / max(1, len(items)))
    rows = []
    for item, values in zip(items, judged, strict=True):
        row = mark.row(item)
        put_embedded(row, arm)
        row.is_suspicious = gives_orders(item)
        row.latency_ms = each_ms
        put_values(row, values)
        rows.append(row)
    return rows


def values_of(items: Sequence[Item], booster: Booster | None = None) -> list[Judgement]:
    """Return what the embedded analyser says of each item, with the company's booster if given."""
    texts = [item.text for item in items]
    judged = the_analyser().judge(texts, [list(item.context) for item in items])
    return _boosted(texts, judged, booster) if booster else judged


def _boosted(texts: list[str], judged: list[Judgement], booster: Booster) -> list[Judgement]:
    # Imported late, as the analyser.
    from analytics.analysis.boosting import boost, unpacked  # noqa: PLC0415
    from analytics.embedded.features import features  # noqa: PLC0415

    return boost(unpacked(bytes(booster.weights)), features(texts), judged)


def gives_orders(item: Item) -> bool:
    """Tell whether a text tries to give orders to whoever judges it."""
    # Imported late, as the analyser.
    from analytics.embedded.injection import looks_like_injection  # noqa: PLC0415

    return looks_like_injection(item.text)


def hears_orders(item: Item) -> bool:
    """Tell whether a model would read a customer's orders with a message: in it, or before it."""
    said = [item.text, *(turn.text for turn in item.context if turn.who == "C")]
    return any(gives_orders(Item(item.message_id, text)) for text in said)


def put_embedded(row: Inference, arm: ArmSpec | None = None) -> None:
    """Name the embedded analyser as the one that judged."""
    arm = arm or ArmSpec()
    row.provider = EMBEDDED
    row.model_name = embedded_name(arm)
    row.template_hash = hash_of(arm)


def put_embedded_conversation(
    row: ConversationAnalysis, turns: Sequence[tuple[Turn, Judgement | None]]
) -> None:
    """Write what the embedded analyser makes of a conversation."""
    # Imported late, as the analyser.
    from analytics.embedded.conversation import judge_conversation  # noqa: PLC0415

    values = judge_conversation(turns)
    row.provider, row.model_name = EMBEDDED, the_analyser().version
    row.category, row.resolved = values.category, values.resolved
    row.sentiment, row.satisfaction = values.sentiment, values.satisfaction
    row.trend, row.confidence = values.trend, values.confidence
    row.summary = values.summary
