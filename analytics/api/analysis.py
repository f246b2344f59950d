"""Judgements of messages: reading them, and having a message judged now."""

from collections.abc import Sequence
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from analytics.analysis.enqueue import note_messages
from analytics.analysis.selectors import (
    InferenceFilter,
    inference,
    inference_page,
    inferences_of,
)
from analytics.analysis.tasks import begin_judging
from analytics.api.analysis_inputs import BatchInputSerializer, InferenceQuery
from analytics.api.analysis_outputs import InferenceSerializer, QueuedAnalysisSerializer
from analytics.api.errands import READ, TAG, WRITE, answer_errand, errand_operation
from analytics.errands.asking import ask_judgement
from analytics.models import Inference
from evosense.core.rest import ApiView, answer_post, checked_body, page_of
from evosense.core.rest_schema import Operation, describes, page_serializer
from messaging.selectors.wordings import message_pk, message_pks, public_ids_of


class InferenceList(ApiView):
    required_scopes = {"GET": READ}
    query_serializer_class = InferenceQuery

    @describes(
        Operation(
            id="inferences_list",
            tag=TAG,
            scope=READ,
            query=InferenceQuery,
            answer=page_serializer(InferenceSerializer),
        )
    )
    def get(self, request: Request) -> Response:
        """List judgements of messages, the newest first; experiments are among them."""
        known = InferenceFilter.__dataclass_fields__
        filters = InferenceFilter(**{k: v for k, v in self.query.items() if k in known})
        page = inference_page(filters, cursor=self.query.get("cursor"), limit=self.query["limit"])
        return page_of(_shown(page.rows), page.next)


class InferenceDetail(ApiView):
    required_scopes = {"GET": READ}

    @describes(Operation(id="inferences_get", tag=TAG, scope=READ, answer=InferenceSerializer))
    def get(self, request: Request, inference_id: int) -> Response:
        """Return one judgement."""
        return Response(_shown([inference(inference_id)])[0])


class MessageAnalysis(ApiView):
    required_scopes = {"GET": READ, "POST": WRITE}

    @describes(
        Operation(
            id="messages_analysis_list",
            tag=TAG,
            scope=READ,
            answer=page_serializer(InferenceSerializer),
        )
    )
    def get(self, request: Request, message_id: UUID) -> Response:
        """List the judgements of one message outside of experiments, the newest first."""
        pk = message_pk(message_id)
        return page_of(_shown(inferences_of([pk])[pk]), None)

    @describes(errand_operation("messages_analyse", TAG, WRITE))
    def post(self, request: Request, message_id: UUID) -> Response:
        """Have a message judged now. The same words are not paid for twice."""
        message_pk(message_id)
        return answer_errand(request, lambda: ask_judgement(message_id))


class AnalysisBatch(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(
        Operation(
            id="messages_analyse_batch",
            tag=TAG,
            scope=WRITE,
            body=BatchInputSerializer,
            answer=QueuedAnalysisSerializer,
            status=202,
            is_idempotent=True,
        )
    )
    def post(self, request: Request) -> Response:
        """Queue messages whose words were not judged yet, as the settings want them."""
        fields = checked_body(BatchInputSerializer, request.data)
        pks = message_pks(list(dict.fromkeys(fields["message_ids"])))

        def queue() -> dict[str, int]:
            queued = note_messages(pks, is_asked=True)
            if queued:
                begin_judging()
            return {"queued": queued}

        return answer_post(request, queue, status=202)


def _shown(rows: Sequence[Inference]) -> list[dict[str, object]]:
    messages = public_ids_of({row.message_id for row in rows})
    serializer = InferenceSerializer(rows, many=True, context={"messages": messages})
    return list(serializer.data)
