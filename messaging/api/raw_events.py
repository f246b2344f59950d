from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from evosense.core.rest import ApiView, answer_post, page_of
from evosense.core.rest_schema import Operation, describes, page_serializer
from messaging.api.queries import RawEventQuery, filter_of, page_options
from messaging.api.serializers import RawEventDetailSerializer, RawEventSerializer
from messaging.selectors.connections import connection_model
from messaging.selectors.raw_events import RawEventFilter, raw_event, raw_event_page
from messaging.services.replay import replay_event

_READ, _WRITE = "events:read", "events:write"


class RawEventList(ApiView):
    required_scopes = {"GET": _READ}
    query_serializer_class = RawEventQuery

    @describes(
        Operation(
            id="events_list",
            tag="events",
            scope=_READ,
            query=RawEventQuery,
            answer=page_serializer(RawEventSerializer),
        )
    )
    def get(self, request: Request, connection_id: UUID) -> Response:
        """List what a connection received, the newest first.

        A filtered page may be short, even empty, and still have a next one.
        """
        connection = connection_model(connection_id)
        narrowed = filter_of(RawEventFilter, self.query)
        page = raw_event_page(connection.public_id, narrowed, **page_options(self.query))
        return page_of(RawEventSerializer(page.rows, many=True).data, page.next)


class RawEventDetail(ApiView):
    required_scopes = {"GET": _READ}

    @describes(
        Operation(id="events_get", tag="events", scope=_READ, answer=RawEventDetailSerializer)
    )
    def get(self, request: Request, connection_id: UUID, event_id: str) -> Response:
        """Return one event with its body; keys and secrets were cut out before it was stored."""
        return Response(RawEventDetailSerializer(raw_event(connection_id, event_id)).data)


class RawEventReplay(ApiView):
    required_scopes = {"POST": _WRITE}

    @describes(
        Operation(
            id="events_replay",
            tag="events",
            scope=_WRITE,
            answer=RawEventSerializer,
            status=202,
            is_idempotent=True,
        )
    )
    def post(self, request: Request, connection_id: UUID, event_id: str) -> Response:
        """Put an event that was kept or gave up back into the queue."""
        return answer_post(request, lambda: _replayed(connection_id, event_id), status=202)


def _replayed(connection_id: UUID, event_id: str) -> object:
    replay_event(connection_id, event_id)
    return RawEventSerializer(raw_event(connection_id, event_id).row).data
