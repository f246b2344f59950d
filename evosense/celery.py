"""Celery carries disposable work only; what must not be lost waits in PostgreSQL.

Queues are by kind. Every task is a `tenancy.db.tasks.TenantTask`, which fails without its tenant.
"""

import os

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evosense.settings.base")

app = Celery("evosense", task_cls="tenancy.db.tasks:TenantTask")
app.config_from_object(settings.CELERY)
app.autodiscover_tasks()
