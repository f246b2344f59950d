"""Making a candidate the one that judges, and taking that back: one transaction each.

Only people do this, on the page: a key of the API may run experiments, not decide them.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.analysis.settings import ai_settings
from analytics.experiments.arms import arms_of, booster_of, is_yardstick, judging_of
from analytics.experiments.gate import Gate, gate_of
from analytics.models import AiSettings, Arm, Booster, ExperimentRun, PromptTemplate
from analytics.models.choices import Task
from analytics.models.prompts import PRODUCTION, PromptLabel
from analytics.prompting.labels import LONGEST_REASON, Why, move_label, remove_label
from analytics.prompting.versions import Author
from analytics.providers.refs import provider_ref
from evosense.core.errors import Conflict, Invalid, NotAllowed
from tenancy.services import audit
from tenancy.services.names import clean_note

Status = ExperimentRun.Status


@dataclass(frozen=True, slots=True)
class Standing:
    """Who judges in production, as far as a promotion changes it."""

    engine: str
    provider_id: str | None
    booster: int | None
    template: int | None

    def kept(self) -> dict[str, Any]:
        return {
            "engine": self.engine,
            "provider_id": self.provider_id,
            "booster": self.booster,
            "template": self.template,
        }


def promote(
    run: ExperimentRun, key: str, *, author: Author, reason: str, may_override: bool
) -> ExperimentRun:
    """Let the candidate `key` judge from now on.

    Raises NotAllowed when the gate is shut and the person may not override it, Invalid for a
    missing reason, Conflict when the run is not over, was decided, or the side cannot judge alone.
    """
    reason = _reason(reason)
    with transaction.atomic():
        held = ExperimentRun.objects.select_for_update().get(pk=run.pk)
        _check_undecided(held)
        arm = _candidate(held, key)
        gate = gate_of(held, key)
        if not gate.is_open and not may_override:
            message = _("Not every condition holds. Only the owner may decide against them.")
            raise NotAllowed("gate_shut", message)
        before = _standing()
        _install(held, arm, author, Why(reason, held.run_id, _snapshot(held, gate)))
        held.decision = {
            "act": "promoted", "arm": key, "reason": reason, "at": timezone.now().isoformat(),
            "by": author.name, "overridden": not gate.is_open, "gate": gate.snapshot(),
            "before": before.kept(), "after": _standing().kept(),
        }  # fmt: skip
        held.save(update_fields=["decision"])
        _record(held, "experiment.promoted", arm.model_name)
    return held


def roll_back(run: ExperimentRun, *, author: Author) -> ExperimentRun:
    """Put back who judged before the promotion; Conflict when somebody changed it since."""
    with transaction.atomic():
        held = ExperimentRun.objects.select_for_update().get(pk=run.pk)
        decision = held.decision or {}
        if decision.get("act") != "promoted":
            raise Conflict("not_promoted", _("Nothing was promoted by this experiment."))
        if _standing().kept() != decision["after"]:
            message = _("Who judges was changed since. Choose it in the settings of analysis.")
            raise Conflict("changed_since", message)
        _restore(held, Standing(**decision["before"]), author)
        held.decision = decision | {
            "act": "rolled_back", "back_at": timezone.now().isoformat(), "back_by": author.name,
        }  # fmt: skip
        held.save(update_fields=["decision"])
        _record(held, "experiment.rolled_back", "")
    return held


def _check_undecided(run: ExperimentRun) -> None:
    if run.status != Status.COMPLETED or not run.report:
        message = _("Wait for the end: looking early and deciding early finds what is not there.")
        raise Conflict("not_over", message)
    if (run.decision or {}).get("act") == "promoted":
        raise Conflict("decided", _("This experiment was decided already."))


def _candidate(run: ExperimentRun, key: str) -> Arm:
    found = next((arm for arm in arms_of(run) if arm.key == key and not arm.is_baseline), None)
    if found is None:
        raise Invalid("invalid", _("Choose one of the candidates."), field="arm")
    return found


def _standing() -> Standing:
    settings = ai_settings()
    booster = Booster.objects.filter(state=Booster.State.ACTIVE).values_list("version", flat=True)
    label = PromptLabel.objects.filter(task=Task.MESSAGE, label=PRODUCTION)
    return Standing(
        engine=settings.engine,
        provider_id=str(settings.provider_id) if settings.provider_id else None,
        booster=booster.first(),
        template=label.values_list("template_id", flat=True).first(),
    )


def _install(run: ExperimentRun, arm: Arm, author: Author, why: Why) -> None:
    judging_of(arm)
    if arm.provider_id is not None:
        _install_provider(arm, author, why)
        return
    if is_yardstick(arm):
        message = _("The list of words is a yardstick. It does not judge in production.")
        raise Conflict("not_a_judge", message, field="arm")
    _choose(AiSettings.Engine.EMBEDDED, None)
    _activate(booster_of(arm), run.run_id)


def _install_provider(arm: Arm, author: Author, why: Why) -> None:
    ref = provider_ref(arm.provider_id)
    if arm.model_name != ref.chat_model:
        message = _("%(provider)s judges with %(model)s. Change the provider's model first.") % {
            "provider": ref.name,
            "model": ref.chat_model,
        }
        raise Conflict("other_model", message, field="arm")
    _label(arm.template, author, why)
    _choose(AiSettings.Engine.PROVIDER, arm.provider_id)


def _label(template: PromptTemplate | None, author: Author, why: Why) -> None:
    """Point production at a version, or at the house's words for none; there already is fine."""
    row = PromptLabel.objects.filter(task=Task.MESSAGE, label=PRODUCTION).first()
    if template is None:
        if row is not None:
            remove_label(row.name, PRODUCTION, author=author, reason=why.reason)
    elif row is None or row.template_id != template.pk:
        move_label(PRODUCTION, template, author=author, why=why)


def _choose(engine: str, provider_id: UUID | None) -> None:
    values = {"engine": engine} | ({"provider_id": provider_id} if provider_id else {})
    AiSettings.objects.update_or_create(pk=1, defaults=values)


def _activate(booster: Booster | None, run_id: str) -> None:
    others = Booster.objects.filter(state=Booster.State.ACTIVE)
    others.exclude(pk=booster.pk if booster else 0).update(state=Booster.State.RETIRED)
    if booster is not None:
        won = booster.won_run_id or run_id
        Booster.objects.filter(pk=booster.pk).update(state=Booster.State.ACTIVE, won_run_id=won)


def _restore(run: ExperimentRun, before: Standing, author: Author) -> None:
    template = PromptTemplate.objects.filter(pk=before.template or 0).first()
    reason = _("Back from the experiment “%(name)s”") % {"name": run.name}
    _label(template, author, Why(reason, run.run_id))
    AiSettings.objects.update_or_create(
        pk=1, defaults={"engine": before.engine, "provider_id": before.provider_id}
    )
    _activate(Booster.objects.filter(version=before.booster or 0).first(), run.run_id)


def _snapshot(run: ExperimentRun, gate: Gate) -> dict[str, Any]:
    return {"report": run.report, "gate": gate.snapshot()}


def _reason(raw: str) -> str:
    reason = clean_note(raw, field="reason", length=LONGEST_REASON)
    if not reason:
        message = _("Say why, in up to 1,000 characters.")
        raise Invalid("required", message, field="reason")
    return reason


def _record(run: ExperimentRun, act: str, who: str) -> None:
    audit.record(
        act,
        object_type="experiment",
        object_id=run.public_id,
        object_label=run.name,
        changes={"judge": [None, who]} if who else {},
    )
