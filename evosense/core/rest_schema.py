"""How views are described in the OpenAPI schema: one decorator says it all."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers

from evosense.core.idempotency import HEADER

Handler = TypeVar("Handler", bound=Callable[..., Any])


class ProblemFieldSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    code = serializers.CharField()
    reason = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457. `code` is stable, `detail` is for people and translated."""

    type = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    errors = ProblemFieldSerializer(many=True, required=False)  # type: ignore[assignment]


@cache
def page_serializer(row: type[serializers.BaseSerializer[Any]]) -> serializers.BaseSerializer[Any]:
    """Return the description of a list of `row`."""
    return inline_serializer(
        row.__name__.replace("Serializer", "Page"),
        {
            "results": row(many=True),
            "next": serializers.CharField(
                allow_null=True, help_text="`cursor` of the next page, null on the last."
            ),
        },
    )


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method of one address."""

    id: str
    tag: str
    scope: str
    answer: Any
    status: int = 200
    query: Any = None
    body: Any = None
    may_conflict: bool = False
    is_idempotent: bool = False
    example: Any = None

    @property
    def problems(self) -> set[int]:
        codes = {400, 401, 403, 404, 429}
        if self.body is not None:
            codes |= {413, 415}
        return codes | ({409} if self.may_conflict or self.is_idempotent else set())


def describes(operation: Operation) -> Callable[[Handler], Handler]:
    """Describe a handler; its docstring is the text of the operation."""
    answers: dict[Any, Any] = {operation.status: operation.answer}
    if operation.is_idempotent:
        answers[200] = operation.answer
    for code in sorted(operation.problems):
        answers[code, "application/problem+json"] = ProblemSerializer
    example = OpenApiExample("Request", value=operation.example, request_only=True)
    document = extend_schema(
        operation_id=operation.id,
        tags=[operation.tag],
        parameters=[
            *([operation.query] if operation.query else []),
            *([_KEY] if operation.is_idempotent else []),
        ],
        request=operation.body,
        responses=answers,
        examples=[example] if operation.example else [],
        extensions={"x-scope": operation.scope},
    )

    def described(handler: Handler) -> Handler:
        handler.takes_body = operation.body is not None  # type: ignore[attr-defined]
        found: Handler = document(handler)
        return found

    return described


_KEY = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    pattern="^[!-~]{1,200}$",
    description="Makes the request safe to repeat for a day: it is answered as the first time.",
)
