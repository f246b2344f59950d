"""/api/v1/members: the people of the company, read only."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evosense.core.rest import ApiView, PageQuery, UtcDateTimeField, page_of
from evosense.core.rest_schema import Operation, describes, page_serializer
from evosense.core.schema import current_tenant
from tenancy.selectors.people import people_page

_SCOPE = "members:read"


class MemberQuery(PageQuery):
    active = serializers.BooleanField(
        required=False, default=True, help_text="False for people who were deactivated."
    )
    text = serializers.CharField(
        required=False, max_length=100, help_text="Part of the name or the e-mail."
    )


class MemberSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    email = serializers.EmailField()
    role = serializers.CharField(
        help_text="`owner`, `admin`, `supervisor`, `agent`, `viewer`, or `own-` and a number."
    )
    role_name = serializers.CharField(source="role_label")
    is_active = serializers.BooleanField()
    has_second_factor = serializers.BooleanField()
    last_seen_at = UtcDateTimeField(allow_null=True)
    created_at = UtcDateTimeField()


class MemberList(ApiView):
    required_scopes = {"GET": _SCOPE}
    query_serializer_class = MemberQuery

    @describes(
        Operation(
            id="members_list",
            tag="members",
            scope=_SCOPE,
            query=MemberQuery,
            answer=page_serializer(MemberSerializer),
        )
    )
    def get(self, request: Request) -> Response:
        """List the people of the company by name."""
        page = people_page(
            current_tenant().id,
            is_active=self.query["active"],
            q=self.query.get("text", ""),
            cursor=self.query.get("cursor", ""),
            limit=self.query["limit"],
        )
        return page_of(MemberSerializer(page.rows, many=True).data, page.next)
