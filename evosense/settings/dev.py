"""Local use: plain HTTP on localhost, no manifest for static files; DEBUG=1 shows tracebacks."""

import os

os.environ.setdefault("PUBLIC_HOST", "localhost")
os.environ.setdefault("PUBLIC_SCHEME", "http")
os.environ.setdefault("PUBLIC_PORT", os.environ.get("PORT", "8000"))
os.environ.setdefault("SECURE_SSL_REDIRECT", "0")
os.environ.setdefault("BEHIND_PROXY", "0")
os.environ.setdefault("SIGN_UP_OPEN", "1")
# The simulator is this machine.
os.environ.setdefault("EVOSENSE_EGRESS_ALLOW", "127.0.0.0/8,::1/128")
os.environ.setdefault("EVOSENSE_EGRESS_PORTS", "any")
os.environ.setdefault("EVOSENSE_EGRESS_HTTP", "1")

from evosense.core.logging import logging_settings
from evosense.settings.base import *
from evosense.settings.media import media_storage

# Errors look as in production unless asked for: debug pages list routes, in English.
DEBUG = env.flag("DEBUG", default=False)
IS_LOCAL = True
# Any Host header: command-line clients reach tenants at 127.0.0.1 by sending the tenant's host.
ALLOWED_HOSTS = ["*"]
REFUSE_STRONG_ROLES = False
SESSION_COOKIE_NAME = "sessionid"
CSRF_COOKIE_NAME = "csrftoken"
SESSION_COOKIE_SECURE = False
CSRF_COOKIE_SECURE = False
SECURE_HSTS_SECONDS = 0
STORAGES = {
    "default": media_storage(env),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
if not EMAIL_URL:
    # Letters become files that /dev/mailbox shows.
    EMAIL_READY = True
    EMAIL_BACKEND = "evosense.local.mailbox.FolderBackend"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
LOGGING = logging_settings(
    as_json=env.flag("LOG_JSON", default=False), level=os.environ.get("LOG_LEVEL", "INFO")
)
