"""Celery carries disposable work only; what must not be lost waits in PostgreSQL.

Queues are by kind. Every task is a `tenancy.db.tasks.TenantTask`, which fails without its tenant.
Periodic work is this static table: nothing of it differs between installations, and a table in the
database would have to be asked for at every tick.
"""

import os
from typing import Any

from celery import Celery
from celery.beat import PersistentScheduler
from celery.schedules import crontab
from celery.signals import heartbeat_sent, setup_logging, worker_process_init, worker_ready
from django.conf import settings
from kombu.entity import Queue

from evosense import telemetry
from evosense.core import heartbeat, metrics

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evosense.settings.base")

QUEUES = ("watch", "ingest", "dispatch", "media", "asked", "ai", "webhooks", "maintenance")

app = Celery("evosense", task_cls="tenancy.db.tasks:TenantTask")
app.config_from_object(settings.CELERY)
# Named, so that a worker without -Q serves all of them.
app.conf.task_queues = [Queue(name) for name in QUEUES]  # type: ignore[no-untyped-call]
app.conf.beat_schedule = {
    "partitions": {"task": "ingest.maintain_partitions", "schedule": crontab("10", "0")},
    "outbox": {"task": "core.purge_outbox", "schedule": crontab("40", "3")},
    "log-ins": {"task": "tenancy.purge_log_ins", "schedule": crontab("20", "*")},
    "leases": {"task": "tenancy.reap_leases", "schedule": 15.0, "options": {"expires": 15}},
    "domains": {"task": "tenancy.recheck_domains", "schedule": crontab("25")},
    "support": {"task": "tenancy.end_support", "schedule": 60.0, "options": {"expires": 55}},
    "usage": {"task": "messaging.refresh_usage", "schedule": 300.0, "options": {"expires": 290}},
    "servers": {"task": "gateway.probe_servers", "schedule": 300.0, "options": {"expires": 290}},
    "providers": {
        "task": "analytics.probe_providers",
        "schedule": 900.0,
        "options": {"expires": 890},
    },
    "provisioning": {"task": "tenancy.finish_provisioning", "schedule": 300.0},
    "mail": {"task": "tenancy.sweep_mail", "schedule": 60.0, "options": {"expires": 55}},
    "companies": {
        "task": "tenancy.tend_companies",
        "schedule": 60.0,
        "options": {"expires": 55},
    },
    "remains": {"task": "tenancy.sweep_remains", "schedule": crontab("50", "4")},
    "front door": {"task": "tenancy.purge_front_door", "schedule": crontab("25", "3")},
    "old audit": {"task": "tenancy.forget_old_audit", "schedule": crontab("20", "4", "0")},
    "audit anchors": {
        "task": "tenancy.fan_out",
        "schedule": 60.0,
        "kwargs": {"task": "tenancy.anchor_audit", "minutes": 1440},
    },
    "watch": {"task": "messaging.watch", "schedule": 5.0, "options": {"expires": 10}},
    "old looks": {
        "task": "tenancy.fan_out",
        "schedule": 60.0,
        "kwargs": {"task": "messaging.forget_old_looks", "minutes": 1440},
    },
    "webhooks": {
        "task": "tenancy.fan_out",
        "schedule": 60.0,
        "kwargs": {"task": "messaging.verify_webhooks", "minutes": 1440},
    },
    "webhooks out": {
        "task": "tenancy.fan_out",
        "schedule": 60.0,
        "kwargs": {"task": "messaging.sweep_webhooks_out", "minutes": 1},
    },
    "old webhooks out": {
        "task": "tenancy.fan_out",
        "schedule": 60.0,
        "kwargs": {"task": "messaging.forget_webhooks_out", "minutes": 1440},
    },
    "parked": {
        "task": "tenancy.fan_out",
        "schedule": 60.0,
        "kwargs": {"task": "messaging.expire_parked", "minutes": 60},
    },
    "media": {
        "task": "tenancy.fan_out",
        "schedule": 60.0,
        "kwargs": {"task": "messaging.sweep_media", "minutes": 3},
    },
    "search": {
        "task": "tenancy.fan_out",
        "schedule": 60.0,
        "kwargs": {"task": "analytics.tend_search", "minutes": 5},
    },
    "search index": {
        "task": "tenancy.fan_out",
        "schedule": 60.0,
        "kwargs": {"task": "analytics.tend_vector_index", "minutes": 1440},
    },
    "saved searches": {
        "task": "tenancy.fan_out",
        "schedule": 60.0,
        "kwargs": {"task": "analytics.raise_search_alerts", "minutes": 1440},
    },
    "files": {
        "task": "tenancy.fan_out",
        "schedule": 60.0,
        "kwargs": {"task": "messaging.sweep_files", "minutes": 1440},
    },
    "analysis": {
        "task": "tenancy.fan_out",
        "schedule": 60.0,
        "kwargs": {"task": "analytics.sweep_analysis", "minutes": 1},
    },
    "conversations": {
        "task": "tenancy.fan_out",
        "schedule": 60.0,
        "kwargs": {"task": "analytics.sweep_conversations", "minutes": 5},
    },
    "analysis books": {
        "task": "tenancy.fan_out",
        "schedule": 60.0,
        "kwargs": {"task": "analytics.tidy_analysis", "minutes": 15},
    },
    "old judgements": {
        "task": "tenancy.fan_out",
        "schedule": 60.0,
        "kwargs": {"task": "analytics.forget_old_judgements", "minutes": 1440},
    },
    "errands": {
        "task": "tenancy.fan_out",
        "schedule": 60.0,
        "kwargs": {"task": "analytics.forget_errands", "minutes": 60},
    },
    "experiments": {
        "task": "tenancy.fan_out",
        "schedule": 60.0,
        "kwargs": {"task": "analytics.sweep_experiments", "minutes": 1},
    },
    "canaries": {
        "task": "tenancy.fan_out",
        "schedule": 60.0,
        "kwargs": {"task": "analytics.guard_canary", "minutes": 5},
    },
    "drift": {
        "task": "tenancy.fan_out",
        "schedule": 60.0,
        "kwargs": {"task": "analytics.watch_drift", "minutes": 1440},
    },
}
# A probe reads the file's age; without beats it would take a hung scheduler for a healthy one.
app.conf.beat_scheduler = "evosense.celery:BeatingScheduler"
# The current app is a variable of one thread; the others would get an unconfigured one.
app.set_default()
app.autodiscover_tasks()


class BeatingScheduler(PersistentScheduler):
    """Celery's own scheduler, which also notes that it still turns."""

    def tick(self, *arguments: Any, **options: Any) -> Any:
        heartbeat.beat()
        # The pause until the next tick must not outlast the probe's patience.
        return min(super().tick(*arguments, **options), 15.0)


@setup_logging.connect
def _keep_our_logging(**_details: Any) -> None:
    """Hold Celery off: it would replace the handlers, and with them the net that masks."""


@worker_ready.connect
def _serve_metrics(**_details: Any) -> None:
    metrics.serve_if_asked()


@heartbeat_sent.connect
def _beat(**_details: Any) -> None:
    heartbeat.beat()


@worker_process_init.connect
def _trace_in_child(**_details: Any) -> None:
    # The exporter's thread does not survive the fork of a pool process.
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        telemetry.start_tracing()
