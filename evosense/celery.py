"""Celery carries disposable work only; what must not be lost waits in PostgreSQL.

Queues are by kind. Tasks of a tenant use `tenancy.tasks_base.TenantTask` (see `tenancy/db/tasks.py`).
"""

import os

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evosense.settings.base")

app = Celery("evosense", task_cls="tenancy.db.tasks:TenantTask")
app.config_from_object(settings.CELERY)
app.autodiscover_tasks()
