"""Error answers in Evolution's own form."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any


class ApiError(Exception):
    """Ends a request with `{"status","error","response":{"message"}}`."""

    def __init__(self, status: int, message: Any) -> None:
        super().__init__(str(message))
        self.status = status
        self.message = message

    @property
    def body(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "error": HTTPStatus(self.status).phrase,
            "response": {"message": self.message},
        }


class RawError(ApiError):
    """Some routes leak the bare error object instead."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status, body)

    @property
    def body(self) -> Any:
        return self.message


class HangupError(Exception):
    """The connection ends without an answer: the outcome stays unknown to the client."""


def bad_request(message: str) -> ApiError:
    return ApiError(400, [message])


def invalid(*problems: str) -> ApiError:
    """Schema violations come as an array inside an array."""
    return ApiError(400, [list(problems)])


def no_such_instance(name: str) -> ApiError:
    return ApiError(404, [f'The "{name}" instance does not exist'])
