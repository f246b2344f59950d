"""The one way to a judgement, for live messages, experiments and the playground alike.

Judging calls networks and computes; it must not run inside a transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db import transaction

from analytics.analysis.embedded_arm import judge_embedded
from analytics.analysis.items import ArmSpec, Item, Mark
from analytics.analysis.paid import BROKEN, NO_PRICE, OTHER_CURRENCY
from analytics.analysis.provider_arm import Judged, judge_by_provider
from analytics.analysis.rows import write_rows
from analytics.models import Inference
from analytics.providers.failures import FINAL, PASSING
from evosense.core.schema import current_tenant
from messaging.models import Message
from messaging.selectors.wordings import names_in
from tenancy.selectors.members import member_names

# Reasons that time or a person heals. An answer that was wrong would be wrong again, and a budget
# that is used up lasts a month.
_PASSING = PASSING | FINAL | {"breaker_open", "no_provider", "provider_inactive"}
_PASSING |= {"key_missing", "key_of_other_host", "tls_failed", "redirected"}
_PASSING |= {NO_PRICE, OTHER_CURRENCY, BROKEN}


def judge_items(
    items: Sequence[Item],
    arm: ArmSpec,
    *,
    run_key: str,
    run_id: str = "",
    arm_key: str = "",
    is_shadow: bool = False,
    part: str = "all",
) -> list[Inference]:
    """Judge messages and keep what was said; returns the rows that are there afterwards.

    Rows that a key already has stay as they are, so nobody is judged twice by one side of a run.
    With a `run_id` a provider that fails leaves rows that say so; without one the embedded analyser
    stands in. `part` is the budget that pays besides the whole: all, experiments, conversations.
    """
    mark = Mark(run_key, run_id, arm_key, is_shadow)
    judged = judge(items, arm, mark, part=part)
    with transaction.atomic():
        return write_rows(judged.rows)


def preview_items(
    items: Sequence[Item],
    arm: ArmSpec,
    *,
    part: str = "experiments",
    until: float | None = None,
    is_fresh: bool = False,
) -> list[Inference]:
    """Judge without keeping rows, for the playground; calls and costs are kept.

    A provider that fails shows as such: the embedded analyser does not stand in. It does for
    imported history, which never goes to a provider.
    """
    mark = Mark(run_key="preview", run_id="preview", is_fresh=is_fresh)
    if arm.kind != "provider":
        return judge(items, arm, mark, part=part).rows
    known = _whose(items)
    past = [item for item in items if known.get(item.message_id, _NOBODY).is_history]
    staff = _Whose(member_names(current_tenant().id))
    sent = [
        _with_names(item, known.get(item.message_id, staff)) for item in items if item not in past
    ]
    rows = [
        *judge_embedded(past, ArmSpec(), mark),
        *judge(sent, arm, mark, part=part, until=until).rows,
    ]
    by_message = {row.message_id: row for row in rows}
    return [by_message[item.message_id] for item in items]


@dataclass(frozen=True, slots=True)
class _Whose:
    """What is known of a stored message besides its text; of a pasted one only who works here."""

    names: Sequence[str] = ()
    is_history: bool = False


_NOBODY = _Whose()


def _whose(items: Sequence[Item]) -> dict[int, _Whose]:
    rows = Message.objects.filter(pk__in=[item.message_id for item in items])
    found = list(rows.values_list("pk", "conversation_id", "is_history"))
    names = names_in(talk for _pk, talk, _is_history in found)
    return {pk: _Whose(names.get(talk, ()), is_history) for pk, talk, is_history in found}


def _with_names(item: Item, whose: _Whose) -> Item:
    """Return an item with the names that must not leave with it."""
    return replace(item, names=list(dict.fromkeys([*item.names, *whose.names])))


def judge(
    items: Sequence[Item],
    arm: ArmSpec,
    mark: Mark,
    *,
    part: str = "all",
    until: float | None = None,
) -> Judged:
    """Return one unsaved row for each item, in their order, and which of them are in doubt.

    Never raises for what a provider or a text does; takes DEADLINE_SECONDS of `dialogue` at most,
    or as long as `until` (of the monotonic clock), which several judges of one claim share.
    """
    if not items:
        return Judged([])
    if arm.kind == "provider":
        return judge_by_provider(items, arm, mark, part=part, until=until)
    return Judged(judge_embedded(items, arm, mark))


def is_passing(row: Inference) -> bool:
    """Tell whether the provider should be asked again later about a degraded judgement."""
    return row.is_degraded and row.error in _PASSING
