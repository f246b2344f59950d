"""What the letters about incidents say, and whether they are still true when they leave."""

from typing import Any
from uuid import UUID

from django.urls import NoReverseMatch

from evosense.core.schema import tenant_scope
from messaging.models import Connection, Incident
from messaging.selectors.incidents import IncidentView, incident_view_of
from messaging.services.health.alerts import CLOSED, OPENED
from tenancy.models import Mail, User
from tenancy.services import links
from tenancy.services.mail import register_mail

# A letter names so many of the numbers that are on a server that does not answer.
NAMED = 20


def register_letters() -> None:
    """Announce the letters of this module."""
    register_mail(OPENED, incident_opened)
    register_mail(CLOSED, incident_closed)


def incident_opened(mail: Mail) -> dict[str, Any] | None:
    """`object_id` is the incident; nothing to say when it is over."""
    found = _about(mail)
    return None if found is None or not found["incident"].is_open else found


def incident_closed(mail: Mail) -> dict[str, Any] | None:
    """`object_id` is the incident; nothing to say when it was opened again."""
    found = _about(mail)
    return None if found is None or found["incident"].is_open else found


def _about(mail: Mail) -> dict[str, Any] | None:
    if mail.tenant is None:
        return None
    with tenant_scope(mail.tenant.ref):
        rows = Incident.objects.select_related("connection")
        row = rows.filter(public_id=UUID(mail.object_id)).first()
        if row is None:
            return None
        incident, numbers = incident_view_of(row), _numbers(row)
    person = User.objects.filter(email=mail.to).first()
    return {
        "name": person.name if person else "",
        "incident": incident,
        "numbers": numbers[:NAMED],
        "more": max(0, len(numbers) - NAMED),
        "company_name": mail.tenant.name,
        "url": _page(mail, incident),
    }


def _numbers(incident: Incident) -> list[str]:
    """Return the names of all numbers of a server that does not answer, else of the one."""
    own = incident.connection
    if incident.kind != Incident.Kind.SERVER_DOWN or own.server_id is None:
        return [own.name]
    rows = Connection.objects.filter(server_id=own.server_id, removed_at=None, is_active=True)
    return list(rows.order_by("name").values_list("name", flat=True))


def _page(mail: Mail, incident: IncidentView) -> str:
    if mail.tenant_id is None:
        return ""
    try:
        return links.tenant_url(
            mail.tenant_id, "messaging:connection-detail", str(incident.connection_id)
        )
    except NoReverseMatch:
        return ""
