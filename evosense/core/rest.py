"""What every API view shares: JSON in and out, strict query parameters, limits per key, pages."""

import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC
from typing import Any, ClassVar, TypeVar

import orjson
from django.db import models
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, serializers
from rest_framework.negotiation import BaseContentNegotiation, DefaultContentNegotiation
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from evosense.core import ratelimit
from evosense.core.errors import Invalid, NotFound
from evosense.core.idempotency import HEADER, answer_once, was_answered
from evosense.core.pagination import MAX_LIMIT
from evosense.core.schema import current_tenant

Row = TypeVar("Row", bound=models.Model)
LONGEST_BODY = 1024 * 1024
# What is read deeper than about 250 levels cannot be written again.
DEEPEST_BODY = 64
# A key may burst this much and refills at ten requests a second.
RATE, PERIOD = 600, 60


class BodyTooLarge(exceptions.APIException):
    status_code = 413
    default_detail = _("The body is longer than 1 MiB.")
    default_code = "body_too_large"


class AlwaysJson(BaseContentNegotiation):
    """Answer JSON whatever `Accept` says: there is nothing else to choose from."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return DefaultContentNegotiation().select_parser(request, parsers)

    def select_renderer(
        self,
        request: Request,  # noqa: ARG002
        renderers: Any,
        format_suffix: str | None = None,  # noqa: ARG002
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class BoundedJsonParser(JSONParser):
    """JSON of a sane size and depth, and text that PostgreSQL can store."""

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,  # noqa: ARG002
        parser_context: Any = None,  # noqa: ARG002
    ) -> Any:
        raw = stream.read(LONGEST_BODY + 1)
        if len(raw) > LONGEST_BODY:
            raise BodyTooLarge
        if b"\\u0000" in raw:
            raise exceptions.ParseError(_("The body contains a null character."))
        try:
            found = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise exceptions.ParseError(_("The body is not valid JSON.")) from error
        if _is_too_deep(found):
            raise exceptions.ParseError(_("The body is nested too deeply."))
        return found


def _is_too_deep(body: Any) -> bool:
    level = [body]
    for _depth in range(DEEPEST_BODY):
        groups = [one for one in level if isinstance(one, dict | list)]
        if not groups:
            return False
        level = [
            part for one in groups for part in (one.values() if isinstance(one, dict) else one)
        ]
    return True


class UtcDateTimeField(serializers.DateTimeField):
    """ISO 8601 in UTC; a time without offset is taken as UTC."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(default_timezone=UTC, **kwargs)


class RowSerializer(serializers.ModelSerializer[Row]):
    """A stored row; its times are told in UTC as everywhere in the API."""

    serializer_field_mapping: ClassVar = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.DateTimeField: UtcDateTimeField,
    }


class NumberField(serializers.FloatField):
    """A finite number: Python reads true as 1 and "nan" as a number that is in every range."""

    def to_internal_value(self, data: Any) -> float:
        number = math.nan if isinstance(data, bool) else super().to_internal_value(data)
        if not math.isfinite(number):
            self.fail("invalid")
        return number


class Query(serializers.Serializer[Any]):
    """Query parameters of a view; anything that it does not declare is refused by name."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = sorted(set(data) - set(self.fields))
        if unknown:
            raise Invalid("unknown_parameter", _("There is no such parameter."), field=unknown[0])
        repeated = sorted(name for name in data if len(data.getlist(name)) > 1)
        if repeated:
            raise Invalid("repeated_parameter", _("Give it only once."), field=repeated[0])
        for name in data:
            if not data[name] or "\x00" in data[name]:
                raise Invalid("invalid", _("This value is not valid."), field=name)
        # A plain dictionary: absent switches of a form mean False, absent parameters mean nothing.
        return super().to_internal_value(data.dict())


class PageQuery(Query):
    """Parameters of every list."""

    cursor = serializers.CharField(
        required=False, help_text="`next` of the page before; absent for the first page."
    )
    limit = serializers.IntegerField(
        required=False, default=50, min_value=1, max_value=MAX_LIMIT, help_text="Rows of a page."
    )


class Fields(serializers.Serializer[Any]):
    """A part of a request body; names that it does not declare are refused."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(str(name) for name in set(data) - set(self.fields))
            if unknown:
                raise serializers.ValidationError({unknown[0]: _("There is no such field.")})
        return super().to_internal_value(data)


class ApiView(APIView):
    """Base of the API: strict parameters, a token bucket per key, honest headers."""

    required_scopes: ClassVar[dict[str, str]] = {}
    # Parameters of GET, and those of everything else.
    query_serializer_class: ClassVar[type[Query]] = Query
    act_query_class: ClassVar[type[Query]] = Query
    content_negotiation_class = AlwaysJson
    # No OPTIONS: the schema describes the API.
    metadata_class = None
    parser_classes: Sequence[type[BaseParser]] = (BoundedJsonParser,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self._take_token(request)
        is_read = request.method in {"GET", "HEAD"}
        kind = self.query_serializer_class if is_read else self.act_query_class
        serializer = kind(data=request.query_params)
        serializer.is_valid(raise_exception=True)
        self.query: dict[str, Any] = serializer.validated_data
        if request.method == "POST" and not self._takes_body():
            refuse_unknown(request.data, ())

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        answer: Response = super().finalize_response(request, response, *args, **kwargs)
        decision: ratelimit.Decision | None = getattr(self, "_bucket", None)
        if decision is not None:
            answer["RateLimit-Limit"] = str(decision.limit)
            answer["RateLimit-Remaining"] = str(decision.remaining)
            answer["RateLimit-Reset"] = str(decision.reset_seconds)
        answer["Cache-Control"] = "no-store"
        return answer

    def _takes_body(self) -> bool:
        return getattr(getattr(self, "post", None), "takes_body", True)

    def _take_token(self, request: Request) -> None:
        key = getattr(request.auth, "pk", None)
        if key is None:
            return
        name = f"t:{current_tenant().id}:limit:api:{key}"
        self._bucket = ratelimit.take(name, rate=RATE, per_seconds=PERIOD)
        if not self._bucket.allowed:
            raise exceptions.Throttled(wait=self._bucket.reset_seconds)


def page_of(results: Any, following: str | None) -> Response:
    """Return a list in the shape that all lists have."""
    return Response({"results": results, "next": following})


def refuse_unknown(data: Any, known: Iterable[str]) -> None:
    """Refuse a field that is not known: whoever sends it expects something of it."""
    if isinstance(data, dict):
        unknown = sorted(str(name) for name in set(data) - set(known))
        if unknown:
            raise Invalid("unknown_field", _("There is no such field."), field=unknown[0])


def checked_body(kind: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """Return the fields of a request body; unknown names and bad values are refused by name."""
    refuse_unknown(data, kind().fields)
    serializer = kind(data=data)
    serializer.is_valid(raise_exception=True)
    fields: dict[str, Any] = serializer.validated_data
    return fields


def answer_post(
    request: Request,
    work: Callable[[], Any],
    *,
    status: int,
    prepare: Callable[[], None] | None = None,
    present: Callable[[Any], Any] | None = None,
) -> Response:
    """Do the work of a POST, once for each `Idempotency-Key`; a repetition is answered 200.

    `prepare` comes before and outside the transaction of `work`, for what asks the network; it is
    left out where the answer is already known. `present` turns the answer of the first time into
    what the resource is like at the repetition; NotFound leaves the answer of the first time.
    """
    key, caller = request.headers.get(HEADER, ""), request.auth.pk
    if prepare is not None and not was_answered(key=key, caller=caller):
        prepare()
    answer, is_repeated = answer_once(
        key=key,
        caller=caller,
        request=(str(request.method), request.path, request.data),
        work=work,
    )
    if not is_repeated:
        return Response(answer, status=status)
    if present is not None:
        with suppress(NotFound):
            answer = present(answer)
    return Response(answer, status=200, headers={"Idempotent-Replayed": "true"})
