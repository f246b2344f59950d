"""Receiver, event streams and Django on one port.

Production may run the three as processes of their own. Django stays synchronous, on a thread pool:
forty streams through an async Django view held forty database connections.
"""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evosense.settings.base")

from a2wsgi import WSGIMiddleware
from django.core.wsgi import get_wsgi_application

# Typed loosely: Django's answer is an iterable of bytes, which its stubs do not say.
django_application: Any = get_wsgi_application()

from analytics.search import warming  # noqa: E402
from evosense import composition  # noqa: E402

application = composition.compose(WSGIMiddleware(django_application, workers=8))
warming.begin()
