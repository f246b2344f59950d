"""A new experiment: what it asks is fixed here, before anybody has seen a result."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.experiments.arms import BASELINE, MOST_CANDIDATES, Choice, arm_of, is_yardstick
from analytics.experiments.estimate import check_countable, estimate_micros, expected_messages
from analytics.experiments.metrics import PRIMARIES
from analytics.experiments.statistics.proportions import messages_needed
from analytics.models import Arm, ExperimentRun, GoldSet
from evosense.core.errors import Conflict, DomainError, Invalid
from evosense.core.ids import random_base62, uuid7
from tenancy.services import audit
from tenancy.services.names import clean_name, clean_note

Mode = ExperimentRun.Mode
# Pairs in which one side alone is right, where nobody has counted them yet.
DISCORDANT = 0.2
LEAST_EFFECT, MOST_EFFECT = 0.01, 0.5
MOST_MESSAGES = 20_000
LONGEST_NAME, LONGEST_DESCRIPTION = 200, 2_000
LONGEST_WINDOW = timedelta(days=730)
_NONE = UUID(int=0)
# What each way of finding messages asks for; nothing else is taken with it.
FIELDS = {
    Mode.GOLD: frozenset({"gold_set"}),
    Mode.BACKFILL: frozenset({"since", "until", "connections", "size"}),
    Mode.SHADOW: frozenset({"share", "size"}),
    Mode.CANARY: frozenset({"share", "size"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """What a person or program asks for; `size` 0 means as many as the effect needs."""

    name: str
    mode: str
    baseline: Choice
    candidates: Sequence[Choice]
    description: str = ""
    primary_metric: str = "sentiment_accuracy"
    min_effect: float = 0.05
    since: datetime | None = None
    until: datetime | None = None
    connections: Sequence[UUID] = field(default_factory=tuple)
    size: int = 0
    share: float = 0.0
    gold_set: UUID | None = None
    budget_micros: int | None = None
    seed: int | None = None


def planned_size(min_effect: float) -> int:
    """Return the messages that the smallest interesting difference needs; raises Invalid."""
    if not LEAST_EFFECT <= min_effect <= MOST_EFFECT:
        raise Invalid("out_of_range", _("From 1 to 50 points."), field="min_effect")
    return messages_needed(min_effect, DISCORDANT)


def problems(asked: NewRun) -> list[DomainError]:
    """Return what is wrong, every field for itself, so that a form can say all of it at once."""
    checks: tuple[Callable[[], object], ...] = (
        lambda: clean_name(asked.name, field="name", length=LONGEST_NAME),
        lambda: clean_note(asked.description, field="description", length=LONGEST_DESCRIPTION),
        lambda: _metric(asked.primary_metric),
        lambda: planned_size(asked.min_effect),
        lambda: _seed(asked.seed),
        lambda: _budget(asked.budget_micros),
        lambda: _check_fields(asked),
    )
    if asked.mode in Mode.values:
        checks += (
            lambda: _gold_set(asked),
            lambda: _share(asked),
            lambda: _sample(asked, 1),
            lambda: _arms(asked),
        )
    return [found for check in checks if (found := _problem(check))]


def _problem(check: Callable[[], object]) -> DomainError | None:
    try:
        check()
    except DomainError as error:
        return error
    return None


def create_run(asked: NewRun, *, author_id: int | None, author: str) -> ExperimentRun:
    """Write a draft with its sides; raises Invalid naming the field, or Conflict."""
    planned = planned_size(asked.min_effect)
    _check_fields(asked)
    gold = _gold_set(asked)
    run = ExperimentRun(
        public_id=uuid7(), run_id=f"run_{random_base62(20)}",
        name=clean_name(asked.name, field="name", length=LONGEST_NAME),
        description=clean_note(
            asked.description, field="description", length=LONGEST_DESCRIPTION
        ),
        mode=_mode(asked.mode),
        primary_metric=_metric(asked.primary_metric), min_effect=asked.min_effect,
        sample=_sample(asked, planned), seed=_seed(asked.seed), share=_share(asked),
        gold_set=gold, budget_micros=_budget(asked.budget_micros),
        author_id=author_id, created_by=author[:100],
    )  # fmt: skip
    arms = _arms(asked)
    run.prompt_version = arms[0].template.version if arms[0].template else ""
    check_countable(run.budget_micros, arms)
    run.estimated_micros = estimate_micros(arms, expected_messages(run)).micros
    return _insert(run, arms)


def _insert(run: ExperimentRun, arms: Sequence[Arm]) -> ExperimentRun:
    with transaction.atomic():
        run.save(force_insert=True)
        for arm in arms:
            arm.run = run
        Arm.objects.bulk_create(arms)
        audit.record(
            "experiment.created",
            object_type="experiment",
            object_id=run.public_id,
            object_label=run.name,
        )
    run.refresh_from_db()
    return run


def _arms(asked: NewRun) -> list[Arm]:
    if not 1 <= len(asked.candidates) <= MOST_CANDIDATES:
        message = _("Choose one to three candidates.")
        raise Invalid("invalid", message, field="candidates")
    arms = [arm_of(asked.baseline, key=BASELINE, field="baseline")]
    for number, choice in enumerate(asked.candidates, start=1):
        arms.append(arm_of(choice, key=f"candidate-{number}", field=f"candidate_{number}"))
    if asked.mode == Mode.CANARY and any(is_yardstick(arm) for arm in arms):
        message = _("The list of words is a yardstick. It does not judge in production.")
        raise Invalid("not_a_judge", message, field="candidate_1")
    seen = {(arm.provider_id, arm.model_name, arm.template_id) for arm in arms}
    if len(seen) < len(arms):
        message = _("Two sides are the same: nothing would be compared.")
        raise Conflict("same_arms", message, field="candidate_1")
    return arms


def _mode(raw: str) -> str:
    if raw not in Mode.values:
        raise Invalid("invalid", _("Choose how the messages are found."), field="mode")
    return raw


def _check_fields(asked: NewRun) -> None:
    """Refuse what the mode would silently leave aside: its author would believe that it counts."""
    own = FIELDS[Mode(_mode(asked.mode))]
    for name in sorted(frozenset().union(*FIELDS.values()) - own):
        if getattr(asked, name):
            message = _("This mode does not use it: leave it out.")
            raise Invalid("not_of_mode", message, field=name)


def _metric(raw: str) -> str:
    if raw not in PRIMARIES:
        raise Invalid("invalid", _("Choose one of the measures."), field="primary_metric")
    return raw


def _seed(raw: int | None) -> int:
    if raw is None:
        return secrets.randbelow(10**8)
    if not 0 <= raw < 2**53:
        raise Invalid("out_of_range", _("A whole number from 0."), field="seed")
    return raw


def _budget(raw: int | None) -> int | None:
    if raw is not None and not 0 < raw < 2**53:
        raise Invalid("out_of_range", _("An amount above zero."), field="budget_micros")
    return raw


def _share(asked: NewRun) -> float:
    if "share" not in FIELDS[Mode(asked.mode)]:
        return 0.0
    most = 1.0 if asked.mode == Mode.SHADOW else 0.5
    if not 0 < asked.share <= most:
        message = _("A share above zero, of up to %(most)s %%.") % {"most": round(most * 100)}
        raise Invalid("out_of_range", message, field="share")
    if asked.mode == Mode.CANARY and len(asked.candidates) > 1:
        message = _("A canary has one candidate.")
        raise Invalid("invalid", message, field="candidates")
    return asked.share


def _gold_set(asked: NewRun) -> GoldSet | None:
    if asked.mode != Mode.GOLD:
        return None
    found = GoldSet.objects.filter(public_id=asked.gold_set or _NONE).first()
    if found is None:
        raise Invalid("required", _("Choose a gold set."), field="gold_set")
    if found.frozen_at is None:
        message = _("Freeze the set first: its labels must not move while it is used.")
        raise Conflict("not_frozen", message, field="gold_set")
    return found


def _sample(asked: NewRun, planned: int) -> dict[str, Any]:
    size = asked.size or planned
    if not 1 <= size <= MOST_MESSAGES:
        message = _("From 1 to %(most)s messages.") % {"most": f"{MOST_MESSAGES:,}"}
        raise Invalid("out_of_range", message, field="size")
    sample: dict[str, Any] = {"planned": planned, "size": size, "discordant": DISCORDANT}
    if asked.mode != Mode.BACKFILL:
        return sample
    return sample | _window(asked) | {"strata": ["week", "judged", "length", "connection"]}


def _window(asked: NewRun) -> dict[str, Any]:
    until = asked.until or timezone.now()
    since = asked.since or until - timedelta(days=90)
    if since >= until:
        raise Invalid("invalid", _("The window ends before it begins."), field="since")
    if until - since > LONGEST_WINDOW:
        raise Invalid("out_of_range", _("At most two years."), field="since")
    return {
        "since": since.isoformat(),
        "until": until.isoformat(),
        "connections": [str(one) for one in asked.connections],
        "groups": False,
    }
