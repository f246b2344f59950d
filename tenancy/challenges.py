"""How a page hands a passkey's challenge to the browser."""

import json
from collections.abc import Callable
from typing import Any

from django.http import HttpResponse, JsonResponse

from evosense.core.errors import DomainError


def challenge(make: Callable[[], dict[str, Any]]) -> HttpResponse:
    """Answer with the challenge that `make` returns, or with the reason why there is none."""
    try:
        return HttpResponse(json.dumps(make()), content_type="application/json")
    except DomainError as refused:
        return JsonResponse({"message": str(refused.message)}, status=422)
