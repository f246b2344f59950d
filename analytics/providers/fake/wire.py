"""Answers of the fake provider in the forms that OpenAI-compatible servers use."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


def chat(
    body: Body,
    content: str,
    *,
    finish: str = "stop",
    refusal: str | None = None,
    usage: Any = "true",
) -> Answer:
    """Return a chat answer in the form that the request asked for."""
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": refusal}
    if body.get("tools") and refusal is None:
        call = {"name": "answer", "arguments": content}
        message["content"] = None
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": call}]
    whole: dict[str, Any] = {
        "id": "chatcmpl-fake",
        "object": "chat.completion",
        "created": 1_780_000_000,
        "model": f"{body.get('model', 'fake')}-2026-07",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
    }
    asked = sum(len(str(one.get("content", ""))) for one in body.get("messages", ()))
    if usage == "true":
        usage = _usage(asked * 10 // 36 + 8, len(content) * 10 // 36 + 4)
    if usage is not None:
        whole["usage"] = usage
    return as_json(200, whole)


def refused(
    status: int, message: str, *, code: str | None = None, param: str | None = None, **headers: str
) -> Answer:
    """Return an error in OpenAI's form; names of headers are written with underscores."""
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return as_json(status, {"error": error}, named)


def as_json(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """Return `value` as the body."""
    return Answer(status, json.dumps(value, ensure_ascii=False).encode(), headers or {})


def _usage(sent: int, said: int) -> dict[str, Any]:
    return {
        "prompt_tokens": sent,
        "completion_tokens": said,
        "total_tokens": sent + said,
        "prompt_tokens_details": {"cached_tokens": 0},
    }


def form_in(sent: bytes, content_type: str) -> dict[str, Any]:
    """Return the fields of a form; a file as its bytes, beside its name as `filename`."""
    whole = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + sent)
    found: dict[str, Any] = {}
    for part in whole.walk():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(content, bytes):
            continue
        if part.get_filename():
            found |= {name: content, "filename": part.get_filename()}
        else:
            found[name] = content.decode()
    return found
