"""/api/v1/audit: the trail of the company, read only, newest first."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evosense.core.errors import Invalid
from evosense.core.rest import ApiView, PageQuery, UtcDateTimeField, page_of
from evosense.core.rest_schema import Operation, describes, page_serializer
from evosense.core.schema import current_tenant
from tenancy.models import AuditEntry
from tenancy.selectors.audit import AuditFilter, audit_page

_SCOPE = "audit:read"


class AuditQuery(PageQuery):
    action = serializers.CharField(
        required=False, max_length=60, help_text="One act, or an area such as `member`."
    )
    who = serializers.CharField(
        required=False, max_length=120, help_text="Part of the name or e-mail of who acted."
    )
    object = serializers.CharField(
        required=False, max_length=120, help_text="Part of the object's name, or its id."
    )
    since = UtcDateTimeField(required=False, help_text="At or after this time.")
    until = UtcDateTimeField(required=False, help_text="Before this time.")

    def validate(self, attrs: Any) -> Any:
        if "since" in attrs and "until" in attrs and attrs["since"] > attrs["until"]:
            raise Invalid("invalid_range", _("`since` is after `until`."), field="since")
        return attrs


@extend_schema_field({"type": "object", "additionalProperties": {"type": "array"}})
class ChangesField(serializers.JSONField):
    """Field → [before, after]."""


class ActorSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=AuditEntry.ActorKind.values)
    name = serializers.CharField(source="who")
    address = serializers.CharField()


class AuditObjectSerializer(serializers.Serializer[Any]):
    type = serializers.CharField(source="object_type")
    id = serializers.CharField(source="object_id")
    name = serializers.CharField(source="object_label")


class AuditSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    at = UtcDateTimeField()
    action = serializers.CharField()
    sentence = serializers.CharField(help_text="The entry in words, in the company's language.")
    actor = ActorSerializer(source="*")
    object = AuditObjectSerializer(source="*")
    changes = ChangesField(source="raw_changes", help_text="Field → [before, after].")
    request_id = serializers.CharField()


class AuditList(ApiView):
    required_scopes = {"GET": _SCOPE}
    query_serializer_class = AuditQuery

    @describes(
        Operation(
            id="audit_list",
            tag="audit",
            scope=_SCOPE,
            query=AuditQuery,
            answer=page_serializer(AuditSerializer),
        )
    )
    def get(self, request: Request) -> Response:
        """List who changed what, the newest first."""
        narrowed = AuditFilter(
            who=self.query.get("who", ""),
            action=self.query.get("action", ""),
            object=self.query.get("object", ""),
            since=self.query.get("since"),
            until=self.query.get("until"),
        )
        page = audit_page(
            current_tenant().id,
            narrowed,
            cursor=self.query.get("cursor", ""),
            limit=self.query["limit"],
        )
        return page_of(AuditSerializer(page.rows, many=True).data, page.next)
