"""One question of another task than judging messages: a conversation, a route, replies."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analytics.analysis.calls import asked_of
from analytics.analysis.items import EMBEDDED, Mark
from analytics.analysis.paid import ask_paid
from analytics.analysis.prompts import prompt_of
from analytics.analysis.settings import ai_settings
from analytics.models import AiSettings
from analytics.prompting.labels import resolve
from analytics.providers.refs import ProviderUnavailable, provider_ref
from analytics.redaction import redact
from evosense.core.errors import DomainError

# Stands for the attendant's name in the instructions, as other placeholders do in texts.
_AGENT = "[AGENTE_1]"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider said; `data` None with a code in `error`, "embedded" when none is chosen."""

    data: dict[str, Any] | None = None
    error: str = ""
    provider: str = EMBEDDED
    model: str = ""
    prompt_version: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """`turns` are the texts of people, which are redacted; `extra` is ours and goes as it is."""

    task: str
    purpose: str
    turns: list[dict[str, Any]]
    extra: Mapping[str, Any]
    names: tuple[str, ...] = ()
    values: Mapping[str, str] | None = None
    part: str = "all"
    seconds: float = 45.0
    output_tokens: int = 1_500


def ask_task(request: Request) -> Answer:
    """Ask the company's provider; texts of the answer come back with personal data restored.

    Never raises for what a provider does.
    """
    settings = ai_settings()
    if settings.engine != AiSettings.Engine.PROVIDER:
        return Answer(error=EMBEDDED)
    try:
        ref = provider_ref(settings.provider_id)
        template = resolve(request.task)
    except ProviderUnavailable as error:
        return Answer(error=error.code)
    except DomainError as error:
        return Answer(error=error.code)
    prompt = prompt_of(request.task, template)
    asked = asked_of(ref, "", prompt, request.purpose, Mark(run_key=request.task))
    hides = settings.redacts and not ref.is_local
    texts = [str(turn["text"]) for turn in request.turns]
    hidden = redact(texts, request.names) if hides else None
    values = dict(request.values or {})
    if hidden and values.get("agent"):
        hidden.originals[_AGENT], values["agent"] = values["agent"], _AGENT
    turns = [
        {**turn, "text": text}
        for turn, text in zip(request.turns, hidden.texts if hidden else texts, strict=True)
    ]
    outcome, _spent = ask_paid(
        asked,
        settings,
        {"messages": turns, **request.extra},
        items=1,
        part=request.part,
        output_tokens=request.output_tokens,
        deadline_seconds=request.seconds,
        values=values,
    )
    if outcome.status != "ok" or outcome.data is None:
        return Answer(error=outcome.error or outcome.status)
    data = _restored(outcome.data, hidden.restore) if hidden else outcome.data
    return Answer(data, "", ref.name, asked.model, prompt.version)


def _restored(value: Any, restore: Any) -> Any:
    """Put personal data back into every text of an answer."""
    if isinstance(value, str):
        return restore(value)
    if isinstance(value, list):
        return [_restored(each, restore) for each in value]
    if isinstance(value, dict):
        return {name: _restored(each, restore) for name, each in value.items()}
    return value
