"""A trial of the playground as an errand: what is asked, checked before it waits; what came of it.

Nothing of it reaches a message. Calls and their cost are kept as everywhere.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from analytics.analysis.items import ArmSpec, Item
from analytics.analysis.settings import ai_settings
from analytics.models import Errand, Inference, ModelCall, PromptTemplate, Task
from analytics.prompting import playground
from analytics.prompting.playground import Column
from analytics.providers.refs import providers_for_tenant
from evosense.core.errors import Invalid

EMBEDDED = "embedded"
# What the page and the API show of an answer.
_SHOWN = (
    "status", "error", "sentiment", "emotion", "satisfaction", "tone", "summary", "confidence",
    "is_suspicious", "is_cached", "latency_ms", "input_tokens", "output_tokens", "cost_micros",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Side:
    """Who judges: "embedded" or a provider's id, and a version's id; `key` names its field."""

    key: str
    engine: str
    template: str = ""


def request_of(
    sides: Sequence[Side], *, texts: str = "", messages: Sequence[UUID] = ()
) -> dict[str, Any]:
    """Return a trial as it waits; raises Invalid with the field for what cannot be tried."""
    columns = _columns(sides)
    _items(texts, messages)
    return {
        "sides": [
            {**asdict(side), "title": column.title}
            for side, column in zip(sides, columns, strict=True)
        ],
        "texts": texts,
        "messages": [str(one) for one in messages],
    }


def try_out(errand: Errand) -> dict[str, Any]:
    """Have every side judge every text; raises Invalid where something is gone meanwhile."""
    asked = errand.request
    sides = [Side(one["key"], one["engine"], one["template"]) for one in asked["sides"]]
    items = _items(asked["texts"], [UUID(one) for one in asked["messages"]])
    lines = playground.try_out(items, _columns(sides))
    return {
        "lines": [
            {
                "text": line.text,
                "message_id": str(line.message_id) if line.message_id else None,
                "answers": [_shown(row) for row in line.answers],
            }
            for line in lines
        ],
        "currencies": [_currency([line.answers[at] for line in lines]) for at in range(len(sides))],
    }


def _currency(answers: Sequence[Inference]) -> str:
    """Return in which money a side's calls were paid."""
    calls = ModelCall.objects.filter(pk__in={row.call_id for row in answers if row.call_id})
    return calls.values_list("currency", flat=True).first() or ai_settings().currency


def answer_row(shown: dict[str, Any]) -> Inference:
    """Return a kept answer as the row that it was."""
    return Inference(**shown)


def _shown(row: Inference) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _SHOWN}


def _items(texts: str, messages: Sequence[UUID]) -> list[Item]:
    return playground.stored(messages) if messages else playground.pasted(texts)


def _columns(sides: Sequence[Side]) -> list[Column]:
    if not sides:
        raise Invalid("required", _("Choose who judges."), field="side_1")
    return [_column(side) for side in sides]


def _column(side: Side) -> Column:
    if side.engine == EMBEDDED:
        return Column(_("Embedded analyser"), ArmSpec())
    known = {str(one.pk): one for one in providers_for_tenant() if one.is_active}
    provider = known.get(side.engine)
    if provider is None:
        raise Invalid("invalid", _("Choose one of the list."), field=side.key)
    template = _template(side)
    words = template.version if template else _("Words of the house")
    arm = ArmSpec("provider", provider_id=provider.pk, template=template)
    return Column(f"{provider.name} · {words}", arm)


def _template(side: Side) -> PromptTemplate | None:
    if not side.template:
        return None
    try:
        public_id = UUID(side.template)
    except ValueError:
        public_id = UUID(int=0)
    found = PromptTemplate.objects.filter(task=Task.MESSAGE, public_id=public_id).first()
    if found is None:
        raise Invalid("invalid", _("Choose one of the list."), field=side.key)
    return found
