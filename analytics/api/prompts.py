from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from analytics.models import PromptTemplate, Task
from analytics.prompting import reading
from analytics.prompting.labels import move_label
from analytics.prompting.versions import Author, create_version
from evosense.core.errors import NotAllowed
from evosense.core.rest import (
    ApiView,
    Fields,
    PageQuery,
    Query,
    UtcDateTimeField,
    answer_post,
    checked_body,
    page_of,
)
from evosense.core.rest_schema import Operation, describes, page_serializer

_READ, _WRITE = "prompts:read", "prompts:write"


class LabelSerializer(serializers.Serializer[Any]):
    label = serializers.CharField()  # type: ignore[assignment]
    number = serializers.IntegerField()
    is_protected = serializers.BooleanField()
    updated_at = UtcDateTimeField()


class PromptSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    task = serializers.ChoiceField(choices=Task.values)
    versions = serializers.IntegerField()
    newest = serializers.UUIDField(source="newest.public_id")
    labels = LabelSerializer(many=True)


class PromptListSerializer(serializers.Serializer[Any]):
    results = PromptSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class VersionSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    number = serializers.IntegerField()
    version = serializers.CharField()
    task = serializers.ChoiceField(choices=Task.values)
    body = serializers.CharField()
    description = serializers.CharField()
    output_schema = serializers.JSONField()
    model_params = serializers.JSONField()
    template_hash = serializers.CharField()
    created_by = serializers.CharField()
    created_at = UtcDateTimeField()


class NewVersionSerializer(Fields):
    name = serializers.CharField(max_length=48)
    task = serializers.ChoiceField(choices=Task.values)
    body = serializers.CharField(max_length=20_000, trim_whitespace=False)
    description = serializers.CharField(
        max_length=1_000, required=False, default="", allow_blank=True
    )
    output_schema = serializers.DictField(required=False, default=None, allow_null=True)
    model_params = serializers.DictField(required=False, default=dict)
    based_on = serializers.IntegerField(required=False, default=None, allow_null=True, min_value=0)


class MoveSerializer(Fields):
    version = serializers.UUIDField()
    label = serializers.CharField(max_length=32)  # type: ignore[assignment]


class PromptQuery(Query):
    task = serializers.ChoiceField(choices=Task.values, required=False)


class PromptList(ApiView):
    required_scopes = {"GET": _READ, "POST": _WRITE}
    query_serializer_class = PromptQuery

    @describes(
        Operation(
            id="prompts_list",
            tag="prompts",
            scope=_READ,
            query=PromptQuery,
            answer=PromptListSerializer,
        )
    )
    def get(self, request: Request) -> Response:
        """List prompts by name with their labels, the one written last first; 200 at most."""
        rows = reading.prompts(task=self.query.get("task", ""))
        return page_of(PromptSerializer(rows, many=True).data, None)

    @describes(
        Operation(
            id="prompts_create",
            tag="prompts",
            scope=_WRITE,
            body=NewVersionSerializer,
            answer=VersionSerializer,
            status=201,
            is_idempotent=True,
            example={
                "name": "analise-loja",
                "task": "message_analysis",
                "body": "Judge the messages of {{company}}.",
            },
        )
    )
    def post(self, request: Request) -> Response:
        """Write the next version of a prompt. Versions never change."""
        given = checked_body(NewVersionSerializer, request.data)

        def work() -> Any:
            return VersionSerializer(create_version(**given, author=_author(request))).data

        return answer_post(request, work, status=201)


class PromptVersions(ApiView):
    required_scopes = {"GET": _READ}
    query_serializer_class = PageQuery

    @describes(
        Operation(
            id="prompt_versions_list",
            tag="prompts",
            scope=_READ,
            query=PageQuery,
            answer=page_serializer(VersionSerializer),
        )
    )
    def get(self, request: Request, name: str) -> Response:
        """List the versions of one prompt, the newest first."""
        page = reading.versions(name, limit=self.query["limit"], cursor=self.query.get("cursor"))
        return page_of(VersionSerializer(page.rows, many=True).data, page.next)


class PromptVersion(ApiView):
    required_scopes = {"GET": _READ}

    @describes(
        Operation(id="prompt_versions_get", tag="prompts", scope=_READ, answer=VersionSerializer)
    )
    def get(self, request: Request, version_id: UUID) -> Response:
        """Return one version."""
        return Response(VersionSerializer(reading.version(version_id)).data)


class PromptLabels(ApiView):
    required_scopes = {"POST": _WRITE}

    @describes(
        Operation(
            id="prompt_labels_move",
            tag="prompts",
            scope=_WRITE,
            body=MoveSerializer,
            answer=LabelSerializer,
            may_conflict=True,
            is_idempotent=True,
            example={"version": "01900000-0000-7000-8000-000000000001", "label": "staging"},
        )
    )
    def post(self, request: Request) -> Response:
        """Point a label at a version. Protected labels, production among them, move by people."""
        given = checked_body(MoveSerializer, request.data)

        def work() -> Any:
            row = reading.version(given["version"])
            _refuse_protected(row, given["label"])
            moved = move_label(given["label"], row, author=_author(request))
            return LabelSerializer(
                reading.LabelView(moved.label, row.number, moved.is_protected, moved.updated_at)
            ).data

        return answer_post(request, work, status=200)


def _refuse_protected(row: PromptTemplate, label: str) -> None:
    held = {
        one.label for one in reading.labels_of([row.name]).get(row.name, []) if one.is_protected
    }
    if label == "production" or label in held:
        message = _("This label is protected: a person moves it, with a reason.")
        raise NotAllowed("label_protected", message, field="label")


def _author(request: Request) -> Author:
    return Author(None, f"API: {getattr(request.auth, 'name', '')}")
