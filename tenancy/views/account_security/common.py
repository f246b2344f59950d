"""What the account pages share."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from evosense.core.errors import DomainError
from tenancy.models import User


def person(request: HttpRequest) -> User:
    """Return who is logged in; `@requires` has let nobody else come here."""
    return cast("User", request.user)


def page(request: HttpRequest, name: str, context: dict[str, Any] | None = None) -> HttpResponse:
    """Render an account page; a form that comes back has something to correct."""
    status = 422 if request.method == "POST" else 200
    return render(request, f"account/{name}.html", context, status=status)


def words(error: DomainError) -> str:
    """Return the reason of a refusal as people read it."""
    return str(error.message)
