"""Settings of analysis, what it found out in figures, what was called and what it cost."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from analytics.analysis.choosing import choose
from analytics.analysis.selectors import (
    CallFilter,
    backlog_counts,
    budget_states,
    call_page,
    usage_by_day,
)
from analytics.analysis.settings import ai_settings
from analytics.api.analysis_inputs import (
    CallQuery,
    PeriodQuery,
    SettingsChangeSerializer,
    SettingsSerializer,
)
from analytics.api.analysis_outputs import (
    CallSerializer,
    StatsSerializer,
    UsageAnswerSerializer,
)
from analytics.api.errands import READ, TAG, WRITE
from evosense.core.errors import NotAllowed
from evosense.core.rest import ApiView, checked_body, page_of
from evosense.core.rest_schema import Operation, describes, page_serializer
from messaging.selectors.judged_figures import judged_figures
from tenancy.models import ApiKey

_USUAL = timedelta(days=30)
# Who is asked, and what leaves for them, is not for every key that may have messages judged.
_OF_PROVIDERS = "providers:write"


class AnalysisStats(ApiView):
    required_scopes = {"GET": READ}
    query_serializer_class = PeriodQuery

    @describes(
        Operation(
            id="analysis_stats", tag=TAG, scope=READ, query=PeriodQuery, answer=StatsSerializer
        )
    )
    def get(self, request: Request) -> Response:
        """Return what was judged of the messages received in a period."""
        start, end = _period(self.query)
        found = asdict(judged_figures(start=start, end=end))
        return Response(StatsSerializer({**found, "backlog": backlog_counts()}).data)


class AnalysisCalls(ApiView):
    required_scopes = {"GET": READ}
    query_serializer_class = CallQuery

    @describes(
        Operation(
            id="analysis_calls",
            tag=TAG,
            scope=READ,
            query=CallQuery,
            answer=page_serializer(CallSerializer),
        )
    )
    def get(self, request: Request) -> Response:
        """List attempts of calls to providers, the newest first."""
        known = CallFilter.__dataclass_fields__
        filters = CallFilter(**{k: v for k, v in self.query.items() if k in known})
        page = call_page(filters, cursor=self.query.get("cursor"), limit=self.query["limit"])
        return page_of(CallSerializer(page.rows, many=True).data, page.next)


class AnalysisUsage(ApiView):
    required_scopes = {"GET": READ}
    query_serializer_class = PeriodQuery

    @describes(
        Operation(
            id="analysis_usage",
            tag=TAG,
            scope=READ,
            query=PeriodQuery,
            answer=UsageAnswerSerializer,
        )
    )
    def get(self, request: Request) -> Response:
        """Return what was used by day, purpose and model, and this month's budget."""
        start, end = _period(self.query)
        answer = {"results": usage_by_day(start=start, end=end), "budget": budget_states()}
        return Response(UsageAnswerSerializer(answer).data)


class AnalysisSettings(ApiView):
    required_scopes = {"GET": READ, "PATCH": WRITE}

    @describes(
        Operation(id="analysis_settings_get", tag=TAG, scope=READ, answer=SettingsSerializer)
    )
    def get(self, request: Request) -> Response:
        """Return what is analysed, by whom, and for how much."""
        return Response(SettingsSerializer(ai_settings()).data)

    @describes(
        Operation(
            id="analysis_settings_update",
            tag=TAG,
            scope=WRITE,
            body=SettingsChangeSerializer,
            answer=SettingsSerializer,
            example={"analyses_sent": True},
        )
    )
    def patch(self, request: Request) -> Response:
        """Change some of the settings; fields that are left out stay.

        `engine`, `provider_id`, `redacts: false`, `embeds_remotely: true` and
        `transcribes: true` need `providers:write` as well.
        """
        fields = checked_body(SettingsChangeSerializer, request.data)
        given = {name: value for name, value in fields.items() if name in request.data}
        _refuse_without_scope(request, given)
        return Response(SettingsSerializer(choose(**given)).data)


def _refuse_without_scope(request: Request, given: dict[str, Any]) -> None:
    """Refuse choices of who is asked, and of what they are sent, to keys without the scope."""
    names: list[str] = [name for name in ("engine", "provider_id") if name in given]
    names += ["redacts"] if given.get("redacts") is False else []
    names += [name for name in ("embeds_remotely", "transcribes") if given.get(name)]
    key = request.auth
    held = set(key.scopes) if isinstance(key, ApiKey) else set()
    if names and not {"all", _OF_PROVIDERS} & held:
        message = _("Only keys with the scope %(scope)s may change this.")
        raise NotAllowed("scope_required", message % {"scope": _OF_PROVIDERS}, field=names[0])


def _period(query: dict[str, Any]) -> tuple[datetime, datetime]:
    end: datetime = query.get("until") or timezone.now()
    start: datetime = query.get("since") or end - _USUAL
    return start, end
