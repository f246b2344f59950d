"""What answers must look like: JSON Schema in the strict subset that providers share.

Every property is required, nothing else may come, and ranges are said in words only: servers
differ in which keywords they take, so the values are checked when they arrive.
"""

from typing import Any

from django.utils.translation import gettext as _

from analytics.models.choices import Emotion, Task, Tone

CATEGORIES = (
    "entrega", "cobranca", "troca_devolucao", "defeito", "cancelamento", "duvida", "agendamento",
    "cadastro_acesso", "elogio", "reclamacao", "vendas", "outro",
)  # fmt: skip
_KEYWORDS = frozenset(
    {"type", "description", "enum", "items", "properties", "required", "additionalProperties"}
)
_SCALARS = frozenset({"string", "number", "integer", "boolean"})


def _whole(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


def _text(words: str) -> dict[str, Any]:
    return {"type": "string", "description": words}


def _number(words: str) -> dict[str, Any]:
    return {"type": "number", "description": words}


def _integer(words: str) -> dict[str, Any]:
    return {"type": "integer", "description": words}


def _one_of(values: list[str]) -> dict[str, Any]:
    return {"type": "string", "enum": values}


_MESSAGE = _whole(
    {
        "id": _integer("the id that the message came with"),
        "sentiment": _number("-1 (very negative) to 1 (very positive); 0 when nothing is valued"),
        "emotion": _one_of(list(Emotion.values)),
        "satisfaction": _integer("0 to 100; 50 when nothing shows it"),
        "tone": _one_of(list(Tone.values)),
        "summary": _text("at most 200 characters, in the language of the message; empty if short"),
        "confidence": _number("0 to 1"),
    }
)

SCHEMAS: dict[str, dict[str, Any]] = {
    Task.MESSAGE: _whole({"items": {"type": "array", "items": _MESSAGE}}),
    Task.CONVERSATION: _whole(
        {
            "category": _one_of(list(CATEGORIES)),
            "sentiment": _number("-1 to 1, of the whole conversation"),
            "satisfaction": _integer("0 to 100, at its end"),
            "trend": _number("-2 to 2, the end less the beginning"),
            "resolved": _one_of(["yes", "no", "unknown"]),
            "summary": _text("at most 600 characters"),
            "next_step": _text("what the company should do next, at most 200 characters; or empty"),
            "evidence": {"type": "array", "items": _integer("ids of messages that show it")},
            "confidence": _number("0 to 1"),
        }
    ),
    Task.ROUTING: _whole(
        {
            "queue": _text("the id of one of the given queues, or empty"),
            "confidence": _number("0 to 1"),
            "intent": _text("what the customer wants, in at most 80 characters"),
            "priority": _one_of(["low", "normal", "high"]),
            "language": _text("ISO 639-1"),
        }
    ),
    Task.REPLY: _whole(
        {
            "suggestions": {
                "type": "array",
                "items": _whole(
                    {
                        "tone": _one_of(["formal", "cordial", "informal"]),
                        "text": _text("a reply that can be sent as it is, at most 600 characters"),
                    }
                ),
            }
        }
    ),
}


def schema_problem(task: str, schema: object) -> str:
    """Return why a schema cannot serve `task`, "" when it can.

    Descriptions may differ from ours and scalar properties may be added; what the house reads
    must stay as it is.
    """
    return _difference(SCHEMAS[task], schema, "$")


def _difference(base: Any, given: Any, place: str) -> str:
    if not isinstance(given, dict):
        return f"{place}: " + _("an object is expected")
    if base["type"] != given.get("type"):
        return f"{place}.type: " + _("“%(type)s” is expected") % {"type": base["type"]}
    strange = set(given) - _KEYWORDS
    if strange or not isinstance(given.get("description", ""), str):
        name = min((str(key) for key in strange), default="description")
        return f"{place}.{name}: " + _("not every server understands this")
    if base.get("enum") != given.get("enum"):
        return f"{place}.enum: " + _("must be as in the template of the house")
    if base["type"] == "array":
        return _difference(base["items"], given.get("items"), f"{place}.items")
    return _object_difference(base, given, place) if base["type"] == "object" else ""


def _object_difference(base: dict[str, Any], given: dict[str, Any], place: str) -> str:
    properties = given.get("properties")
    if not isinstance(properties, dict):
        return f"{place}.properties: " + _("an object is expected")
    if given.get("additionalProperties") is not False:
        return f"{place}.additionalProperties: " + _("must be false")
    required = given.get("required")
    if not isinstance(required, list) or {str(name) for name in required} != set(properties):
        return f"{place}.required: " + _("must name every property")
    for name, wanted in base["properties"].items():
        if name not in properties:
            return f"{place}.properties.{name}: " + _("is missing")
        problem = _difference(wanted, properties[name], f"{place}.{name}")
        if problem:
            return problem
    return _problem_of_added(properties, frozenset(base["properties"]), place)


def _problem_of_added(properties: dict[str, Any], known: frozenset[str], place: str) -> str:
    for name in set(properties) - known:
        one = properties[name]
        kind = one.get("type") if isinstance(one, dict) else None
        if not isinstance(kind, str) or kind not in _SCALARS:
            return f"{place}.{name}: " + _("only texts, numbers and booleans may be added")
        if set(one) - {"type", "description", "enum"}:
            words = _("only type, description and enum are understood by all servers")
            return f"{place}.{name}: {words}"
        if "enum" in one and not _is_word_list(one["enum"]):
            return f"{place}.{name}.enum: " + _("must be a list of texts or numbers")
    return ""


def _is_word_list(values: object) -> bool:
    return (
        isinstance(values, list)
        and bool(values)
        and all(isinstance(one, str | int | float) for one in values)
    )
