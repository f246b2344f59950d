"""Who judges now: the company's choice, its prompt in production, its booster, its canary."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from analytics.analysis.embedded_arm import embedded_name, hash_of, the_analyser
from analytics.analysis.items import ArmSpec, Mark, live_mark
from analytics.analysis.prompts import prompt_of
from analytics.analysis.settings import ai_settings
from analytics.models import AiSettings, Booster
from analytics.models.choices import Task
from analytics.prompting.labels import resolve
from analytics.providers.refs import ProviderUnavailable, provider_ref
from evosense.core.errors import DomainError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Judge:
    """An arm and the mark of what it writes; `part` is the budget that pays."""

    arm: ArmSpec
    mark: Mark
    part: str = "all"


# Told conversation ids, answers who else judges some of them: the canary of an experiment.
Split = Callable[[Sequence[int]], Mapping[int, Judge]]
_splits: list[Split] = []


def register_split(split: Split) -> None:
    """Let `split` take conversations from production; asked once for each batch."""
    if split not in _splits:
        _splits.append(split)


def production_judge(settings: AiSettings | None = None) -> Judge:
    """Return who judges new messages; the embedded analyser where no provider is chosen."""
    settings = settings or ai_settings()
    if settings.engine != AiSettings.Engine.PROVIDER or settings.provider_id is None:
        return embedded_judge()
    try:
        template = resolve(Task.MESSAGE)
    except DomainError as error:
        # Nobody is judged by a prompt that was altered behind our back.
        logger.exception("the prompt in production cannot be used: %s", error.code)
        return embedded_judge()
    arm = ArmSpec(kind="provider", provider_id=settings.provider_id, template=template)
    return Judge(arm, live_mark(prompt_of(Task.MESSAGE, arm.template).hash, model_of(arm)))


def embedded_judge() -> Judge:
    """Return the embedded analyser with the booster in use, alone where that is of another one."""
    fitting = Booster.objects.filter(state=Booster.State.ACTIVE, analyser=the_analyser().version)
    arm = ArmSpec(booster=fitting.first())
    return Judge(arm, live_mark(hash_of(arm), embedded_name(arm)))


def judges_of(conversation_ids: Sequence[int], standing: Judge) -> dict[int, Judge]:
    """Return who judges each conversation: a canary's arm, else the one of production."""
    found = dict.fromkeys(conversation_ids, standing)
    for split in _splits:
        found |= split(conversation_ids)
    return found


def model_of(arm: ArmSpec) -> str:
    """Return the model that an arm asks; "" when its provider cannot be asked at all."""
    if arm.model:
        return arm.model
    try:
        return provider_ref(arm.provider_id).chat_model
    except ProviderUnavailable:
        return ""
