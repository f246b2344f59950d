"""Reading judgements, calls and their cost, for pages and the API."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils.translation import gettext_lazy as _

from analytics.analysis.budget import Limits, limits_of, this_month
from analytics.analysis.settings import ai_settings
from analytics.models import (
    AiBudget,
    AiNotice,
    AnalysisJob,
    ConversationAnalysis,
    EmbeddingJob,
    Inference,
    ModelCall,
)
from evosense.core.errors import NotFound
from evosense.core.pagination import Page, newest_first
from evosense.core.schema import current_tenant
from messaging.selectors.wordings import message_pk

PAGE = 50


@dataclass(frozen=True, slots=True)
class InferenceFilter:
    """What to list; a field left at its default does not narrow the list."""

    message: UUID | None = None
    run_id: str = ""
    arm_key: str = ""
    status: str = ""
    provider: str = ""
    model_name: str = ""
    prompt_version: str = ""
    emotion: str = ""
    is_shadow: bool | None = None
    is_degraded: bool | None = None
    is_suspicious: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class CallFilter:
    purpose: str = ""
    provider_id: UUID | None = None
    run_id: str = ""
    # True: only those that failed.
    failed: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """One day of the company's clock, one purpose, one model; money in millionths."""

    day: date
    purpose: str
    provider: str
    model: str
    currency: str
    calls: int
    failed: int
    items: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_micros: int


@dataclass(frozen=True, slots=True)
class BudgetState:
    """What a part of the budget used this month, and what its limits are."""

    part: str
    used_tokens: int
    used_micros: int
    limits: Limits


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits: for a judgement, for a provider to be back, for a person, for a place."""

    waiting: int
    deferred: int
    failed: int
    embedding: int


def inference_page(
    filters: InferenceFilter, *, cursor: str | None = None, limit: int = PAGE
) -> Page[Inference]:
    """Return judgements, the newest first."""
    rows = _narrowed(Inference.objects.all(), filters, besides={"message"})
    if filters.message is not None:
        rows = rows.filter(message_id=message_pk(filters.message))
    return newest_first(rows, field="created_at", limit=limit, cursor=cursor)


def inference(pk: int) -> Inference:
    """Return one judgement; raises NotFound."""
    found = Inference.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound("inference_not_found", _("This judgement does not exist."))
    return found


def inferences_of(message_ids: Collection[int]) -> dict[int, list[Inference]]:
    """Return the judgements of messages outside of experiments, the newest first."""
    rows = Inference.objects.filter(message_id__in=message_ids, run_id="", is_shadow=False)
    found: dict[int, list[Inference]] = {pk: [] for pk in message_ids}
    for row in rows.order_by("-created_at", "-pk"):
        found[row.message_id].append(row)
    return found


def conversation_analysis(conversation_pk: int) -> ConversationAnalysis | None:
    """Return the latest analysis of a conversation, None before the first."""
    rows = ConversationAnalysis.objects.filter(conversation_id=conversation_pk)
    return rows.order_by("-created_at", "-pk").first()


def call_page(
    filters: CallFilter, *, cursor: str | None = None, limit: int = PAGE
) -> Page[ModelCall]:
    """Return attempts of calls to providers, the newest first."""
    rows = _narrowed(ModelCall.objects.all(), filters, besides={"failed"})
    if filters.failed is not None:
        rows = rows.exclude(error="") if filters.failed else rows.filter(error="")
    return newest_first(rows, field="created_at", limit=limit, cursor=cursor)


def usage_by_day(*, start: datetime, end: datetime) -> list[Usage]:
    """Return what was used from `start` up to `end`, the latest day first."""
    zone = ZoneInfo(current_tenant().timezone)
    rows = (
        ModelCall.objects.filter(created_at__gte=start, created_at__lt=end)
        .annotate(day=TruncDate("created_at", tzinfo=zone))
        .values("day", "purpose", "provider_name", "model_requested", "currency")
        .annotate(
            calls=Count("pk"),
            failed_calls=Count("pk", filter=~Q(error="")),
            all_items=Sum("items"),
            tokens_in=Sum("input_tokens"),
            tokens_cached=Sum("cached_tokens"),
            tokens_out=Sum("output_tokens"),
            cost=Sum("cost_micros"),
        )
        .order_by("-day", "purpose", "provider_name", "model_requested")
    )
    return [_usage(row) for row in rows]


def budget_states() -> list[BudgetState]:
    """Return this month's budget, the whole first."""
    settings = ai_settings()
    rows = {row.part: row for row in AiBudget.objects.filter(month=this_month())}
    return [
        BudgetState(
            part,
            rows[part].used_tokens if part in rows else 0,
            rows[part].used_micros if part in rows else 0,
            limits_of(settings, part),
        )
        for part in AiBudget.Part.values
    ]


def open_notices() -> list[AiNotice]:
    """Return what people should know about analysis now, the latest first."""
    return list(AiNotice.objects.filter(closed_at=None).order_by("-opened_at")[:20])


def backlog_counts() -> Backlog:
    """Return what waits in the active company."""
    states = dict(AnalysisJob.objects.values_list("state").annotate(Count("pk")))
    return Backlog(
        waiting=states.get("waiting", 0),
        deferred=states.get("deferred", 0),
        failed=states.get("failed", 0),
        embedding=EmbeddingJob.objects.count(),
    )


def states_of(message_ids: Sequence[int]) -> dict[int, str]:
    """Return how far the analysis of messages is that wait: pending, deferred or failed."""
    words = {"waiting": "pending", "deferred": "deferred", "failed": "failed"}
    rows = AnalysisJob.objects.filter(message_id__in=message_ids)
    return {pk: words[state] for pk, state in rows.values_list("message_id", "state")}


def _narrowed(rows: QuerySet[Any], filters: Any, *, besides: set[str]) -> QuerySet[Any]:
    for one in fields(filters):
        value = getattr(filters, one.name)
        if one.name in besides or value is None or value == "":
            continue
        name = {"since": "created_at__gte", "until": "created_at__lt"}.get(one.name, one.name)
        rows = rows.filter(**{name: value})
    return rows


def _usage(row: Any) -> Usage:
    return Usage(
        day=row["day"],
        purpose=row["purpose"],
        provider=row["provider_name"],
        model=row["model_requested"],
        currency=row["currency"],
        calls=row["calls"],
        failed=row["failed_calls"],
        items=row["all_items"],
        input_tokens=row["tokens_in"],
        cached_tokens=row["tokens_cached"],
        output_tokens=row["tokens_out"],
        cost_micros=row["cost"],
    )
