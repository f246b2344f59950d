"""Who is told of an incident, once: in the app, and by letter those who look after connections.

Everything runs in the transaction that opens or closes the incident; a letter is a row until it
leaves. Other systems hear of it by `IncidentOpened` and `IncidentClosed`, which webhooks carry.
"""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID
from zlib import crc32

from django.db.models import F, JSONField, QuerySet, Value
from django.db.models.expressions import CombinedExpression
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.schema import current_tenant, database_cursor, public_scope
from messaging.models import Connection, Incident
from tenancy.models import Membership, User
from tenancy.notices import Notice, register_notice, wants
from tenancy.services import mail

NOTICE = "incidents"
OPENED, CLOSED = "incident_opened", "incident_closed"
# One letter is for all numbers that a server took with it.
TOGETHER = timedelta(minutes=30)


def register_alerts() -> None:
    """Let people refuse these letters."""
    register_notice(
        Notice(
            NOTICE,
            _("A number is lost or back"),
            _("When a WhatsApp number stops hearing or sending, and when it works again."),
        )
    )


def tell_opened(connection: Connection, incident: Incident) -> None:
    """Note that pages show it, and write to people unless it is muted or told already."""
    now = timezone.now()
    told = {"app": now.isoformat(), **incident.told}
    if "email" not in told and not is_muted(connection):
        leader = _told_for_server(connection, incident)
        if leader is not None:
            told |= {"email": now.isoformat(), "with": str(leader.public_id)}
        elif _write(OPENED, incident):
            told["email"] = now.isoformat()
    if told != incident.told:
        note_told(Incident.objects.filter(pk=incident.pk), told)
        incident.told = told


def note_told(incidents: QuerySet[Incident], ways: dict[str, str]) -> None:
    """Add ways by which people were told, and when; the first time of each stays.

    In one statement: a letter and a webhook may be noted at the same moment.
    """
    new = Value(ways, output_field=JSONField())
    incidents.update(told=CombinedExpression(new, "||", F("told"), output_field=JSONField()))


def tell_late(connection: Connection, incidents: Iterable[Incident]) -> None:
    """Tell of open incidents that nobody was written about because the number was muted."""
    if not is_muted(connection):
        for one in incidents:
            if "email" not in one.told:
                tell_opened(connection, one)


def tell_closed(connection: Connection, incident: Incident) -> None:
    """Write to those who had the letter of the beginning, unless that was another number's."""
    has_letter = "email" in incident.told and "with" not in incident.told
    if has_letter and not is_muted(connection):
        _write(CLOSED, incident)


def is_muted(connection: Connection) -> bool:
    until = connection.muted_until
    return until is not None and until > timezone.now()


def _told_for_server(connection: Connection, incident: Incident) -> Incident | None:
    """Return the open incident of another number whose letter spoke of the whole server."""
    if incident.kind != Incident.Kind.SERVER_DOWN or connection.server_id is None:
        return None
    # Looks at a server's numbers end together; each must see the letter of the one before it.
    with database_cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [crc32(connection.server_id.bytes)])
    rows = Incident.objects.filter(
        kind=Incident.Kind.SERVER_DOWN,
        ended_at=None,
        connection__server_id=connection.server_id,
        detected_at__gt=timezone.now() - TOGETHER,
        told__has_key="email",
    )
    leaders = rows.exclude(pk=incident.pk).exclude(told__has_key="with")
    return leaders.order_by("pk").first()


def _write(kind: str, incident: Incident) -> bool:
    """Write to everybody who wants it; tell whether there was anybody."""
    tenant = current_tenant()
    people = _people(tenant.id)
    for person in people:
        mail.post(
            kind,
            to=person.email,
            object_id=incident.public_id,
            tenant_id=tenant.id,
            locale=person.locale,
        )
    return bool(people)


def _people(tenant_id: UUID) -> list[User]:
    """Return owners and admins who want these letters."""
    with public_scope():
        rows = Membership.objects.select_related("user").filter(
            tenant_id=tenant_id, role__in=("owner", "admin"), is_active=True
        )
        found = [one.user for one in rows.filter(user__is_active=True).order_by("user_id")]
    return [one for one in found if wants(one, NOTICE)]
