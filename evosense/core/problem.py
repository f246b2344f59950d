"""`application/problem+json` (RFC 9457) for every error that the API can answer."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, JsonResponse
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response

from evosense.core.errors import DomainError

CONTENT_TYPE = "application/problem+json"


def problem(
    status: int, code: str, detail: str, errors: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """Return the body of a problem: stable `code`, translated `detail`, fields in `errors`."""
    body: dict[str, Any] = {"type": "about:blank", "status": status, "code": code, "detail": detail}
    if errors:
        body["errors"] = errors
    return body


def problem_response(status: int, code: str, detail: str) -> JsonResponse:
    """Return a problem from plain Django code (middleware, error handlers)."""
    return JsonResponse(problem(status, code, detail), status=status, content_type=CONTENT_TYPE)


def problem_handler(error: Exception, _context: dict[str, Any]) -> Response | None:
    """Turn DRF's, Django's and our own errors into problems; None lets a bug surface as 500."""
    body = _body(error)
    if body is None:
        return None
    response = Response(body, status=body["status"], content_type=CONTENT_TYPE)
    wait = getattr(error, "wait", None)
    if wait is not None:
        response["Retry-After"] = str(int(wait) + 1)
    if getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]
    return response


def _body(error: Exception) -> dict[str, Any] | None:
    if isinstance(error, DomainError):
        fields = [_field(error.field, error.code, error.message)] if error.field else None
        return problem(error.status, error.code, str(error.message), fields)
    if isinstance(error, exceptions.ValidationError):
        return problem(400, "invalid", _("The request has invalid fields."), _flatten(error.detail))
    if isinstance(error, exceptions.APIException):
        codes = error.get_codes()
        code = codes if isinstance(codes, str) else error.default_code
        return problem(error.status_code, code, str(error.detail))
    if isinstance(error, Http404):
        return problem(404, "not_found", _("There is nothing at this address."))
    if isinstance(error, PermissionDenied):
        return problem(403, "permission_denied", _("You may not do this."))
    return None


def _field(field: str, code: str, message: Any) -> dict[str, str]:
    return {"field": field, "code": code, "reason": str(message)}


def _flatten(detail: Any, path: str = "") -> list[dict[str, str]]:
    if isinstance(detail, dict):
        return [
            item
            for key, value in detail.items()
            for item in _flatten(value, f"{path}.{key}" if path else str(key))
        ]
    if isinstance(detail, list):
        return [item for value in detail for item in _flatten(value, path)]
    return [_field(path or "non_field_errors", getattr(detail, "code", "invalid"), detail)]
