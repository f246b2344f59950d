from django.urls import path

from tenancy.api.audit import AuditList
from tenancy.api.members import MemberList

urlpatterns = [
    path("members", MemberList.as_view()),
    path("audit", AuditList.as_view()),
]
