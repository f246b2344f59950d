"""What the pages of all apps share: refusals of services as answers, and permissions."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from evosense.core.errors import DomainError, NotAllowed, NotFound

View = TypeVar("View", bound=Callable[..., HttpResponse])


def answers_errors(view: View) -> View:
    """Turn what services and selectors refuse into the answers of a page: 404, 403, or the words.

    Refusals that belong beside a field are caught by the view itself.
    """

    @wraps(view)
    def answering(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except NotFound as error:
            raise Http404(str(error.code)) from error
        except NotAllowed as error:
            raise PermissionDenied from error
        except DomainError as error:
            context = {"detail": error.message, "request_id": getattr(request, "request_id", "")}
            return render(request, "errors/400.html", context, status=error.status)

    return cast("View", answering)


def do_and_say(request: HttpRequest, act: Callable[[], object], done: Any = "") -> None:
    """Do it, and let the next page say `done`, or why not; NotFound stays the answer 404."""
    try:
        act()
    except NotFound:
        raise
    except DomainError as error:
        messages.error(request, error.message)
    else:
        if done:
            messages.success(request, str(done))


def may(request: HttpRequest, permission: str) -> bool:
    """Tell whether the person asking has `permission` here."""
    return permission in getattr(request, "permissions", frozenset())


def user_id(request: HttpRequest) -> int:
    """Return the id of the person asking; `requires` let only members in."""
    return int(request.user.pk or 0)


def field_errors(error: DomainError) -> dict[str, Any]:
    """Return the refusal under the name of its field; under `form` when it has none."""
    return {error.field or "form": error.message}
