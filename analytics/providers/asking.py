"""One operation against a provider, attempt by attempt."""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from analytics.providers import breaker, client, levels, limits
from analytics.providers.answers import Said, Understood, said_in, understand
from analytics.providers.attempts import Attempt, Usage, read_usage
from analytics.providers.breaker import Gate
from analytics.providers.client import Reply
from analytics.providers.failures import MAYBE_CHARGED, PASSING, TOO_LONG
from analytics.providers.limits import Permit
from analytics.providers.prices import estimate_tokens
from analytics.providers.questions import MOST_OUTPUT, again, chat_body, messages_of
from analytics.providers.refs import ProviderRef

RETRIES = 2
# Nothing more is asked: what was set aside for the operation is gone.
OVERSPENT = "overspent"
# Each parameter once, and the three steps of the ladder.
REPAIRS = 6
# A longer wish of the server is the queue's business, not this thread's.
LONGEST_WAIT = 30.0
_FIRST_WAIT, _MOST_JITTER = 0.5, 20.0
_LIVE_SECONDS, _BATCH_SECONDS, _SHARE = 30.0, 120.0, 0.4
Status = Literal["ok", "invalid", "error", "timeout", "refused", "length"]


@dataclass(frozen=True, slots=True)
class Question:
    model: str
    system: str = field(repr=False)
    user: str = field(repr=False)
    schema: Mapping[str, Any]
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class End:
    """How it ended; the words are those of `ChatOutcome`."""

    status: Status
    error: str = ""
    data: dict[str, Any] | None = None
    model: str = ""
    retry_after: float | None = None


class Asking:
    """Asks until there is an end. `is_fixed`: at this level only, for the test of a connection.

    `most_tokens` is what all attempts together may take, both directions; the first always goes.
    """

    def __init__(
        self,
        ref: ProviderRef,
        question: Question,
        seconds: float,
        *,
        is_fixed: bool = False,
        most_tokens: int | None = None,
    ) -> None:
        self.attempts: list[Attempt] = []
        if not is_fixed:
            ref = levels.known(ref, question.model)
        self.capabilities = ref.capabilities
        # Whether the last answer obeyed its level to the letter.
        self.was_exact = False
        self._ref = ref
        self._question = question
        self._deadline = time.monotonic() + seconds
        # A server that hangs must leave time to try again.
        self._patience = min(_BATCH_SECONDS, max(_LIVE_SECONDS, seconds * _SHARE))
        self._is_fixed, self._most_tokens = is_fixed, most_tokens
        self._messages = messages_of(question.system, question.user)
        self._retries, self._repairs, self._has_reasked = RETRIES, REPAIRS, False

    def run(self) -> End:
        """Ask, and ask again where that may help; returns how it ended."""
        while True:
            if self._left() <= 0:
                return End("timeout", "timed_out")
            if self._is_spent():
                return End("invalid", OVERSPENT)
            gate = self._gate()
            if not gate.is_open:
                return End("error", "breaker_open", retry_after=gate.wait_seconds or None)
            patience = min(LONGEST_WAIT, self._left() / 2)
            permit = limits.wait_for(self._ref, self._estimate(), patience)
            if permit.wait_seconds > 0:
                if gate.is_trial:
                    breaker.hand_back(self._ref)
                return End("error", "rate_limited", retry_after=permit.wait_seconds)
            end = self._attempt(gate, permit)
            if end is not None:
                return end

    def _attempt(self, gate: Gate, permit: Permit) -> End | None:
        """Send one request; returns the end, or None to go round once more."""
        body = chat_body(
            self._question.model,
            self._messages,
            self._question.schema,
            self._question.params,
            self.capabilities,
        )
        seconds = min(self._patience, self._left())
        reply = client.post(self._ref, "chat/completions", body, seconds=seconds)
        said = said_in(reply.data) if not reply.error else Said()
        usage = self._usage(reply, said)
        found = self._understand(reply, said)
        self._write_down(reply, said, usage, found)
        self._tell(gate, permit, reply, usage)
        if reply.error:
            return self._after_failure(reply)
        return self._after_answer(said, found)

    def _gate(self) -> Gate:
        if self._is_fixed:
            return Gate(is_open=True)
        return breaker.gate(self._ref, self._question.model)

    def _understand(self, reply: Reply, said: Said) -> Understood | None:
        if reply.error or not said.is_whole or said.is_refusal or said.finish_reason == "length":
            return None
        return understand(said.text, self._question.schema)

    def _tell(self, gate: Gate, permit: Permit, reply: Reply, usage: Usage) -> None:
        """Let breaker and limits know what came of the request."""
        limits.leave(
            self._ref,
            permit,
            used_tokens=usage.input_tokens + usage.output_tokens,
            is_good=not reply.error,
            is_limited=reply.error == "rate_limited",
            headers=reply.headers,
            pause_seconds=reply.retry_after or 0.0,
        )
        if self._is_fixed:
            return
        model = self._question.model
        if reply.error:
            breaker.note_failure(self._ref, reply.error, is_trial=gate.is_trial, model=model)
        else:
            breaker.note_success(self._ref, is_trial=gate.is_trial, model=model)

    def _after_failure(self, reply: Reply) -> End | None:
        if reply.fault and self._repair(reply.fault):
            return None
        if reply.error in PASSING:
            return self._try_again(reply)
        if reply.error in TOO_LONG:
            return End("length", reply.error)
        if reply.error == "content_filter":
            return End("refused", reply.error)
        return End("error", reply.error)

    def _repair(self, fault: str) -> bool:
        """Change what the server named; False when that was tried already."""
        if self._is_fixed and fault == "structured":
            return False
        better = levels.repaired(self.capabilities, fault)
        if better is None or not self._repairs:
            return False
        self._repairs -= 1
        self.capabilities = better
        return True

    def _try_again(self, reply: Reply) -> End | None:
        status: Status = "timeout" if reply.error == "timed_out" else "error"
        wait = self._pause(reply)
        if not self._retries or wait > LONGEST_WAIT or wait >= self._left():
            return End(status, reply.error, retry_after=reply.retry_after)
        self._retries -= 1
        time.sleep(wait)
        return None

    def _pause(self, reply: Reply) -> float:
        if reply.retry_after is not None:
            return reply.retry_after
        number = RETRIES - self._retries
        return random.uniform(0, min(_MOST_JITTER, _FIRST_WAIT * 2**number))  # noqa: S311

    def _after_answer(self, said: Said, found: Understood | None) -> End | None:
        wrong = _what_is_wrong(said, found)
        if said.is_refusal:
            return End("refused", wrong, model=said.model)
        if wrong == "length":
            return End("length", wrong, model=said.model)
        self.was_exact = found is not None and found.is_exact
        model = self._question.model
        if not self._is_fixed:
            levels.note_answer(self._ref, self.capabilities, is_exact=self.was_exact, model=model)
        if found is not None and found.data is not None:
            if not self._is_fixed:
                levels.keep(self._ref, self.capabilities, model)
            return End("ok", data=found.data, model=said.model)
        return self._ask_again(said, found)

    def _ask_again(self, said: Said, found: Understood | None) -> End | None:
        """Show the model its mistake, once."""
        if self._has_reasked or not said.is_whole:
            return End("invalid", "invalid_answer", model=said.model)
        self._has_reasked = True
        self._messages = again(self._messages, said.text, found.faults if found else [])
        return None

    def _usage(self, reply: Reply, said: Said) -> Usage:
        sent = sum(len(one["content"]) for one in self._messages)
        if reply.error and reply.error not in MAYBE_CHARGED:
            return Usage(0, 0, 0, is_estimated=False)
        most = int(self._question.params.get("max_tokens") or MOST_OUTPUT)
        data = None if reply.error else reply.data
        return read_usage(data, sent=sent, answered=len(said.text), most_output=most)

    def _write_down(self, reply: Reply, said: Said, usage: Usage, found: Understood | None) -> None:
        self.attempts.append(
            Attempt(
                http_status=reply.status,
                error=reply.error or _what_is_wrong(said, found),
                latency_ms=reply.latency_ms,
                input_tokens=usage.input_tokens,
                cached_tokens=usage.cached_tokens,
                output_tokens=usage.output_tokens,
                is_estimated=usage.is_estimated,
                finish_reason=said.finish_reason,
                structured=self.capabilities.structured,
                attempt=len(self.attempts) + 1,
                repairs=found.repairs if found else 0,
                model_returned=said.model,
            )
        )

    def _estimate(self) -> int:
        """Return about how many tokens both directions take, to be reserved."""
        sent = sum(estimate_tokens(one["content"]) for one in self._messages)
        return sent + int(self._question.params.get("max_tokens") or MOST_OUTPUT)

    def _is_spent(self) -> bool:
        """Tell whether one more attempt could take more than all of them may."""
        used = sum(one.input_tokens + one.output_tokens for one in self.attempts)
        return self._most_tokens is not None and 0 < used > self._most_tokens - self._estimate()

    def _left(self) -> float:
        return self._deadline - time.monotonic()


def _what_is_wrong(said: Said, found: Understood | None) -> str:
    """Return our code for an answer that arrived whole and cannot be used; "" when it can."""
    if said.is_refusal:
        return "content_filter" if said.finish_reason == "content_filter" else "refusal"
    if said.finish_reason == "length":
        return "length"
    return "" if found is not None and found.data is not None else "invalid_answer"
