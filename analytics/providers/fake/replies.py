"""Answers that fit whatever schema was asked for, made of the messages in the question."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from analytics.providers.extraction import read_json
from analytics.providers.fake.scoring import ATTACK, judged, obeyed

Item = dict[str, Any]
_BATCH_PROPERTIES: dict[str, Any] = {
    "id": {"type": "integer"},
    "sentiment": {"type": "number"},
    "emotion": {"type": "string"},
    "satisfaction": {"type": "integer"},
    "tone": {"type": "string"},
    "summary": {"type": "string"},
    "confidence": {"type": "number"},
}
_BATCH = {
    "type": "object",
    "properties": {
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "required": list(_BATCH_PROPERTIES),
                "properties": _BATCH_PROPERTIES,
            },
        }
    },
    "required": ["items"],
}


def schema_in(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of a request: of its response format, its tool, or its words."""
    form = body.get("response_format")
    named = form.get("json_schema") if isinstance(form, dict) else None
    if named:
        return dict(named["schema"])
    if body.get("tools"):
        return dict(body["tools"][0]["function"]["parameters"])
    words = " ".join(str(one.get("content", "")) for one in body.get("messages", ())[:1])
    place = words.find("JSON schema")
    try:
        found, _was_dug = read_json(words[place:]) if place >= 0 else (_BATCH, False)
    except ValueError:
        return _BATCH
    return found if isinstance(found, dict) else _BATCH


def messages_in(body: Mapping[str, Any]) -> list[Item]:
    """Return the messages that are to be judged: those of the first question that holds any."""
    for one in body.get("messages", ()):
        if one.get("role") != "user":
            continue
        try:
            found, _was_dug = read_json(str(one.get("content", "")))
        except ValueError:
            continue
        rows = found.get("messages") if isinstance(found, dict) else None
        if isinstance(rows, list):
            return [row for row in rows if isinstance(row, dict)]
    return []


def answer_to(
    body: Mapping[str, Any],
    *,
    obeys: bool = False,
    change: Callable[[list[Item]], list[Item]] | None = None,
) -> dict[str, Any]:
    """Return an object that fits the schema; `change` may spoil the list of judged messages."""
    messages = messages_in(body)
    attacked = obeys and any(ATTACK.search(str(one.get("text", ""))) for one in messages)
    maker = _Maker(messages, attacked=attacked, change=change)
    made = maker.value("", schema_in(body), " ".join(str(one.get("text", "")) for one in messages))
    return made if isinstance(made, dict) else {"items": made}


def written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


class _Maker:
    def __init__(
        self,
        messages: Sequence[Item],
        *,
        attacked: bool,
        change: Callable[[list[Item]], list[Item]] | None,
    ) -> None:
        self._messages, self._attacked, self._change = messages, attacked, change

    def value(self, name: str, schema: Mapping[str, Any], text: str) -> Any:
        """Return a value of the schema's type, about `text` where it has a meaning."""
        if schema.get("type") == "object":
            known = schema.get("properties", {})
            return {one: self.value(one, inner, text) for one, inner in known.items()}
        if schema.get("type") == "array":
            return self._list(name, schema.get("items", {}), text)
        return self._scalar(name, schema, text)

    def _list(self, name: str, schema: Mapping[str, Any], text: str) -> list[Any]:
        if "id" in schema.get("properties", {}):
            made = [
                {**self.value("", schema, str(one.get("text", ""))), "id": one.get("id")}
                for one in self._messages
            ]
            return self._change(made) if self._change else made
        if name == "evidence":
            return [one.get("id") for one in self._messages[:2]]
        count = 3 if schema.get("type") == "object" else 1
        return [self._numbered(name, schema, text, place) for place in range(count)]

    def _numbered(self, name: str, schema: Mapping[str, Any], text: str, place: int) -> Any:
        """Return a suggestion whose words and choices differ from those beside it."""
        made = self.value(name, schema, text)
        if not isinstance(made, dict):
            return made
        for one, inner in schema.get("properties", {}).items():
            if inner.get("enum"):
                made[one] = inner["enum"][place % len(inner["enum"])]
        return made

    def _scalar(self, name: str, schema: Mapping[str, Any], text: str) -> Any:
        values = obeyed() if self._attacked else judged(text)
        choices = schema.get("enum")
        if choices:
            wanted = values.get(name, values["label"])
            return wanted if wanted in choices else choices[0]
        kind = schema.get("type")
        kind = kind[0] if isinstance(kind, list) else kind
        if name in values:
            return values[name]
        number = float(values["sentiment"])
        plain = {"number": abs(number), "integer": 1, "boolean": number >= 0, "null": None}
        return plain.get(str(kind), f"Resposta sobre: {' '.join(text.split())[:80]}")
