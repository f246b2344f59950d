"""Tests: real PostgreSQL and Redis from the test session, fast password hashing."""

import base64
import os

from evosense.local.testing import export_test_servers

os.environ.setdefault("SECRET_KEY", "t" * 60)
os.environ.setdefault("EVOSENSE_DATA_KEYS", "k1:" + base64.b64encode(b"1" * 32).decode())
os.environ.setdefault("EVOSENSE_HMAC_KEY", base64.b64encode(b"2" * 32).decode())
os.environ.setdefault("PUBLIC_HOST", "testserver")
# Pytest gets servers of its own; type checkers and imports get addresses that nobody answers.
export_test_servers()
os.environ.setdefault("DATABASE_URL", "postgres://localhost/unset")
os.environ.setdefault("REDIS_URL", "redis://localhost:1/0")
os.environ.setdefault("EMAIL_URL", "memorymail://")
os.environ.setdefault("SECURE_SSL_REDIRECT", "0")
os.environ.setdefault("BEHIND_PROXY", "0")
os.environ.setdefault("SIGN_UP_OPEN", "1")
os.environ.setdefault("EVOSENSE_EGRESS_ALLOW", "127.0.0.0/8,::1/128")
os.environ.setdefault("EVOSENSE_EGRESS_PORTS", "any")
os.environ.setdefault("EVOSENSE_EGRESS_HTTP", "1")

from evosense.settings.base import *

ALLOWED_HOSTS = ["*"]
MIDDLEWARE = ["evosense.testing.attributes.AttributeGuard", *MIDDLEWARE]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
REFUSE_STRONG_ROLES = False
WARM_SEARCH = False
SESSION_COOKIE_NAME = "sessionid"
CSRF_COOKIE_NAME = "csrftoken"
SESSION_COOKIE_SECURE = False
CSRF_COOKIE_SECURE = False
DATABASES["default"]["OPTIONS"].pop("pool", None)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
# Looked up when asked for: otherwise each new test client walks through all static files.
WHITENOISE_AUTOREFRESH = True
# WhiteNoise warns about a folder that only `collectstatic` makes.
STATIC_ROOT = BASE_DIR / "locale"
