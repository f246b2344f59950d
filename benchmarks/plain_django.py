"""What a receiver written as a Django view would be: parse, save one row, answer."""

import hashlib
import os
from urllib.parse import urlsplit
from uuid import UUID

import django
import orjson
from django.conf import settings

_url = urlsplit(os.environ["DATABASE_URL"])
settings.configure(
    SECRET_KEY="x" * 50,
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    INSTALLED_APPS=["messaging.ingest"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _url.path[1:],
            "USER": _url.username,
            "HOST": _url.hostname,
            "PORT": _url.port,
            "CONN_MAX_AGE": None,
        }
    },
)
django.setup()

from django.core.asgi import get_asgi_application  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpRequest, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils import timezone  # noqa: E402

from messaging.ingest.models import WebhookEvent  # noqa: E402


def save(request: HttpRequest, connection_id: UUID) -> JsonResponse:
    event = orjson.loads(request.body)
    now = timezone.now()
    WebhookEvent.objects.create(
        received_at=now,
        tenant_id=connection_id,
        connection_id=connection_id,
        dedupe_key=hashlib.sha256(request.body).digest(),
        event=event["event"],
        instance=event["instance"],
        body=request.body,
        next_attempt_at=now,
    )
    return JsonResponse({})


urlpatterns = [path("hooks/evo/<uuid:connection_id>", save)]
wsgi = get_wsgi_application()
asgi = get_asgi_application()
