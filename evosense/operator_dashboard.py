"""The first page of operators: a few numbers that tell whether the house is well, and where not."""

import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import redis
from celery import current_app
from django.conf import settings
from django.core.cache import caches
from django.db.models import Count, Min, Q, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from kombu.exceptions import OperationalError

from evosense.core.models import OutboxEvent
from messaging.ingest.models import WebhookEvent
from messaging.ingest.receiver.spool import spooled_files
from tenancy.admin.shown import NOTHING, ago, link, number, size, word
from tenancy.archive.restore import interrupted_swaps
from tenancy.models import FleetRun, Mail, SupportGrant, Tenant, TenantUsage
from tenancy.services import rings

WORKERS_KEPT_SECONDS = 15
_LATE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its words; `care` and `bad` colour it."""

    label: Any
    value: Any
    note: Any = ""
    url: str = ""
    tone: str = ""


def dashboard(_request: HttpRequest) -> dict[str, Any]:
    """Return the groups of figures; the number of queries does not depend on how many tenants."""
    return {
        "groups": [
            (_("Companies"), _tenants()),
            (_("Ingest"), _ingest()),
            (_("Work"), _work_if_redis_answers()),
            (_("The house"), _house()),
        ],
        "late": _late_tenants(),
    }


def _tenants() -> list[Figure]:
    counts = Tenant.objects.aggregate(
        all=Count("pk"),
        trial=Count("pk", filter=Q(status=Tenant.Status.TRIAL)),
        active=Count("pk", filter=Q(status=Tenant.Status.ACTIVE)),
        suspended=Count("pk", filter=Q(status=Tenant.Status.SUSPENDED)),
        failed=Count("pk", filter=Q(state=Tenant.State.FAILED)),
        preparing=Count("pk", filter=Q(state=Tenant.State.PROVISIONING)),
        deleting=Count("pk", filter=Q(state=Tenant.State.DELETING)),
    )
    place = reverse("admin:tenancy_tenant_changelist")
    usage = TenantUsage.objects.aggregate(today=Sum("messages_today"), oldest=Min("computed_at"))
    figures = [
        Figure(_("All"), number(counts["all"]), url=place),
        *(
            Figure(label, number(counts[name]), url=f"{place}?status__exact={name}")
            for name, label in Tenant.Status.choices
        ),
    ]
    for state, tone in (("failed", "bad"), ("provisioning", "care"), ("deleting", "")):
        count = counts["preparing" if state == "provisioning" else state]
        label = Tenant.State(state).label
        url = f"{place}?state__exact={state}"
        figures.append(Figure(label, number(count), url=url, tone=tone if count else ""))
    standing = interrupted_swaps()
    figures.append(
        Figure(
            _("Standing still"),
            number(len(standing)),
            ", ".join(standing[:3]),
            f"{place}?state__exact=moving",
            "bad" if standing else "",
        )
    )
    note = _("counted %(time)s") % {"time": ago(usage["oldest"])} if usage["oldest"] else ""
    return [*figures, Figure(_("Messages today"), number(usage["today"] or 0), note)]


def _ingest() -> list[Figure]:
    waiting = WebhookEvent.objects.filter(status=WebhookEvent.Status.PENDING).aggregate(
        number=Count("id"), oldest=Min("received_at")
    )
    held = WebhookEvent.objects.filter(
        status__in=[WebhookEvent.Status.KEPT, WebhookEvent.Status.DEAD]
    ).aggregate(
        kept=Count("id", filter=Q(status=WebhookEvent.Status.KEPT)),
        dead=Count("id", filter=Q(status=WebhookEvent.Status.DEAD)),
    )
    files = spooled_files(Path(settings.RECEIVER_SPOOL_DIR))
    events = reverse("admin:ingest_webhookevent_changelist")
    return [
        Figure(
            _("Waiting"),
            number(waiting["number"]),
            _("oldest %(time)s") % {"time": ago(waiting["oldest"])} if waiting["oldest"] else "",
            reverse("admin:backlog"),
            _tone(waiting["oldest"]),
        ),
        Figure(
            _("Dead letters"), number(held["dead"]), url=f"{events}?kind=dead",
            tone="bad" if held["dead"] else "",
        ),
        Figure(_("Quarantine"), number(held["kept"]), url=f"{events}?kind=kept"),
        Figure(
            _("Spool"),
            number(len(files)),
            size(sum(each.size for each in files)),
            reverse("admin:spool"),
            "care" if files else "",
        ),
    ]  # fmt: skip


def _work_if_redis_answers() -> list[Figure]:
    """Return the figures of the rings; when Redis is away this page is needed most."""
    try:
        return _work()
    except redis.RedisError:
        return [Figure("Redis", _("does not answer"), tone="bad")]


def _work() -> list[Figure]:
    place = reverse("admin:queues")
    figures = [
        Figure(
            ring.label,
            number(ring.items),
            _("%(messages)s tickets · %(tenants)s companies wait · %(running)s running")
            % {
                "messages": number(ring.messages),
                "tenants": number(ring.tenants_waiting),
                "running": number(ring.running),
            },
            place,
            "bad" if ring.dead else "",
        )
        for ring in rings.rings(now=time.time())
    ]
    workers = workers_alive()
    return [*figures, Figure(_("Workers alive"), number(workers), tone="" if workers else "bad")]


def _house() -> list[Figure]:
    outbox = OutboxEvent.objects.filter(published_at=None).aggregate(
        number=Count("id"), oldest=Min("created_at")
    )
    letters = Mail.objects.aggregate(
        waiting=Count("pk", filter=Q(state=Mail.State.WAITING)),
        failed=Count("pk", filter=Q(state=Mail.State.FAILED)),
    )
    run = FleetRun.objects.order_by("-started_at").first()
    mail = reverse("admin:tenancy_mail_changelist")
    grants = SupportGrant.objects.filter(
        state=SupportGrant.State.OPEN, expires_at__gt=timezone.now()
    ).count()
    return [
        Figure(
            _("Outbox"),
            number(outbox["number"]),
            _("oldest %(time)s") % {"time": ago(outbox["oldest"])} if outbox["oldest"] else "",
            tone=_tone(outbox["oldest"]),
        ),
        Figure(
            _("Last fleet run"),
            word(run.get_state_display()) if run else NOTHING,
            ago(run.started_at) if run else "",
            reverse("admin:tenancy_fleetrun_changelist"),
            "bad" if run and run.state == FleetRun.State.STOPPED else "",
        ),
        Figure(
            _("Letters waiting"), number(letters["waiting"]), url=f"{mail}?state__exact=waiting",
        ),
        Figure(
            _("Letters failed"), number(letters["failed"]), url=f"{mail}?state__exact=failed",
            tone="bad" if letters["failed"] else "",
        ),
        Figure(
            _("Open support accesses"), number(grants),
            url=f"{reverse('admin:tenancy_supportgrant_changelist')}?state__exact=open",
        ),
    ]  # fmt: skip


def _late_tenants() -> list[list[Any]]:
    """Return the companies furthest behind, as last counted."""
    rows = (
        TenantUsage.objects.exclude(oldest_waiting_at=None)
        .select_related("tenant")
        .order_by("oldest_waiting_at")[:10]
    )
    return [
        [link(row.tenant), number(row.waiting), ago(row.oldest_waiting_at), ago(row.computed_at)]
        for row in rows
    ]


def workers_alive() -> int:
    """Count the Celery workers that answer; asked at most every 15 seconds, for it takes one."""
    cache = caches["shared"]
    known = cache.get("workers-alive")
    if known is None:
        try:
            known = len(current_app.control.ping(timeout=0.7))
        except (OperationalError, OSError):
            known = 0
        cache.set("workers-alive", known, WORKERS_KEPT_SECONDS)
    return int(known)


def _tone(oldest: Any) -> str:
    return "care" if oldest and timezone.now() - oldest > _LATE else ""
