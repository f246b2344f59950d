"""How the fake provider may behave, from obedient to hostile.

A mode is a function of a request's body and of how many came before it in this mode. It returns an
`Answer`, or None to close the connection without a word.
"""

import time
from collections.abc import Callable
from typing import Any

from analytics.providers.fake.replies import Item, answer_to, written
from analytics.providers.fake.vectors import embedded
from analytics.providers.fake.wire import Answer, Body, as_json, chat, refused

Mode = Callable[[Body, int], Answer | None]
SLOW_SECONDS = 3.0
# What every recording says.
SPOKEN = "Oi, o meu pedido chegou quebrado e ninguém me responde, isso é péssimo."
HUGE = 6 * 1024 * 1024


def _ok(body: Body, _number: int) -> Answer:
    if "file" in body:
        return as_json(200, {"text": SPOKEN})
    if "input" in body:
        return as_json(200, embedded(body))
    return chat(body, written(answer_to(body)))


def _changed(change: Callable[[list[Item]], list[Item]]) -> Mode:
    return lambda body, _number: chat(body, written(answer_to(body, change=change)))


def _always(answer: Answer | None) -> Mode:
    return lambda _body, _number: answer


def _at_first(times: int, answer: Answer | None) -> Mode:
    """Return a mode that recovers after so many requests."""
    return lambda body, number: answer if number < times else _ok(body, number)


def _without(*kinds: str) -> Mode:
    """Return a server that does not know these ways of asking for JSON."""

    def answer(body: Body, number: int) -> Answer:
        kind = _kind_of(body)
        if kind in kinds:
            name = "tools" if kind == "tools" else "response_format"
            message = f"'{name}' of type '{kind}' is not supported with this model."
            return refused(400, message, param=name)
        return _ok(body, number)

    return answer


def _kind_of(body: Body) -> str:
    if body.get("tools"):
        return "tools"
    return str((body.get("response_format") or {}).get("type", "plain"))


def _ignores(body: Body, _number: int) -> Answer:
    """Answer with JSON amid prose, whatever form was asked for."""
    made = written(answer_to(body))
    return chat({**body, "tools": None}, f"Claro! Aqui está:\n```json\n{made}\n```\nAbraço {{:-)")


def _prose(body: Body, _number: int) -> Answer:
    if "file" in body:
        return Answer(200, b"Claro! Segue o texto.", {}, "text/plain")
    return chat({**body, "tools": None}, "A cliente parece satisfeita {com tudo} [risos].")


def _silence(body: Body, number: int) -> Answer:
    return as_json(200, {"text": "  "}) if "file" in body else _ok(body, number)


def _slow(body: Body, number: int) -> Answer:
    time.sleep(SLOW_SECONDS)
    return _ok(body, number)


def _obeys(body: Body, _number: int) -> Answer:
    return chat(body, written(answer_to(body, obeys=True)))


def _renames(body: Body, number: int) -> Answer:
    """Behave as newer models of OpenAI: one parameter has another name, another is gone."""
    if "max_tokens" in body:
        message = "Unsupported parameter: use 'max_completion_tokens' instead."
        return refused(400, message, param="max_tokens", code="unsupported_parameter")
    if "temperature" in body:
        message = "Unsupported value: 'temperature' does not support this value."
        return refused(400, message, param="temperature", code="unsupported_value")
    return _ok(body, number)


def _told(usage: Any) -> Mode:
    return lambda body, _number: chat(body, written(answer_to(body)), usage=usage)


def _cut(body: Body, _number: int) -> Answer:
    return chat(body, written(answer_to(body))[:40], finish="length")


def _refuses(body: Body, _number: int) -> Answer:
    return chat(body, "", refusal="I cannot help with that.")


def _deep(body: Body, _number: int) -> Answer:
    return chat({**body, "tools": None}, '{"items":' + "[" * 5_000 + "]" * 5_000 + "}")


def _out_of_range(items: list[Item]) -> list[Item]:
    return [{**one, "sentiment": 7.5, "satisfaction": 900, "confidence": -2} for one in items]


def _vectors(**options: Any) -> Mode:
    return lambda body, _number: as_json(200, embedded(body, **options))


def _fixed_dimensions(body: Body, _number: int) -> Answer:
    if "dimensions" in body:
        message = "This model does not support specifying dimensions."
        return refused(400, message, param="dimensions")
    return as_json(200, embedded(body, width=384))


_LIMITED = refused(
    429,
    "Rate limit reached for requests",
    code="rate_limit_exceeded",
    retry_after_ms="120",
    x_ratelimit_limit_requests="600",
    x_ratelimit_remaining_requests="0",
    x_ratelimit_reset_requests="100ms",
)
_QUOTA = refused(429, "You exceeded your current quota.", code="insufficient_quota")
_LONG = refused(400, "This model's maximum context length is 8192 tokens.", code="context_length")
_FILTER = refused(400, "The response was filtered.", code="content_filter")
_HTML = Answer(200, b"<html><body>Bem-vindo ao roteador</body></html>", {}, "text/html")

MODES: dict[str, Mode] = {
    "ok": _ok,
    "no_json_schema": _without("json_schema"),
    "no_tools": _without("json_schema", "tools"),
    "no_json_object": _without("json_object"),
    "only_plain": _without("json_schema", "tools", "json_object"),
    "ignores_format": _ignores,
    "prose": _prose,
    "wrong_ids": _changed(lambda items: [{**one, "id": one["id"] + 9_000} for one in items]),
    "missing_ids": _changed(lambda items: items[1:]),
    "duplicate_ids": _changed(lambda items: [*items, *items[:1]]),
    "out_of_range": _changed(_out_of_range),
    "silence": _silence,
    "nothing": _changed(lambda _items: []),
    "slow": _slow,
    "limited": _at_first(1, _LIMITED),
    "limited_long": _always(refused(429, "Rate limit reached", retry_after="120")),
    "unauthorized": _always(refused(401, "Incorrect API key provided: sk-***.")),
    "forbidden": _always(refused(403, "Country not supported.")),
    "not_found": _always(refused(404, "The model does not exist.", code="model_not_found")),
    "quota": _always(_QUOTA),
    "too_long": _always(_LONG),
    "filter": _always(_FILTER),
    "bad_request": _always(refused(400, "messages: expected a list.")),
    "drops": _always(None),
    "drops_once": _at_first(1, None),
    "obeys": _obeys,
    "no_usage": _told(None),
    "lying_usage": _told({"prompt_tokens": -5, "completion_tokens": 10**12}),
    "renames": _renames,
    "length": _cut,
    "refusal": _refuses,
    "broken": _always(refused(500, "Internal error")),
    "broken_once": _at_first(1, refused(502, "Bad gateway")),
    "html": _always(_HTML),
    "html_error": _always(Answer(502, b"<html>Bad gateway</html>", {}, "text/html")),
    "huge": _always(Answer(200, b'{"choices":"' + b"x" * HUGE + b'"}')),
    "redirect": _always(Answer(307, b"", {"Location": "http://127.0.0.1:1/v1/chat/completions"})),
    "deep": _deep,
    "fixed_dimensions": _fixed_dimensions,
    "long_vectors": _vectors(width=1_536, obeys=False),
    "broken_vectors": _vectors(width=768, spoil="nan"),
    "few_vectors": _vectors(width=768, spoil="few"),
}
