"""Asking a provider about items of one company until each has an answer or a reason.

What is missing or wrong in a batch is asked about alone, once. A batch that is too long or invalid
is halved until the item that spoils it stands alone. After an error of the server nothing more is
asked: the rest gets the same reason.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F

from analytics.analysis.calls import NOTHING, Asked, Spent
from analytics.analysis.checking import Checked, check_batch
from analytics.analysis.context import tokens_of
from analytics.analysis.items import Item
from analytics.analysis.paid import BROKEN, BUDGET, RUN_BUDGET, ask_paid
from analytics.models import AiSettings, Inference, ModelCall
from analytics.providers.chat import ChatOutcome
from analytics.redaction import redact
from analytics.values import Judgement

# For everything that is asked about one claim; claims last longer.
DEADLINE_SECONDS = 100.0
_ONE_CALL_SECONDS = 45.0
# A request holds at most so much, because an answer may be lost with it.
BATCH_ITEMS, BATCH_TOKENS = 20, 6_000
# Of one item's answer; a summary is the longest part of it.
_OUTPUT_TOKENS, _LEAST_OUTPUT = 160, 1_000
Restore = Callable[[str], str]
_STATUS = {
    "ok": Inference.Status.INVALID,
    "invalid": Inference.Status.INVALID,
    "length": Inference.Status.INVALID,
    "refused": Inference.Status.REFUSED,
    "timeout": Inference.Status.TIMEOUT,
    "error": Inference.Status.ERROR,
}


def ends_at() -> float:
    """Return when a dialogue that begins now ends, on the monotonic clock."""
    return time.monotonic() + DEADLINE_SECONDS


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one item: a judgement, or a status and its reason; and its share of the cost."""

    judgement: Judgement | None = None
    status: str = Inference.Status.OK
    error: str = ""
    spent: Spent = NOTHING
    model_returned: str = ""
    asks: int = 1


@dataclass(slots=True)
class Dialogue:
    """One arm's conversation with its provider."""

    asked: Asked
    settings: AiSettings
    part: str
    redacts: bool
    deadline: float = field(default_factory=ends_at)
    # Why nothing more is asked.
    _broken: Heard | None = None

    def hear(self, items: Sequence[Item], *, alone: bool = False) -> list[Heard]:
        """Return what came of each item, in their order; `alone` keeps each from all others."""
        groups = [[item] for item in items] if alone else _groups(items)
        return [heard for group in groups for heard in self._ask(group, asks=1)]

    def _ask(self, items: Sequence[Item], *, asks: int) -> list[Heard]:
        if self._broken is not None:
            return [self._broken] * len(items)
        outcome, spent, checked = self._exchange(items)
        shares = _shares(spent, len(items))
        if checked is None:
            return self._without_answer(items, outcome, shares, asks)
        heard: list[Heard] = []
        for number, item in enumerate(items, start=1):
            good = checked.good.get(number)
            if good is not None:
                one = Heard(
                    good, spent=shares[number - 1], model_returned=outcome.model_returned, asks=asks
                )
            else:
                one = self._again(item, checked.wrong[number], shares[number - 1], asks)
            heard.append(one)
        return heard

    def _again(self, item: Item, error: str, spent: Spent, asks: int) -> Heard:
        """Ask about one item alone, unless that was done."""
        if asks > 1:
            return Heard(None, Inference.Status.INVALID, error, spent, asks=asks)
        return added(self._ask([item], asks=asks + 1)[0], spent)

    def _without_answer(
        self, items: Sequence[Item], outcome: ChatOutcome, shares: list[Spent], asks: int
    ) -> list[Heard]:
        # One item of several may be the reason.
        is_of_one = outcome.status in {"invalid", "length", "refused"} or outcome.error == BROKEN
        if is_of_one and len(items) > 1:
            middle = len(items) // 2
            halves = [*self._ask(items[:middle], asks=asks), *self._ask(items[middle:], asks=asks)]
            return [added(one, share) for one, share in zip(halves, shares, strict=True)]
        failed = _failure(outcome)
        is_final = outcome.status in {"error", "timeout"} and outcome.error != "bad_request"
        if is_final and not is_of_one:
            self._broken = failed
        return [added(failed, share) for share in shares]

    def _exchange(self, items: Sequence[Item]) -> tuple[ChatOutcome, Spent, Checked | None]:
        left = self.deadline - time.monotonic()
        if left <= 1:
            return ChatOutcome("timeout", "timed_out"), Spent(), None
        content, books = self._content(items)
        outcome, spent = ask_paid(
            self.asked,
            self.settings,
            content,
            items=len(items),
            part=self.part,
            output_tokens=max(_LEAST_OUTPUT, 200 + _OUTPUT_TOKENS * len(items)),
            deadline_seconds=min(_ONE_CALL_SECONDS, left),
        )
        if outcome.status != "ok" or outcome.data is None:
            return outcome, spent, None
        checked = check_batch(outcome.data, set(range(1, len(items) + 1)))
        _count_repairs(spent, checked)
        for number, one in checked.good.items():
            checked.good[number] = _with_summary(one, books[number](one.summary))
        return outcome, spent, checked

    def _content(self, items: Sequence[Item]) -> tuple[dict[str, Any], dict[int, Restore]]:
        """Return the data of the user turn, and what puts each item's personal data back."""
        messages: list[dict[str, Any]] = []
        books: dict[int, Restore] = {}
        for number, item in enumerate(items, start=1):
            sayings, books[number] = self._sayings(item)
            context = [
                {"who": turn.who, "text": text}
                for turn, text in zip(item.context, sayings[1:], strict=True)
            ]
            messages.append({"id": number, "text": sayings[0], "context": context})
        # Nobody who wrote a message could know it: a text that claims to end here does not.
        content = {"boundary": secrets.token_hex(8), "messages": messages}
        return content, books

    def _sayings(self, item: Item) -> tuple[list[str], Restore]:
        """Return an item's text and context as they leave, and the way back of its own alone.

        One customer's name must not blank another's words, nor come home in their summary.
        """
        texts = [item.text, *(turn.text for turn in item.context)]
        if not self.redacts:
            return texts, str
        hidden = redact(texts, item.names)
        return hidden.texts, hidden.restore


def _groups(items: Sequence[Item]) -> list[list[Item]]:
    """Cut items into requests of bounded size."""
    groups: list[list[Item]] = []
    left = 0
    for item in items:
        size = tokens_of(item.text) + sum(tokens_of(turn.text) for turn in item.context)
        if not groups or len(groups[-1]) >= BATCH_ITEMS or size > left:
            groups.append([])
            left = BATCH_TOKENS
        groups[-1].append(item)
        left -= size
    return groups


def _failure(outcome: ChatOutcome) -> Heard:
    if outcome.error in {BUDGET, RUN_BUDGET}:
        return Heard(None, Inference.Status.SKIPPED_BUDGET, outcome.error)
    error = outcome.error or outcome.status
    return Heard(None, _STATUS[outcome.status], error[:40])


def _shares(spent: Spent, number: int) -> list[Spent]:
    """Divide what an operation took; what cannot be divided counts for the first item."""
    return [
        Spent(
            _share(spent.input_tokens, number, at),
            _share(spent.output_tokens, number, at),
            _share(spent.micros, number, at),
            _share(spent.latency_ms, number, at),
            spent.call_id,
        )
        for at in range(number)
    ]


def _share(total: int, number: int, at: int) -> int:
    return total // number + (total % number if at == 0 else 0)


def added(heard: Heard, before: Spent) -> Heard:
    """Return what was heard with what an earlier question about it took."""
    late = heard.spent
    spent = Spent(
        late.input_tokens + before.input_tokens,
        late.output_tokens + before.output_tokens,
        late.micros + before.micros,
        late.latency_ms + before.latency_ms,
        late.call_id or before.call_id,
    )
    return Heard(
        heard.judgement, heard.status, heard.error, spent, heard.model_returned, heard.asks
    )


def _count_repairs(spent: Spent, checked: Checked) -> None:
    dropped = checked.unknown + checked.repeated + len(checked.wrong)
    if dropped and spent.call_id:
        ModelCall.objects.filter(pk=spent.call_id).update(repairs=F("repairs") + dropped)


def _with_summary(one: Judgement, summary: str) -> Judgement:
    return Judgement(
        one.sentiment, one.emotion, one.satisfaction, one.tone, summary, one.confidence
    )
