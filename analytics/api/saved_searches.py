"""The searches that the maker of a key keeps; they are those of the search page."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from analytics.api.search_serializers import SavedSearchBody, SavedSearchSerializer
from analytics.search import saved
from analytics.search.parameters import NAMES, Parameters
from analytics.search.query import read_query
from evosense.core.errors import Invalid
from evosense.core.rest import ApiView, answer_post, checked_body, page_of
from evosense.core.rest_schema import Operation, describes, page_serializer

_READ, _WRITE = "search:read", "analysis:write"
_EXAMPLE = {"name": "Atrasos", "query": {"q": "entrega atrasou"}, "alert_from": 10}


class SavedSearchList(ApiView):
    required_scopes = {"GET": _READ, "POST": _WRITE}

    @describes(
        Operation(
            id="saved_searches_list",
            tag="search",
            scope=_READ,
            answer=page_serializer(SavedSearchSerializer),
        )
    )
    def get(self, request: Request) -> Response:
        """List the saved searches of whoever made the key, by name: at most 50."""
        rows = saved.saved_searches(_maker(request))
        return page_of(SavedSearchSerializer(rows, many=True).data, None)

    @describes(
        Operation(
            id="saved_searches_create",
            tag="search",
            scope=_WRITE,
            body=SavedSearchBody,
            answer=SavedSearchSerializer,
            status=201,
            is_idempotent=True,
            example=_EXAMPLE,
        )
    )
    def post(self, request: Request) -> Response:
        """Keep a search; with `alert_from` a notice tells of days on which it is found often."""
        fields = _fields(request.data)

        def work() -> Any:
            row = saved.save_search(user_id=_maker(request), **fields)
            return SavedSearchSerializer(row).data

        return answer_post(request, work, status=201)


class SavedSearchDetail(ApiView):
    required_scopes = {"GET": _READ, "PUT": _WRITE, "DELETE": _WRITE}

    @describes(
        Operation(id="saved_searches_get", tag="search", scope=_READ, answer=SavedSearchSerializer)
    )
    def get(self, request: Request, search_id: UUID) -> Response:
        """Return one saved search."""
        row = saved.saved_search(search_id, user_id=_maker(request))
        return Response(SavedSearchSerializer(row).data)

    @describes(
        Operation(
            id="saved_searches_replace",
            tag="search",
            scope=_WRITE,
            body=SavedSearchBody,
            answer=SavedSearchSerializer,
            may_conflict=True,
            example=_EXAMPLE,
        )
    )
    def put(self, request: Request, search_id: UUID) -> Response:
        """Replace a saved search; its open notice ends."""
        saved.saved_search(search_id, user_id=_maker(request))
        fields = _fields(request.data)
        row = saved.change_search(search_id, user_id=_maker(request), **fields)
        return Response(SavedSearchSerializer(row).data)

    @describes(
        Operation(id="saved_searches_delete", tag="search", scope=_WRITE, answer=None, status=204)
    )
    def delete(self, request: Request, search_id: UUID) -> Response:
        """Forget a saved search."""
        saved.remove_search(search_id, user_id=_maker(request))
        return Response(status=204)


def _maker(request: Request) -> int:
    """Return who keeps it: the maker of the key, 0 for keys of the company itself."""
    return int(getattr(request.auth, "created_by_id", None) or 0)


def _fields(data: Any) -> dict[str, Any]:
    body = checked_body(SavedSearchBody, data)
    given = {NAMES[name]: str(value) for name, value in body["query"].items()}
    try:
        parameters = Parameters.of(given)
        read_query(parameters.q)
    except Invalid as error:
        own = next((name for name, word in NAMES.items() if word == error.field), "q")
        raise Invalid(error.code, error.message, field=f"query.{own}") from error
    return {"name": body["name"], "query": parameters.values, "alert_from": body["alert_from"]}
