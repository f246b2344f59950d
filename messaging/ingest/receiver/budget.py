"""A common limit for the body bytes that all requests together keep in memory."""

from messaging.ingest.receiver import answers
from messaging.ingest.receiver.answers import Answer


class RefusedError(Exception):
    """The body was not taken; carries the answer, or None when nobody waits for one."""

    def __init__(self, answer: Answer | None) -> None:
        super().__init__()
        self.answer = answer


class Budget:
    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0


class Held:
    """What one request holds of the budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._size = 0

    def add(self, size: int) -> None:
        if self._budget.held + size > self._budget.limit:
            raise RefusedError(answers.BUSY)
        self._budget.held += size
        self._size += size

    def release(self) -> None:
        self._budget.held -= self._size
        self._size = 0
