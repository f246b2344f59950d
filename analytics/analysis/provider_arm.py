"""A prompt on a provider's model as an arm: cache, short cut, questions, doubts, and a stand-in.

What a provider says about a text that gives orders is believed only where the embedded analyser,
which obeys nobody, says about the same. What it says against the embedded analyser's sure opinion
is asked about once more, alone, so that no neighbour in the batch can have moved it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from analytics.analysis import cache
from analytics.analysis.calls import Asked, asked_of
from analytics.analysis.dialogue import Dialogue, Heard, added, ends_at
from analytics.analysis.embedded_arm import (
    hears_orders,
    judge_embedded,
    put_embedded,
    values_of,
)
from analytics.analysis.items import NOT_BELIEVED, ArmSpec, Item, Mark, put_values
from analytics.analysis.prompts import prompt_of
from analytics.analysis.settings import ai_settings
from analytics.analysis.shortcut import is_acknowledgement
from analytics.analysis.summaries import safe_summary
from analytics.models import Inference, Purpose
from analytics.models.choices import Task
from analytics.models.judgement import SUMMARY_LENGTH
from analytics.providers.refs import ProviderUnavailable, provider_ref
from analytics.values import Judgement

# Between the two opinions: too far apart to be chance, when the embedded one is sure (ai.md §1.8).
DOUBTED_FROM, SURE_FROM = 1.2, 0.7
# Of a text that gives orders: further apart, the order may have worked.
MOVED_FROM = 0.1
# The same answer for a whole batch is odd from here on; of texts that value nothing it is common.
EXTREME_FROM = 0.9


@dataclass(slots=True)
class Case:
    """One item on its way."""

    item: Item
    own: Judgement
    orders: bool
    key: bytes = b""
    heard: Heard | None = None
    is_cached: bool = False
    is_doubted: bool = False

    @property
    def is_contradicted(self) -> bool:
        """Tell whether the provider says the opposite of what the embedded analyser is sure of."""
        said = self.heard.judgement if self.heard else None
        if said is None or self.own.confidence < SURE_FROM:
            return False
        return abs(said.sentiment - self.own.sentiment) > DOUBTED_FROM


@dataclass(slots=True)
class Judged:
    """Unsaved rows in the order of the items, and the messages that people should look at."""

    rows: list[Inference]
    doubted: list[int] = field(default_factory=list)


def judge_by_provider(
    items: Sequence[Item], arm: ArmSpec, mark: Mark, *, part: str, until: float | None = None
) -> Judged:
    """Return what the provider says of each item, or why it says nothing; see `judging.judge`."""
    settings = ai_settings()
    prompt = prompt_of(Task.MESSAGE, arm.template)
    try:
        ref = provider_ref(arm.provider_id)
    except ProviderUnavailable as error:
        return Judged([_fallen(item, mark, arm, error.code) for item in items])
    asked = asked_of(ref, arm.model, prompt, Purpose.MESSAGE, mark)
    redacts = settings.redacts and not ref.is_local
    dialogue = Dialogue(asked, settings, part, redacts, until or ends_at())
    cases = _cases(items, asked)
    short = settings.takes_short_cut and not mark.run_id
    open_cases = [case for case in cases if not (short and is_acknowledgement(case.item.text))]
    if not mark.is_fresh:
        _look_up(open_cases)
    _ask(dialogue, [case for case in open_cases if case.heard is None])
    _keep(open_cases, asked)
    asked_about = {id(case) for case in open_cases}
    rows = [
        _row(case, mark, asked) if id(case) in asked_about else judge_embedded_case(case, mark)
        for case in cases
    ]
    return Judged(rows, [case.item.message_id for case in cases if case.is_doubted])


def _cases(items: Sequence[Item], asked: Asked) -> list[Case]:
    opinions = values_of(items)
    return [
        Case(item, own, hears_orders(item), cache.key_of(item, asked))
        for item, own in zip(items, opinions, strict=True)
    ]


def _look_up(cases: Sequence[Case]) -> None:
    """Take answers that are there; texts that give orders are asked about each time."""
    known = cache.known({case.key for case in cases if not case.orders})
    for case in cases:
        if case.key in known and not case.orders:
            case.heard, case.is_cached = Heard(known[case.key]), True


def _ask(dialogue: Dialogue, cases: Sequence[Case]) -> None:
    """Ask about orders one by one, about the rest together, and about what is odd once more."""
    for orders in (False, True):
        group = [case for case in cases if case.orders is orders]
        _hear(dialogue, group, alone=orders)
    _suspect(dialogue, [case for case in cases if not case.orders])
    odd = [case for case in cases if case.is_contradicted and not case.orders]
    if len(cases) > 1:
        _hear(dialogue, odd, alone=True)
    for case in cases:
        case.is_doubted = case.is_contradicted


def _hear(dialogue: Dialogue, cases: Sequence[Case], *, alone: bool) -> None:
    answers = dialogue.hear([case.item for case in cases], alone=alone)
    for case, heard in zip(cases, answers, strict=True):
        if case.heard is None:
            case.heard = heard
        elif heard.judgement is not None:
            case.heard = added(heard, case.heard.spent)


def _suspect(dialogue: Dialogue, cases: Sequence[Case]) -> None:
    """Ask one by one where a whole batch got the same extreme answer.

    Whoever made the model say so gets it again when alone, and the neighbours do not.
    """
    batches: dict[int | None, list[Case]] = {}
    for case in cases:
        if case.heard and case.heard.judgement:
            batches.setdefault(case.heard.spent.call_id, []).append(case)
    for batch in batches.values():
        said = {_said(case) for case in batch}
        if len(batch) < 2 or len(said) > 1 or abs(next(iter(said))[0]) < EXTREME_FROM:
            continue
        _hear(dialogue, batch, alone=True)
        stayed = [case for case in batch if _said(case) in said]
        if len(stayed) < len(batch):
            for case in stayed:
                case.orders = True


def _said(case: Case) -> tuple[float, int, str]:
    said = case.heard.judgement if case.heard else None
    return (said.sentiment, said.satisfaction, said.emotion) if said else (0.0, 0, "")


def _keep(cases: Sequence[Case], asked: Asked) -> None:
    """Keep what may be said again: whole answers that nobody doubts."""
    fresh = {
        case.key: (case.item.message_id, case.heard.judgement)
        for case in cases
        if case.heard and case.heard.judgement and not case.is_cached
        if not case.orders and not case.is_doubted
    }
    if fresh:
        cache.keep(fresh, asked.model)


def _row(case: Case, mark: Mark, asked: Asked) -> Inference:
    heard = case.heard or Heard(None, Inference.Status.ERROR, "not_asked")
    row = mark.row(case.item)
    _sign(row, case, asked, heard)
    if heard.judgement is None:
        row.status, row.error = heard.status, heard.error
        if not mark.run_id:
            stand_in(row, case.own, heard.error)
        return row
    said = _believed(case, heard.judgement)
    if said is case.own:
        # The order may have worked: what counts is the opinion that nobody can give orders to, and
        # it is signed by who has it. The call that was paid for stays with the row.
        put_embedded(row)
        row.prompt_version, row.error = "", NOT_BELIEVED
        put_values(row, said)
        return row
    summary = safe_summary(said.summary, case.item.text, length=SUMMARY_LENGTH)
    put_values(row, replace(said, summary=summary))
    return row


def _believed(case: Case, said: Judgement) -> Judgement:
    if not case.orders:
        return said
    is_moved = abs(said.sentiment - case.own.sentiment) > MOVED_FROM
    is_other = abs(said.satisfaction - case.own.satisfaction) > 50 * MOVED_FROM
    return case.own if is_moved or is_other else said


def _sign(row: Inference, case: Case, asked: Asked, heard: Heard) -> None:
    row.provider, row.model_name = asked.ref.name, asked.model
    row.prompt_version, row.template_hash = asked.prompt.version, asked.prompt.hash
    row.context_hash = cache.context_hash(case.item.context)
    row.is_suspicious = case.orders or case.is_doubted
    row.is_cached = case.is_cached
    row.latency_ms, row.attempt = heard.spent.latency_ms, heard.asks
    row.input_tokens, row.output_tokens = heard.spent.input_tokens, heard.spent.output_tokens
    row.cost_micros, row.call_id = heard.spent.micros, heard.spent.call_id


def stand_in(row: Inference, own: Judgement, error: str) -> None:
    """Make a row the embedded analyser's, and say why the provider's is not there.

    Its key is another one, so that the provider's own judgement may still come.
    """
    put_embedded(row)
    row.run_key = f"degraded:{row.run_key}"
    row.prompt_version = ""
    row.is_degraded, row.error = True, error[:40]
    put_values(row, own)


def judge_embedded_case(case: Case, mark: Mark) -> Inference:
    """Return the row of a text that no provider is paid for."""
    row = mark.row(case.item)
    put_embedded(row)
    row.is_suspicious = case.orders
    put_values(row, case.own)
    return row


def _fallen(item: Item, mark: Mark, arm: ArmSpec, code: str) -> Inference:
    """Return the row of an arm whose provider cannot even be asked."""
    prompt = prompt_of(Task.MESSAGE, arm.template)
    row = judge_embedded([item], ArmSpec(), mark)[0]
    if not mark.run_id:
        row.run_key = f"degraded:{row.run_key}"
        row.is_degraded, row.error = True, code
        return row
    failed = mark.row(item)
    failed.provider, failed.model_name = str(arm.provider_id), arm.model
    failed.prompt_version, failed.template_hash = prompt.version, prompt.hash
    failed.status, failed.error = Inference.Status.ERROR, code
    return failed
