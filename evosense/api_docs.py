"""The description of the API: an OpenAPI document for programs and a page for people.

The page is rendered here from the document: viewers from the net would need foreign scripts.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator

from evosense.core.client_address import client_address
from evosense.core.problem import problem_response
from evosense.core.schema import current_tenant
from tenancy.permissions import MEMBER, public_page
from tenancy.selectors.members import membership_of
from tenancy.services.keys import verify_key

_METHODS = ("get", "post", "patch", "put", "delete")


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Tells the generator what our keys look like; found by being imported."""

    target_class = "tenancy.api_auth.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:  # noqa: ARG002
        text = "A key of the company on whose host it is used: `Authorization: Bearer evs_live_…`."
        return {"type": "http", "scheme": "bearer", "description": text}


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    kind: str
    is_required: bool
    text: str
    values: list[str]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation as the page prints it."""

    id: str
    method: str
    path: str
    text: str
    scope: str
    parameters: list[Parameter]
    fields: list[Parameter]
    example: str
    answers: list[str]


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """Return the OpenAPI document; the same for every company and language."""
    with translation.override("en"):
        made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return json.loads(json.dumps(made, default=str))  # type: ignore[no-any-return]


@public_page
@require_safe
def openapi(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Answer the document to anybody: generators send no key, and it tells nothing of a company."""
    return JsonResponse(document())


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Show the API to members who are logged in and to holders of a key."""
    if not (_holds_key(request) or _is_member(request)):
        if "Authorization" in request.headers:
            return problem_response(401, "invalid_key", _("This API key is not valid here."))
        return redirect(f"/entrar/?{urlencode({'next': request.get_full_path()})}")
    base = request.build_absolute_uri("/").rstrip("/")
    context = {"groups": _groups(base), "base": base}
    return render(request, "api/docs.html", context)


docs.required_permission = MEMBER  # type: ignore[attr-defined]


@public_page
@csrf_exempt
def unknown_address(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Answer JSON for addresses that the API does not have, whatever the settings are."""
    return problem_response(404, "not_found", _("There is nothing at this address."))


def _holds_key(request: HttpRequest) -> bool:
    scheme, _separator, raw = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return False
    key = verify_key(raw.strip(), address=client_address(request))
    return key is not None and key.tenant_id == current_tenant().id


def _is_member(request: HttpRequest) -> bool:
    user = request.user
    return bool(
        user.is_authenticated
        and membership_of(user_id=user.pk, tenant_id=current_tenant().id) is not None
    )


def _groups(base: str) -> dict[str, list[Endpoint]]:
    groups: dict[str, list[Endpoint]] = {}
    for path, method, operation in _operations():
        endpoint = _endpoint(path, method, operation, base)
        groups.setdefault(operation["tags"][0], []).append(endpoint)
    return groups


def _operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield path, method, methods[method]


def _endpoint(path: str, method: str, operation: dict[str, Any], base: str) -> Endpoint:
    body = _body_schema(operation)
    return Endpoint(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        text=operation.get("description", ""),
        scope=operation.get("x-scope", ""),
        parameters=[
            _parameter(one["name"], one["schema"], one) for one in operation.get("parameters", [])
        ],
        fields=[
            _parameter(name, schema, {"required": name in body.get("required", [])})
            for name, schema in body.get("properties", {}).items()
        ],
        example=_curl(path, method, operation, base),
        answers=sorted(operation["responses"]),
    )


def _parameter(name: str, schema: dict[str, Any], about: dict[str, Any]) -> Parameter:
    kind = schema.get("format") or schema.get("type") or ""
    return Parameter(
        name=name,
        kind=" | ".join(kind) if isinstance(kind, list) else str(kind),
        is_required=bool(about.get("required")),
        text=about.get("description") or schema.get("description", ""),
        values=[str(value) for value in _resolved(schema).get("enum", [])],
    )


def _body_schema(operation: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return _resolved(content.get("schema", {}))


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = document()["components"]["schemas"][name] if name else schema
    return found


def _curl(path: str, method: str, operation: dict[str, Any], base: str) -> str:
    lines = [f"curl '{base}{path}'", "-H 'Authorization: Bearer evs_live_…'"]
    if method != "get":
        lines.insert(1, f"-X {method.upper()}")
    if any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", [])):
        lines.append("-H 'Idempotency-Key: 7d0c9f2e'")
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    for example in content.get("examples", {}).values():
        lines.append("-H 'Content-Type: application/json'")
        lines.append(f"-d '{json.dumps(example['value'], ensure_ascii=False)}'")
    return " \\\n  ".join(lines)
