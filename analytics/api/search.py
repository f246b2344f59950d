"""Searching messages by words, by meaning and by both."""

from dataclasses import fields
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request as HttpRequest
from rest_framework.response import Response

from analytics.api.search_serializers import (
    HitSerializer,
    SearchQuery,
    SemanticAnswerSerializer,
    SemanticBody,
)
from analytics.search import spaces
from analytics.search.hits import hit_page
from analytics.search.parameters import SENTIMENTS
from analytics.search.service import Request, find
from evosense.core.errors import Conflict, Invalid
from evosense.core.rest import ApiView, checked_body, page_of
from evosense.core.rest_schema import Operation, describes, page_serializer
from messaging.selectors.matches import MatchFilter

_SCOPE = "search:read"


class MessageSearch(ApiView):
    required_scopes = {"GET": _SCOPE}
    query_serializer_class = SearchQuery

    @describes(
        Operation(
            id="messages_search",
            tag="search",
            scope=_SCOPE,
            query=SearchQuery,
            answer=page_serializer(HitSerializer),
        )
    )
    def get(self, request: HttpRequest) -> Response:
        """Find messages, the nearest first. At most some hundred are ranked; filters reach more."""
        found = find(_request(self.query), show_numbers=True)
        page = hit_page(
            found,
            cursor=self.query.get("cursor"),
            limit=self.query["limit"],
            show_numbers=True,
        )
        return page_of(HitSerializer(page.hits, many=True).data, page.next)


class SemanticSearch(ApiView):
    required_scopes = {"POST": _SCOPE}

    @describes(
        Operation(
            id="messages_semantic_search",
            tag="search",
            scope=_SCOPE,
            body=SemanticBody,
            answer=SemanticAnswerSerializer,
            may_conflict=True,
            example={"query": "cliente reclamando que a entrega atrasou", "limit": 20},
        )
    )
    def post(self, request: HttpRequest) -> Response:
        """Find messages by meaning alone, as `semantic_search` of the source system did.

        409 while nothing is prepared, or while the provider of the model does not answer.
        """
        body = checked_body(SemanticBody, request.data)
        space, threshold = spaces.active_space(), body["similarity_threshold"]
        if space is not None and threshold is None:
            threshold = spaces.cuts(space)[0]
        asked = Request(body["query"], "meaning", threshold=threshold, is_strict=True)
        try:
            found = find(asked, show_numbers=True)
        except Invalid as error:
            raise Invalid(error.code, error.message, field="query") from error
        if found.unavailable or found.space is None:
            message = _("Meanings cannot be compared now.")
            raise Conflict(found.unavailable or "nothing_placed", message)
        page = hit_page(found, cursor=None, limit=body["limit"], show_numbers=True)
        answer = {
            "model": found.space.code,
            "similarity_threshold": threshold,
            "results": page.hits,
        }
        return Response(SemanticAnswerSerializer(answer).data)


def _request(query: dict[str, Any]) -> Request:
    known = {one.name for one in fields(MatchFilter)}
    filters = {name: value for name, value in query.items() if name in known}
    if "sentiment" in query:
        filters["sentiment_min"], filters["sentiment_max"] = SENTIMENTS[query["sentiment"]]
    return Request(
        query=query["q"],
        mode=query["mode"],
        filters=MatchFilter(**filters),
        is_newest_first=query["order"] == "newest",
    )
