"""Production settings. `dev` and `test` loosen them; nothing here has a usable default secret."""

from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from evosense.core.egress.policy import read_policy
from evosense.core.logging import logging_settings
from evosense.env import Environment
from evosense.settings.media import media_storage, read_media
from evosense.settings.operators import UNFOLD  # noqa: F401  (read by name)
from tenancy.db.pool import reset_search_path

BASE_DIR = Path(__file__).resolve().parents[2]
env = Environment()

DEBUG = False
# Opens what only developers should see; never on in production.
IS_LOCAL = False
SECRET_KEY = env.text("SECRET_KEY", hint="At least 50 random characters.")
if SECRET_KEY and len(SECRET_KEY) < 50:
    env.problem("SECRET_KEY: shorter than 50 characters")
DATA_KEYS = env.keyring("EVOSENSE_DATA_KEYS", hint="k1:<32 random bytes in base64>.")
HMAC_KEY = env.key("EVOSENSE_HMAC_KEY", hint="32 random bytes in base64; never changes.")
PUBLIC_HOST = env.text("PUBLIC_HOST", hint="The host name without port, such as app.example.com.")
PUBLIC_SCHEME = env.text("PUBLIC_SCHEME", "https")
PUBLIC_PORT = env.text("PUBLIC_PORT", "")
DATABASE_URL = env.text("DATABASE_URL", hint="postgres://user:password@host:5432/name")
REDIS_URL = env.text("REDIS_URL", hint="redis://host:6379/0")
# Whether strangers may sign up: closes what an operator may open for a company of their own.
SAAS_MODE = env.flag("SAAS_MODE", default=False)
# An installation for companies of one's own makes them by command or on the operators' site.
SIGN_UP_OPEN = env.flag("SIGN_UP_OPEN", default=SAAS_MODE)
# The operator's own page; empty shows the short terms that come with EvoSense.
TERMS_URL = env.text("TERMS_URL", "")
EGRESS = read_policy(env, is_saas=SAAS_MODE)
# A role that bypasses row security is refused at the first connection of a process.
REFUSE_STRONG_ROLES = env.flag("REFUSE_STRONG_ROLES", default=True)
METRICS_TOKEN = env.text("METRICS_TOKEN", "")
# smtp+tls://user:password@host:587; without it letters wait in the database and a check warns.
EMAIL_URL = env.text("EMAIL_URL", "")
EMAIL_READY = bool(EMAIL_URL)
EMAIL_FROM = env.text("EMAIL_FROM", f"EvoSense <no-reply@{PUBLIC_HOST}>")
EMAIL_REPLY_TO = env.text("EMAIL_REPLY_TO", "")
EMAIL_TIMEOUT = 15
DEFAULT_FROM_EMAIL = EMAIL_FROM
# The time zone of letters that belong to no company.
DEFAULT_LETTER_ZONE = "America/Sao_Paulo"
# Where a local installation keeps its letters instead of sending them.
MAILBOX_DIR: Path = Path(env.text("EVOSENSE_HOME", str(BASE_DIR / ".evosense"))) / "mail"
RECEIVER_MAX_BODY = env.integer("RECEIVER_MAX_BODY", 64 * 1024 * 1024)
RECEIVER_SPOOL_DIR = env.text("RECEIVER_SPOOL_DIR", str(BASE_DIR / "var" / "spool"))
RECEIVER_SPOOL_LIMIT = env.integer("RECEIVER_SPOOL_LIMIT", 1024 * 1024 * 1024)
# Networks in CIDR form that operators may come from; empty is from anywhere.
OPERATOR_NETWORKS = env.items("OPERATOR_NETWORKS")
# Name servers that are asked for the proofs of custom domains; empty is the system's.
DNS_SERVERS = env.items("DNS_SERVERS")
RAW_EVENT_RETENTION_DAYS = env.integer("RAW_EVENT_RETENTION_DAYS", 14)
# Single judgements and calls to providers; what messages hold and what experiments compared stays.
ANALYSIS_RETENTION_DAYS = env.integer("ANALYSIS_RETENTION_DAYS", 400)
if ANALYSIS_RETENTION_DAYS < 60:
    env.problem("ANALYSIS_RETENTION_DAYS: at least 60, which drift is measured against")
# Web processes load the sentence encoder at their start: 180 MB each, which the first search takes.
WARM_SEARCH = True

# Files of messages come from a host of their own: whatever is in them, it meets no log-in there.
MEDIA_HOST = env.text("MEDIA_HOST", f"media.{PUBLIC_HOST}").lower()
MEDIA_ORIGIN = f"{PUBLIC_SCHEME}://{MEDIA_HOST}" + (f":{PUBLIC_PORT}" if PUBLIC_PORT else "")
if MEDIA_HOST == PUBLIC_HOST:
    env.problem("MEDIA_HOST: must differ from PUBLIC_HOST")
MEDIA = read_media(env)

ALLOWED_HOSTS = [PUBLIC_HOST, f".{PUBLIC_HOST}", MEDIA_HOST, *env.items("EXTRA_HOSTS")]
ROOT_URLCONF = "evosense.urls_tenant"
PUBLIC_SCHEMA_URLCONF = "evosense.urls_public"
WSGI_APPLICATION = "evosense.wsgi.application"

SHARED_APPS = [
    # Before django_tenants, whose `migrate` command walks through every schema.
    "tenancy",
    "django_tenants",
    "evosense.core",
    "messaging.ingest",
    "messaging.gateway",
    "analytics.providers",
    "billing",
    # Before Django's admin, whose templates it replaces; only the public host serves either.
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    # Tables and algorithms of second factors and sessions; pages and URLs are ours.
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "django_cotton.apps.SimpleAppConfig",
    "template_partials.apps.SimpleAppConfig",
    "rest_framework",
    "drf_spectacular",
]
TENANT_APPS = ["messaging", "dispatch", "analytics"]
INSTALLED_APPS = [*SHARED_APPS, *TENANT_APPS]
TENANT_MODEL = "tenancy.Tenant"
TENANT_DOMAIN_MODEL = "tenancy.Domain"
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
AUTH_USER_MODEL = "tenancy.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def _database(url: str) -> dict[str, Any]:
    config: dict[str, Any] = environ.Env.db_url_config(url) if url else {}
    config["ENGINE"] = "tenancy.db.backend"
    config["CONN_MAX_AGE"] = 0
    # Otherwise each connection that a restarted server left in the pool fails one request.
    config["CONN_HEALTH_CHECKS"] = True
    options = config.setdefault("OPTIONS", {})
    # Small pools: one backend keeps up to 1.5 MB of catalogue cache for each schema it touched.
    options["pool"] = {
        "min_size": 1,
        "max_size": env.integer("DATABASE_POOL_MAX", 8),
        "max_lifetime": 600,
        "timeout": 5,
        # After that long an attempt ends and the next request begins another. The attempts of one
        # wait twice as long each time: minutes of outage would be followed by minutes more.
        "reconnect_timeout": 4,
        "reset": reset_search_path,
    }
    return config


DATABASES = {"default": _database(DATABASE_URL)}


def _mail_server(url: str) -> dict[str, Any]:
    try:
        return dict(environ.Env.email_url_config(url)) if url else {}
    except ImproperlyConfigured as error:
        env.problem(f"EMAIL_URL: {error}")
        return {}


# EMAIL_HOST, EMAIL_PORT, EMAIL_USE_TLS and the others that Django reads.
globals().update(_mail_server(EMAIL_URL))

MIDDLEWARE = [
    "evosense.middleware.ProbeMiddleware",
    "evosense.middleware.MetricsMiddleware",
    "evosense.middleware.RequestContextMiddleware",
    "evosense.secure_middleware.HttpsOnlyMiddleware",
    "tenancy.host_gate.CustomHostMiddleware",
    "django.middleware.security.SecurityMiddleware",
    # Answers its host alone: no session, no cookie and no page comes after it.
    "messaging.media_host.MediaHostMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "evosense.secure_middleware.NoStoreMiddleware",
    "tenancy.middleware.TenantMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "tenancy.middleware.MembershipMiddleware",
    "evosense.middleware.LocaleMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "tenancy.restriction.RestrictionMiddleware",
    "evosense.middleware.MethodPageMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            # Named loaders, because the default AppConfigs of cotton and partials overwrite them.
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django_cotton.cotton_loader.Loader",
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": [
                "django_cotton.templatetags.cotton",
                "template_partials.templatetags.partials",
                "django.templatetags.i18n",
                "django.templatetags.static",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "evosense.core.shell.shell",
                "tenancy.context.brand",
            ],
        },
    }
]
COTTON_DIR = "cotton"

AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "tenancy.password_rules.LongestPassword"},
    {"NAME": "tenancy.password_rules.NoCompanyNames"},
]
LOGIN_URL = "account:login"
LOGIN_REDIRECT_URL = "/"
PASSWORD_RESET_TIMEOUT = 30 * 60
ACCOUNT_ADAPTER = "tenancy.allauth_adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
# Letters are written and sent by tenancy.services.mail, never by allauth.
ACCOUNT_EMAIL_VERIFICATION = "none"
MFA_ADAPTER = "tenancy.allauth_adapter.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "EvoSense"
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODE_DIGITS = 10

LANGUAGE_CODE = "pt-br"
FORMAT_MODULE_PATH = "evosense.formats"
LANGUAGES = [("pt-br", "Português (Brasil)"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
# On, it would write every id and every value of a form as 1.000: people's numbers are grouped
# where they are shown, by `num` and evosense.core.wording.number_words.
USE_THOUSAND_SEPARATOR = False

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_FUNCTION": "evosense.core.cache.tenant_key",
    },
    "shared": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_FUNCTION": "evosense.core.cache.shared_key",
    },
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 7 * 24 * 3600
SESSION_COOKIE_NAME = "__Host-sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken"
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "evosense.views.csrf_failure"
SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", default=True)
SECURE_REDIRECT_EXEMPT = [
    r"^healthz$",
    r"^readyz$",
    r"^metrics$",
    r"^tls/ask$",
    r"^hooks/",
    r"^api/",
]
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("BEHIND_PROXY", default=True) else None
)
# How many proxies of ours stand in front, each appending to X-Forwarded-For.
TRUSTED_PROXIES = env.integer("TRUSTED_PROXIES", 1 if SECURE_PROXY_SSL_HEADER else 0)
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", MEDIA_ORIGIN],
        "media-src": ["'self'", MEDIA_ORIGIN],
        "connect-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
    }
}
APPEND_SLASH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = Path(env.text("MEDIA_ROOT", str(BASE_DIR / "var" / "media")))
MEDIA_URL = "/media-not-served/"
STORAGES = {
    "default": media_storage(env),
    "staticfiles": {"BACKEND": "evosense.core.assets.AssetStorage"},
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tenancy.api_auth.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["tenancy.api_auth.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "evosense.core.problem.problem_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "EvoSense API",
    "DESCRIPTION": "WhatsApp conversations, contacts and messages of one company.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    # Several parts of the document have a field of this name.
    "ENUM_NAME_OVERRIDES": {
        "ConnectionStateEnum": "messaging.api.connection_outputs.CONNECTION_STATES",
        "SendingStateEnum": "messaging.api.sending_outputs.SENDING_STATES",
        "ExperimentModeEnum": "analytics.api.enums.EXPERIMENT_MODES",
        "ExperimentStatusEnum": "analytics.api.enums.EXPERIMENT_STATES",
        "EmotionEnum": "analytics.api.enums.EMOTIONS",
        "InferenceStatusEnum": "analytics.api.enums.INFERENCE_STATES",
    },
}

CELERY = {
    "broker_url": REDIS_URL,
    "task_ignore_result": True,
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "worker_prefetch_multiplier": 1,
    "accept_content": ["json"],
    "task_serializer": "json",
    "broker_connection_retry_on_startup": True,
    "broker_transport_options": {"visibility_timeout": 3600},
    "task_default_queue": "maintenance",
    "task_routes": {
        # What is sent to show a customer that somebody types must not wait behind housekeeping.
        "messaging.show_typing": {"queue": "dispatch"},
        # An outage makes much work for all other queues, and must not blind the watch.
        "messaging.watch": {"queue": "watch"},
        "messaging.fetch_media_later": {"queue": "media"},
        "messaging.follow_state": {"queue": "watch"},
        # It also ends the pause of seconds after a first failure.
        "messaging.sweep_webhooks_out": {"queue": "webhooks"},
    },
}

LOGGING = logging_settings(as_json=True, level=env.text("LOG_LEVEL", "INFO"))

env.require_complete()
