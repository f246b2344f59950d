"""Experiments for programs. Promotion and rollback are decisions of people: pages only."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import Count, Prefetch, Sum
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from analytics.api.experiment_serializers import (
    ComparisonSerializer,
    DisagreementQuery,
    DisagreementSerializer,
    ExperimentInputSerializer,
    ExperimentQuery,
    ExperimentSerializer,
    ExperimentStatsSerializer,
    ReplayInputSerializer,
    ReportSerializer,
    ResumeInputSerializer,
    asked_of,
)
from analytics.experiments import running
from analytics.experiments.creating import create_run
from analytics.experiments.disagreements import check_arm, disagreements
from analytics.experiments.listing import RunFilter, run_page
from analytics.experiments.replaying import compare_runs, replay
from analytics.models import Arm, ExperimentRun, Inference
from evosense.core.errors import Invalid
from evosense.core.rest import ApiView, answer_post, checked_body, page_of
from evosense.core.rest_schema import Operation, describes, page_serializer

READ, WRITE = "experiments:read", "experiments:write"
_TAG = "experiments"


class ExperimentList(ApiView):
    required_scopes = {"GET": READ, "POST": WRITE}
    query_serializer_class = ExperimentQuery

    @describes(
        Operation(
            id="experiments_list",
            tag=_TAG,
            scope=READ,
            query=ExperimentQuery,
            answer=page_serializer(ExperimentSerializer),
        )
    )
    def get(self, request: Request) -> Response:
        """List experiments with their sides, the newest first."""
        narrowed = RunFilter(self.query.get("state", ""), self.query.get("mode", ""))
        page = run_page(narrowed, cursor=self.query.get("cursor"), limit=self.query["limit"])
        return page_of(ExperimentSerializer(page.rows, many=True).data, page.next)

    @describes(
        Operation(
            id="experiments_create",
            tag=_TAG,
            scope=WRITE,
            body=ExperimentInputSerializer,
            answer=ExperimentSerializer,
            status=201,
            is_idempotent=True,
            example={
                "name": "Better than a list of words?",
                "mode": "backfill",
                "baseline": {"engine": "embedded"},
                "candidates": [{"engine": "words"}],
            },
        )
    )
    def post(self, request: Request) -> Response:
        """Create a draft; nothing is judged before it is started."""
        asked = asked_of(checked_body(ExperimentInputSerializer, request.data))

        def create() -> object:
            run = create_run(asked, author_id=None, author=_name(request))
            return _described(run.public_id)

        return answer_post(request, create, status=201)


class ExperimentDetail(ApiView):
    required_scopes = {"GET": READ}

    @describes(Operation(id="experiments_get", tag=_TAG, scope=READ, answer=ExperimentSerializer))
    def get(self, request: Request, experiment_id: UUID) -> Response:
        """Return one experiment with its progress and cost."""
        return Response(_described(experiment_id))


class ExperimentReport(ApiView):
    required_scopes = {"GET": READ}

    @describes(Operation(id="experiments_report", tag=_TAG, scope=READ, answer=ReportSerializer))
    def get(self, request: Request, experiment_id: UUID) -> Response:
        """Return the comparison as last computed; null before anything is judged."""
        return Response(ReportSerializer(running.run_of(experiment_id)).data)


class ExperimentDisagreements(ApiView):
    required_scopes = {"GET": READ}
    query_serializer_class = DisagreementQuery

    @describes(
        Operation(
            id="experiments_disagreements",
            tag=_TAG,
            scope=READ,
            query=DisagreementQuery,
            answer=page_serializer(DisagreementSerializer),
        )
    )
    def get(self, request: Request, experiment_id: UUID) -> Response:
        """List messages whose sentiment the sides put on different levels."""
        run = running.run_of(experiment_id)
        arm = check_arm(run, self.query.get("arm", ""))
        after = _position(self.query.get("cursor", ""))
        page = disagreements(run, arm, after=after, limit=self.query["limit"])
        following = None if page.next is None else str(page.next)
        return page_of(DisagreementSerializer(page.rows, many=True).data, following)


class _Act(ApiView):
    """An act without a body; answers the experiment as it is afterwards."""

    required_scopes = {"POST": WRITE}

    def act(self, experiment_id: UUID, do: Callable[[ExperimentRun], object]) -> Response:
        do(running.run_of(experiment_id))
        return Response(_described(experiment_id))


class ExperimentStart(_Act):
    @describes(
        Operation(
            id="experiments_start",
            tag=_TAG,
            scope=WRITE,
            answer=ExperimentSerializer,
            may_conflict=True,
        )
    )
    def post(self, request: Request, experiment_id: UUID) -> Response:
        """Begin a draft: the sample is drawn and frozen, then all sides judge it."""
        return self.act(experiment_id, running.start_run)


class ExperimentPause(_Act):
    @describes(
        Operation(
            id="experiments_pause",
            tag=_TAG,
            scope=WRITE,
            answer=ExperimentSerializer,
            may_conflict=True,
        )
    )
    def post(self, request: Request, experiment_id: UUID) -> Response:
        """Judge nothing more until it is resumed."""
        return self.act(experiment_id, running.pause_run)


class ExperimentResume(_Act):
    @describes(
        Operation(
            id="experiments_resume",
            tag=_TAG,
            scope=WRITE,
            body=ResumeInputSerializer,
            answer=ExperimentSerializer,
            may_conflict=True,
        )
    )
    def post(self, request: Request, experiment_id: UUID) -> Response:
        """Go on where it stopped; one that used up its budget needs a larger one."""
        fields = checked_body(ResumeInputSerializer, request.data or {})

        def resume(run: ExperimentRun) -> None:
            running.resume_run(run, budget_micros=fields["budget_micros"])

        return self.act(experiment_id, resume)


class ExperimentCancel(_Act):
    @describes(
        Operation(
            id="experiments_cancel",
            tag=_TAG,
            scope=WRITE,
            answer=ExperimentSerializer,
            may_conflict=True,
        )
    )
    def post(self, request: Request, experiment_id: UUID) -> Response:
        """End it without a result; what was judged stays readable."""
        return self.act(experiment_id, running.cancel_run)


class ExperimentReplay(ApiView):
    required_scopes = {"POST": WRITE}

    @describes(
        Operation(
            id="experiments_replay",
            tag=_TAG,
            scope=WRITE,
            body=ReplayInputSerializer,
            answer=ExperimentSerializer,
            status=201,
            is_idempotent=True,
            example={
                "start": "2025-11-01T00:00:00Z",
                "end": "2025-11-15T00:00:00Z",
                "prompt_version": "analise-padrao@2",
            },
        )
    )
    def post(self, request: Request) -> Response:
        """Judge a window again by one version, beside what judges now; values stay as they are."""
        fields = checked_body(ReplayInputSerializer, request.data)

        def begin() -> object:
            run = replay(**fields, author_id=None, author=_name(request))
            return _described(run.public_id)

        return answer_post(request, begin, status=201)


class ExperimentComparison(ApiView):
    required_scopes = {"GET": READ}

    @describes(
        Operation(
            id="experiments_compare",
            tag=_TAG,
            scope=READ,
            answer=ComparisonSerializer,
            may_conflict=True,
        )
    )
    def get(self, request: Request, experiment_id: UUID, other_id: UUID) -> Response:
        """Tell how much the candidates of two experiments agree on messages that both judged."""
        first, second = running.run_of(experiment_id), running.run_of(other_id)
        return Response(ComparisonSerializer(compare_runs(first, second)).data)


class ExperimentStats(ApiView):
    required_scopes = {"GET": READ}

    @describes(
        Operation(id="experiments_stats", tag=_TAG, scope=READ, answer=ExperimentStatsSerializer)
    )
    def get(self, request: Request) -> Response:
        """Count experiments by state, and what they judged and spent."""
        rows = ExperimentRun.objects.values_list("status").annotate(count=Count("id"))
        facts = {
            "experiments": dict(rows.order_by()),
            "shadow_judgements": Inference.objects.exclude(run_id="").count(),
            "spent_micros": ExperimentRun.objects.aggregate(all=Sum("spent_micros"))["all"] or 0,
        }
        return Response(ExperimentStatsSerializer(facts).data)


def _described(experiment_id: UUID) -> Any:
    running.run_of(experiment_id)
    sides = Arm.objects.select_related("template").order_by("-is_baseline", "pk")
    rows = ExperimentRun.objects.prefetch_related(Prefetch("arms", queryset=sides))
    return ExperimentSerializer(rows.get(public_id=experiment_id)).data


def _position(cursor: str) -> int:
    if not cursor:
        return -1
    if not cursor.isdecimal() or len(cursor) > 9:
        message = _("This cursor is not one that a list returned.")
        raise Invalid("invalid_cursor", message, field="cursor")
    return int(cursor)


def _name(request: Request) -> str:
    return f"API: {getattr(request.auth, 'name', '')}"
