"""The synchronous Django application, for gunicorn and inside `asgi.py`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evosense.settings.base")
application = get_wsgi_application()
