"""Which team should take a new conversation: a suggestion with its certainty, never an act.

Accepted from 0.7; from 0.4 the customer is to be asked; below, the default. Without a provider by
the words of each queue, then by meaning, and only with a clear lead over the second.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from analytics.analysis.checking import number_in
from analytics.analysis.embedded_arm import gives_orders
from analytics.analysis.items import EMBEDDED, SUSPICIOUS, Item, cut
from analytics.analysis.tasking import Answer, Request, ask_task
from analytics.models import Purpose
from analytics.models.choices import Task

ACCEPTED_FROM, ASKED_FROM = 0.7, 0.4
# Between the first and the second queue, as cosines (ai.md §1.10).
LEAD, NEAR = 0.10, 0.25
MOST_TEXTS, MOST_QUEUES, DEADLINE_SECONDS = 4, 50, 4.0
_WORD = re.compile(r"[a-z0-9]+")
_URGENT = re.compile(
    r"\b(?:urgent\w*|socorro|emergencia|perigo|incendio|vazamento de gas|fraude|golpe|hospital"
    r"|emergency|danger|fraud|hackead\w*)\b"
)
_PRIORITIES = ("low", "normal", "high")


@dataclass(frozen=True, slots=True)
class Queue:
    """A team that conversations may go to; `keywords` decide before meaning does."""

    id: str
    name: str
    description: str = ""
    examples: Sequence[str] = ()
    keywords: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """`decision`: accept the queue, ask the customer, or take the default; `queue_id` may be ""."""

    queue_id: str
    confidence: float
    decision: str
    priority: str = "normal"
    intent: str = ""
    language: str = ""
    provider: str = EMBEDDED
    error: str = ""
    scores: dict[str, float] = field(default_factory=dict)


def suggest_route(texts: Sequence[str], queues: Sequence[Queue]) -> Route:
    """Suggest one of `queues` for a customer's first messages; takes four seconds at most."""
    said = [text for text in texts[:MOST_TEXTS] if text.strip()]
    choices = list(queues[:MOST_QUEUES])
    if not said or not choices:
        return Route("", 0.0, "default")
    answer = _asked(said, choices)
    found = _read(answer, choices)
    if found is not None:
        return found
    error = "invalid_answer" if answer.data is not None else answer.error
    return _own(said, choices, "" if error == EMBEDDED else error)


def decision_of(confidence: float) -> str:
    """Return what a certainty is enough for."""
    if confidence >= ACCEPTED_FROM:
        return "accept"
    return "ask" if confidence >= ASKED_FROM else "default"


def _asked(said: Sequence[str], queues: Sequence[Queue]) -> Answer:
    if any(gives_orders(Item(0, text)) for text in said):
        return Answer(error=SUSPICIOUS)
    listed = [
        {
            "id": queue.id,
            "name": queue.name,
            "description": queue.description[:500],
            "examples": [example[:200] for example in queue.examples[:5]],
        }
        for queue in queues
    ]
    return ask_task(
        Request(
            task=Task.ROUTING,
            purpose=Purpose.ROUTING,
            turns=[{"who": "C", "text": text[:1_000]} for text in said],
            extra={"queues": listed},
            seconds=DEADLINE_SECONDS,
            output_tokens=400,
        )
    )


def _read(answer: Answer, queues: Sequence[Queue]) -> Route | None:
    """Return the route of an answer; None unless it names one of the given queues, or none."""
    data: Any = answer.data or {}
    confidence = number_in(data.get("confidence"), 0, 1)
    chosen = data.get("queue")
    if confidence is None or not isinstance(chosen, str):
        return None
    if chosen and chosen not in {queue.id for queue in queues}:
        return None
    priority = data.get("priority")
    return Route(
        queue_id=chosen,
        confidence=confidence,
        decision=decision_of(confidence) if chosen else "default",
        priority=str(priority) if priority in _PRIORITIES else "normal",
        intent=cut(str(data.get("intent") or ""), 80),
        language=str(data.get("language") or "")[:5],
        provider=answer.provider,
    )


def _own(said: Sequence[str], queues: Sequence[Queue], error: str) -> Route:
    priority = "high" if _URGENT.search(_folded(" ".join(said))) else "normal"
    worded = _by_keywords(said, queues)
    scores = _by_meaning(said, queues)
    ranked = sorted(scores, key=lambda queue_id: -scores[queue_id])
    second = scores[ranked[1]] if len(ranked) > 1 else 0.0
    lead = scores[ranked[0]] - second
    if worded:
        chosen, confidence = worded, 0.8
    elif lead >= LEAD and scores[ranked[0]] >= NEAR:
        chosen, confidence = ranked[0], min(0.9, 0.6 + lead)
    else:
        chosen, confidence = ranked[0], round(max(0.0, min(0.6, scores[ranked[0]] + lead)), 3)
    decision = decision_of(confidence)
    return Route(
        queue_id="" if decision == "default" else chosen,
        confidence=round(confidence, 3),
        decision=decision,
        priority=priority,
        error=error,
        scores={queue_id: round(score, 3) for queue_id, score in scores.items()},
    )


def _by_keywords(said: Sequence[str], queues: Sequence[Queue]) -> str:
    """Return the only queue of which a keyword was said; "" for none and for several."""
    words = f" {' '.join(_WORD.findall(_folded(' '.join(said))))} "
    hits = [
        queue.id
        for queue in queues
        if any(
            f" {' '.join(_WORD.findall(_folded(key)))} " in words for key in queue.keywords if key
        )
    ]
    return hits[0] if len(hits) == 1 else ""


def _by_meaning(said: Sequence[str], queues: Sequence[Queue]) -> dict[str, float]:
    """Return how near each queue is: by its nearest example, or its name and description."""
    # Imported late: it brings numpy and the encoder.
    from analytics.embedded.engines import default_code, engine  # noqa: PLC0415

    embed = engine(default_code())
    texts = [(queue.id, f"{queue.name}. {queue.description}") for queue in queues]
    texts += [(queue.id, example) for queue in queues for example in queue.examples]
    vectors = embed([text for _id, text in texts])
    asked = embed([" ".join(said)])[0]
    near: dict[str, float] = {}
    for (queue_id, _text), vector in zip(texts, vectors, strict=True):
        near[queue_id] = max(near.get(queue_id, -1.0), float(vector @ asked))
    return near


def _folded(text: str) -> str:
    letters = unicodedata.normalize("NFD", text.lower())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
