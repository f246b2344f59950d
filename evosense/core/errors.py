"""Errors that users and API clients understand: a stable code, a message, the field at fault."""

from typing import Any


class DomainError(Exception):
    """A refusal with a reason. `message` is a lazy translation; `code` never changes."""

    status = 400

    def __init__(self, code: str, message: Any, *, field: str | None = None) -> None:
        super().__init__(str(code))
        self.code = code
        self.message = message
        self.field = field


class Invalid(DomainError):  # noqa: N818  (read as a sentence where raised)
    status = 400


class NotAllowed(DomainError):  # noqa: N818
    status = 403


class NotFound(DomainError):  # noqa: N818
    status = 404


class Conflict(DomainError):  # noqa: N818
    status = 409


class LimitReached(DomainError):  # noqa: N818
    status = 402


class TooMany(DomainError):  # noqa: N818
    """Too often; the answer's headers say when it is worth trying again."""

    status = 429
