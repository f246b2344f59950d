"""Asking a model for embeddings. Call it outside transactions."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from analytics.providers import breaker, client, levels, limits
from analytics.providers.attempts import Attempt, read_usage
from analytics.providers.breaker import Gate
from analytics.providers.capabilities import Capabilities
from analytics.providers.client import Reply
from analytics.providers.failures import PASSING
from analytics.providers.plain import plain
from analytics.providers.prices import estimate_tokens
from analytics.providers.refs import ProviderRef
from analytics.providers.vectors import DIMENSIONS, BadVectorsError, Vectors, fitted, read_vectors

__all__ = ["DIMENSIONS", "EmbedOutcome", "embed"]

# Of one request; most servers take this many, and an answer stays within a few megabytes.
AT_ONCE = 64
LONGEST_ANSWER = 8 * 1024 * 1024
REQUEST_SECONDS = 30.0
_RETRIES = 2
_REPAIRS = 2
_LONGEST_WAIT = 20.0


@dataclass(frozen=True, slots=True)
class EmbedOutcome:
    """`vectors` of shape (n, 768), each of length one; None, and a code of ours, otherwise."""

    vectors: Vectors | None
    error: str = ""
    attempts: tuple[Attempt, ...] = ()
    retry_after: float | None = None
    # How long the server's own vectors are; 0 when none came.
    native_dimensions: int = 0


def embed(
    ref: ProviderRef, texts: Sequence[str], *, model: str = "", deadline_seconds: float = 120.0
) -> EmbedOutcome:
    """Embed `texts` in requests of up to 64; all or nothing. Redact them before."""
    if not texts:
        return EmbedOutcome(np.zeros((0, DIMENSIONS), dtype=np.float32))
    if not (model or ref.embedding_model):
        return EmbedOutcome(None, "no_model")
    run = _Run(ref, model or ref.embedding_model, time.monotonic() + deadline_seconds)
    parts: list[Vectors] = []
    for start in range(0, len(texts), AT_ONCE):
        found = run.part(list(texts[start : start + AT_ONCE]))
        if found is None:
            break
        parts.append(found)
    whole = None if run.error else np.concatenate(parts)
    return EmbedOutcome(
        whole, run.error, tuple(run.attempts), run.retry_after, run.capabilities.embed_native_dim
    )


def embed_once(ref: ProviderRef, texts: Sequence[str]) -> tuple[EmbedOutcome, Capabilities]:
    """Embed for the test of a connection: whatever the breaker says, and nothing is kept."""
    run = _Run(ref, ref.embedding_model, time.monotonic() + REQUEST_SECONDS, is_test=True)
    found = run.part(list(texts))
    outcome = EmbedOutcome(found, run.error, tuple(run.attempts), run.retry_after)
    return outcome, run.capabilities


class _Run:
    def __init__(
        self, ref: ProviderRef, model: str, deadline: float, *, is_test: bool = False
    ) -> None:
        self.attempts: list[Attempt] = []
        self.error = ""
        self.retry_after: float | None = None
        if not is_test:
            ref = levels.known(ref, model)
        self.capabilities: Capabilities = ref.capabilities
        self._ref, self._model, self._deadline = ref, model, deadline
        self._retries, self._repairs, self._is_test = _RETRIES, _REPAIRS, is_test

    def part(self, texts: list[str]) -> Vectors | None:
        """Embed one request's texts; None with `error` set when that failed."""
        while time.monotonic() < self._deadline:
            gate = self._gate()
            if not gate.is_open:
                return self._fail("breaker_open", gate.wait_seconds or None)
            reply = self._send(texts)
            if reply is None:
                if gate.is_trial:
                    breaker.hand_back(self._ref)
                return None
            self._tell_breaker(reply, is_trial=gate.is_trial)
            if not reply.error:
                return self._read(reply, len(texts))
            if not self._goes_on(reply):
                return self._fail(reply.error, reply.retry_after)
        return self._fail("timed_out")

    def _gate(self) -> Gate:
        return Gate(is_open=True) if self._is_test else breaker.gate(self._ref, self._model)

    def _send(self, texts: list[str]) -> Reply | None:
        tokens = sum(map(estimate_tokens, texts))
        permit = limits.wait_for(self._ref, tokens, self._left() / 2)
        if permit.wait_seconds > 0:
            self._fail("rate_limited", permit.wait_seconds)
            return None
        body: dict[str, Any] = {"model": self._model, "input": texts}
        if self.capabilities.embed_dimensions_param:
            body["dimensions"] = DIMENSIONS
        seconds = min(REQUEST_SECONDS, self._left())
        reply = client.post(self._ref, "embeddings", body, seconds=seconds, longest=LONGEST_ANSWER)
        used = self._write_down(reply, sum(map(len, texts)))
        limits.leave(
            self._ref,
            permit,
            used_tokens=used,
            is_good=not reply.error,
            is_limited=reply.error == "rate_limited",
            headers=reply.headers,
            pause_seconds=reply.retry_after or 0.0,
        )
        return reply

    def _read(self, reply: Reply, count: int) -> Vectors | None:
        try:
            raw = read_vectors(reply.data, count)
            found = fitted(raw, may_cut=self.capabilities.is_matryoshka)
        except BadVectorsError as error:
            return self._fail(error.code)
        known = replace(self.capabilities, embeddings=True, embed_native_dim=int(raw.shape[1]))
        self.capabilities = known
        if not self._is_test:
            levels.keep(self._ref, known, self._model)
        return found

    def _goes_on(self, reply: Reply) -> bool:
        """Tell whether to ask again, after the change or the pause that it needs."""
        if reply.fault and self._repairs:
            better = levels.repaired(self.capabilities, reply.fault)
            if better is not None and reply.fault == "dimensions":
                self._repairs -= 1
                self.capabilities = better
                return True
        if reply.error not in PASSING or not self._retries:
            return False
        self._retries -= 1
        wait = reply.retry_after
        if wait is None:
            wait = random.uniform(0, 0.5 * 2 ** (_RETRIES - self._retries))  # noqa: S311
        if wait > _LONGEST_WAIT or wait >= self._left():
            return False
        time.sleep(wait)
        return True

    def _tell_breaker(self, reply: Reply, *, is_trial: bool) -> None:
        if self._is_test:
            return
        if reply.error:
            breaker.note_failure(self._ref, reply.error, is_trial=is_trial, model=self._model)
        else:
            breaker.note_success(self._ref, is_trial=is_trial, model=self._model)

    def _write_down(self, reply: Reply, characters: int) -> int:
        usage = read_usage(None if reply.error else reply.data, sent=characters, answered=0)
        used = 0 if reply.error else usage.input_tokens
        self.attempts.append(
            Attempt(
                http_status=reply.status,
                error=reply.error,
                latency_ms=reply.latency_ms,
                input_tokens=used,
                is_estimated=usage.is_estimated and not reply.error,
                attempt=len(self.attempts) + 1,
                model_returned=_model_in(reply.data),
            )
        )
        return used

    def _fail(self, code: str, retry_after: float | None = None) -> Vectors | None:
        self.error, self.retry_after = code, retry_after
        return None

    def _left(self) -> float:
        return max(0.0, self._deadline - time.monotonic())


def _model_in(data: Any) -> str:
    return plain(data.get("model") if isinstance(data, dict) else None, 120)
