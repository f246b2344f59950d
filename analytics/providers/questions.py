"""The body of a chat request on each rung of the ladder; standard parameters only."""

from collections.abc import Mapping
from typing import Any

import orjson

from analytics.providers.capabilities import Capabilities
from analytics.providers.shape import bare_schema

TOOL = "answer"
MOST_OUTPUT = 4_096
# Of an invalid answer that is shown to the model again.
_LONGEST_QUOTE = 2_000


def messages_of(system: str, user: str) -> list[dict[str, str]]:
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def chat_body(
    model: str,
    messages: list[dict[str, str]],
    schema: Mapping[str, Any],
    params: Mapping[str, Any],
    capabilities: Capabilities,
) -> dict[str, Any]:
    """Return the request; `params` may hold temperature, seed and max_tokens."""
    body: dict[str, Any] = {"model": model, "messages": messages}
    body[capabilities.max_tokens_param] = int(params.get("max_tokens") or MOST_OUTPUT)
    if capabilities.temperature:
        body["temperature"] = params.get("temperature", 0)
    if capabilities.seed and params.get("seed") is not None:
        body["seed"] = params["seed"]
    _ASKS[capabilities.structured](body, schema)
    return body


def again(messages: list[dict[str, str]], answer: str, faults: list[str]) -> list[dict[str, str]]:
    """Return the talk with an invalid answer and what is wrong with it: asked once more."""
    words = "; ".join(faults) or "it is not a JSON object"
    complaint = f"Your answer is not valid ({words}). Answer again, only with the whole JSON."
    return [
        *messages,
        {"role": "assistant", "content": answer[:_LONGEST_QUOTE] or "{}"},
        {"role": "user", "content": complaint},
    ]


def _ask_by_schema(body: dict[str, Any], schema: Mapping[str, Any]) -> None:
    named = {"name": _name(schema), "strict": True, "schema": bare_schema(schema)}
    body["response_format"] = {"type": "json_schema", "json_schema": named}


def _ask_by_tool(body: dict[str, Any], schema: Mapping[str, Any]) -> None:
    function = {"name": TOOL, "description": _name(schema), "parameters": bare_schema(schema)}
    body["tools"] = [{"type": "function", "function": function}]
    body["tool_choice"] = {"type": "function", "function": {"name": TOOL}}


def _ask_by_object(body: dict[str, Any], schema: Mapping[str, Any]) -> None:
    body["response_format"] = {"type": "json_object"}
    _ask_in_words(body, schema)


def _ask_in_words(body: dict[str, Any], schema: Mapping[str, Any]) -> None:
    """Put the schema into the system message; servers want the word JSON there anyway."""
    wanted = orjson.dumps(bare_schema(schema)).decode()
    words = f"Answer only with a JSON object that fits this JSON schema, without prose:\n{wanted}"
    first, *others = body["messages"]
    body["messages"] = [{**first, "content": f"{first['content']}\n\n{words}"}, *others]


def _name(schema: Mapping[str, Any]) -> str:
    name = schema.get("name")
    return name if isinstance(name, str) and bare_schema(schema) is not schema else TOOL


_ASKS = {
    "json_schema": _ask_by_schema,
    "tools": _ask_by_tool,
    "json_object": _ask_by_object,
    "plain": _ask_in_words,
}
