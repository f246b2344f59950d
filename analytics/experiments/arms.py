"""Sides of an experiment: what a person may choose, and what judges in their name."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from analytics.analysis.items import ArmSpec
from analytics.embedded import analyser
from analytics.experiments import yardstick
from analytics.models import Arm, Booster, ExperimentRun, PromptTemplate
from analytics.models.choices import Task
from analytics.prompting.versions import is_intact
from analytics.providers.refs import (
    ProviderUnavailable,
    offers,
    provider_ref,
    providers_for_tenant,
)
from analytics.providers.rows import provider_rows
from evosense.core.errors import Conflict, Invalid

BASELINE = "baseline"
MOST_CANDIDATES = 3
# The plain list of words: an analyser that does not beat it is worth nothing.
WORDS = "words"
_BOOSTER = "+booster-"


@dataclass(frozen=True, slots=True)
class Choice:
    """One side as it is asked for: `engine` is embedded, words, booster:<n> or a provider's id.

    `template` is the id of a version; without one a provider gets the words of the house.
    """

    engine: str
    model: str = ""
    template: UUID | None = None


@dataclass(frozen=True, slots=True)
class Judging:
    """What a side needs to judge: the analyser; None for the list of words."""

    spec: ArmSpec | None


def arm_of(choice: Choice, *, key: str, field: str) -> Arm:
    """Return an unsaved side; raises Invalid naming `field` for what does not exist here."""
    arm = Arm(key=key, is_baseline=key == BASELINE)
    if choice.engine in {"embedded", WORDS} or choice.engine.startswith("booster:"):
        arm.model_name = _embedded_model(choice.engine, field)
        return arm
    model = choice.model.strip()[:120]
    arm.provider_id, arm.model_name = _provider(choice.engine, model, field)
    if choice.template is not None:
        arm.template = _template(choice.template, field)
    return arm


def choice_of(arm: Arm) -> Choice:
    """Return how this side would be asked for again."""
    template = arm.template.public_id if arm.template else None
    if arm.provider_id is not None:
        return Choice(str(arm.provider_id), arm.model_name, template)
    if _BOOSTER in arm.model_name:
        return Choice(f"booster:{arm.model_name.rpartition('-')[2]}")
    return Choice(WORDS if is_yardstick(arm) else "embedded")


def judging_of(arm: Arm) -> Judging:
    """Return what judges for this side; raises Conflict when it is no longer there."""
    if arm.template is not None and not is_intact(arm.template):
        raise Conflict("prompt_altered", _("This version was altered outside of the application."))
    if arm.provider_id is not None:
        return Judging(
            ArmSpec(
                kind="provider",
                provider_id=arm.provider_id,
                model=arm.model_name,
                template=arm.template,
            )
        )
    if _BOOSTER in arm.model_name:
        return Judging(ArmSpec(booster=booster_of(arm)))
    return Judging(None if is_yardstick(arm) else ArmSpec())


def is_yardstick(arm: Arm) -> bool:
    """Tell whether this side is the list of words, which never judges in production."""
    return arm.provider_id is None and arm.model_name == yardstick.NAME


def booster_of(arm: Arm) -> Booster | None:
    """Return the booster that this side names, None when it names none; raises Conflict."""
    if arm.provider_id is not None or _BOOSTER not in arm.model_name:
        return None
    found = Booster.objects.filter(version=int(arm.model_name.rpartition("-")[2])).first()
    if found is None:
        raise Conflict("no_booster", _("This booster is no longer there."))
    if found.analyser != analyser().version:
        message = _("This booster was trained beside a former analyser. Train another one.")
        raise Conflict("former_booster", message)
    return found


def engine_choices() -> list[tuple[str, str]]:
    """Return (engine, words) of what may judge here."""
    choices = [
        ("embedded", _("Embedded analyser")),
        (WORDS, _("List of words (yardstick)")),
    ]
    for booster in _fitting_boosters().defer("weights").order_by("-version"):
        words = _("Embedded analyser with booster %(number)s") % {"number": booster.version}
        choices.append((f"booster:{booster.version}", words))
    return choices + [(str(row.pk), row.name) for row in providers_for_tenant() if row.is_active]


def template_choices() -> list[tuple[str, str]]:
    """Return (id, version) of the company's prompts for messages, the newest first."""
    rows = PromptTemplate.objects.filter(task=Task.MESSAGE).order_by("-pk")[:200]
    return [(str(public_id), version) for public_id, version in rows.values_list(
        "public_id", "version"
    )]  # fmt: skip


def short_name(arm: Arm) -> str:
    """Return what a side is called in tables: its version, or what judges."""
    if arm.template is not None:
        return arm.template.version
    if arm.provider_id is not None:
        return arm.model_name
    if is_yardstick(arm):
        return _("list of words")
    if _BOOSTER in arm.model_name:
        return _("booster %(number)s") % {"number": arm.model_name.rpartition("-")[2]}
    return _("embedded")


def names_of(arms: list[Arm]) -> dict[str, str]:
    """Return the name of each side by its key; two of one prompt are told apart by their model."""
    names = {arm.key: short_name(arm) for arm in arms}
    for arm in arms:
        if list(names.values()).count(names[arm.key]) > 1:
            names[arm.key] = f"{short_name(arm)} · {arm.model_name}"[:80]
    return names


def provider_name(arm: Arm) -> str:
    """Return who is asked: the provider's name, or that it is the house's own analyser."""
    if is_yardstick(arm):
        return _("List of words (yardstick)")
    if arm.provider_id is None:
        return _("Embedded analyser")
    row = provider_rows().filter(pk=arm.provider_id).first()
    return row.name if row else _("a provider that was removed")


def arms_of(run: ExperimentRun) -> list[Arm]:
    """Return the sides, the baseline first."""
    return list(run.arms.select_related("template").order_by("-is_baseline", "pk"))


def _embedded_model(engine: str, field: str) -> str:
    version = analyser().version
    if engine == "embedded":
        return version
    if engine == WORDS:
        return yardstick.NAME
    number = engine.partition(":")[2]
    if not number.isdecimal() or not _fitting_boosters().filter(version=int(number)).exists():
        raise Invalid("invalid", _("Choose who judges."), field=field)
    return f"{version}{_BOOSTER}{int(number)}"


def _fitting_boosters() -> QuerySet[Booster]:
    return Booster.objects.filter(analyser=analyser().version)


def _provider(engine: str, model: str, field: str) -> tuple[UUID, str]:
    try:
        ref = provider_ref(UUID(engine))
    except ValueError as error:
        raise Invalid("invalid", _("Choose who judges."), field=field) from error
    except ProviderUnavailable as error:
        raise Invalid(error.code, _("This provider cannot be asked now."), field=field) from error
    if model and not offers(ref, model):
        message = _("The house's provider does not offer this model.")
        raise Invalid("model_not_offered", message, field=field)
    return ref.id, model or ref.chat_model


def _template(public_id: UUID, field: str) -> PromptTemplate:
    found = PromptTemplate.objects.filter(public_id=public_id, task=Task.MESSAGE).first()
    if found is None:
        raise Invalid("invalid", _("Choose one of the prompts for messages."), field=field)
    return found
