"""The playground by API: what several sides say of the same texts, without changing a message."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from analytics.api.errands import answer_errand, errand_operation
from analytics.errands.starting import start
from analytics.errands.trial import EMBEDDED, Side, request_of
from analytics.models import Errand
from analytics.prompting.playground import LONGEST_TEXT, MOST_COLUMNS, MOST_TEXTS
from evosense.core.errors import Invalid
from evosense.core.rest import ApiView, Fields, checked_body
from evosense.core.rest_schema import describes


class TrialSideSerializer(Fields):
    provider_id = serializers.UUIDField(
        required=False, default=None, allow_null=True, help_text="Null: the embedded analyser."
    )
    version_id = serializers.UUIDField(
        required=False, default=None, allow_null=True, help_text="Null: the words of the house."
    )


class TrialInputSerializer(Fields):
    """Texts of one's own, or messages, which come with what was said before them."""

    texts = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_TEXT),
        max_length=MOST_TEXTS,
        required=False,
        default=list,
    )
    message_ids = serializers.ListField(
        child=serializers.UUIDField(), max_length=MOST_TEXTS, required=False, default=list
    )
    sides = serializers.ListField(
        child=TrialSideSerializer(), min_length=1, max_length=MOST_COLUMNS
    )


class Trials(ApiView):
    required_scopes = {"POST": "prompts:write"}

    @describes(
        errand_operation(
            "prompt_trials_create",
            "prompts",
            "prompts:write",
            TrialInputSerializer,
            {"texts": ["chegou, obrigada!"], "sides": [{"provider_id": None}]},
        )
    )
    def post(self, request: Request) -> Response:
        """Have up to four sides judge the same texts, at the same time; paid as in production."""
        asked = _asked(checked_body(TrialInputSerializer, request.data))
        return answer_errand(request, lambda: start(Errand.Kind.PLAYGROUND, request=asked))


def _asked(fields: dict[str, Any]) -> dict[str, Any]:
    if bool(fields["texts"]) == bool(fields["message_ids"]):
        raise Invalid("invalid", _("Give either texts or messages."), field="texts")
    sides = [
        Side(
            f"sides.{number}",
            str(one["provider_id"] or EMBEDDED),
            str(one["version_id"] or ""),
        )
        for number, one in enumerate(fields["sides"])
    ]
    # One line is one text there.
    texts = "\n".join(" ".join(text.split()) for text in fields["texts"])
    return request_of(sides, texts=texts, messages=fields["message_ids"])
