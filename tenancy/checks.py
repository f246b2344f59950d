"""System checks for what an operator or developer can get wrong about tenancy."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004
from django.db import DatabaseError, connections

from evosense.core.schema import public_scope


@register("tenancy")
def check_engine(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E001: only our backend follows the context variable."""
    if settings.DATABASES["default"]["ENGINE"] == "tenancy.db.backend":
        return []
    hint = "Set ENGINE to tenancy.db.backend; the stock backend leaks tenants between threads."
    return [Error("The database engine is not EvoSense's.", hint=hint, id="tenancy.E001")]


@register("tenancy")
def check_app_lists(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E002: an app in both lists would fall through from a tenant's table to the public one."""
    both = sorted(set(settings.SHARED_APPS) & set(settings.TENANT_APPS))
    return [
        Error(
            f"{name} is both a shared and a tenant app.",
            hint="Keep it in one of SHARED_APPS and TENANT_APPS.",
            id="tenancy.E002",
        )
        for name in both
    ]


@register("tenancy")
def check_no_relation_to_shared(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E003: the iron rule; plain ids keep tenants movable, exportable and deletable."""
    shared = {config.label for config in _configs(settings.SHARED_APPS)}
    return [
        Error(
            f"{model._meta.label}.{field.name} relates to the shared app {target}.",
            hint="Store the plain id instead of a relation.",
            obj=model,
            id="tenancy.E003",
        )
        for config in _configs(settings.TENANT_APPS)
        for model in config.get_models(include_auto_created=True)
        for field in model._meta.get_fields()
        if field.is_relation and not field.auto_created and field.related_model is not None
        for target in [field.related_model._meta.app_label]
        if target in shared
    ]


@register(Tags.database)
def check_reported_path(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """E004: without the report nobody would notice that a pooler mixed two tenants' connections."""
    if "default" not in (databases or ()):
        return []
    try:
        with public_scope(), connections["default"].cursor() as cursor:
            reported = cursor.connection.info.parameter_status("search_path")
    except DatabaseError:
        # That the database does not answer is another check's news.
        return []
    if reported is not None:
        return []
    hint = (
        "Connect to PostgreSQL 18 directly, or through PgBouncer 1.25.1 or newer with"
        " track_extra_parameters = search_path."
    )
    return [Error("The server does not report search_path.", hint=hint, id="tenancy.E004")]


@register(Tags.security, deploy=True)
def check_mail(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """W001, W002: letters that wait for ever, or that travel readable."""
    if not settings.EMAIL_READY:
        hint = "Set EMAIL_URL, such as smtp+tls://user:password@mail.example.com:587."
        return [
            Warning("No letter can be sent: EMAIL_URL is not set.", hint=hint, id="tenancy.W001")
        ]
    is_smtp = settings.EMAIL_BACKEND == "django.core.mail.backends.smtp.EmailBackend"
    is_near = settings.EMAIL_HOST in {"localhost", "127.0.0.1", "::1"}
    if not is_smtp or is_near or settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL:
        return []
    hint = "Use smtp+tls:// (port 587) or smtp+ssl:// (port 465) in EMAIL_URL."
    return [Warning("Letters are sent without encryption.", hint=hint, id="tenancy.W002")]


@register(Tags.security, deploy=True)
def check_sign_up(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E005: strangers may come in where requests may still go to the house's own network."""
    if settings.SAAS_MODE or not settings.SIGN_UP_OPEN:
        return []
    hint = "Set SAAS_MODE=1, or SIGN_UP_OPEN=0 and make companies by command."
    return [Error("Sign-up is open without SAAS_MODE.", hint=hint, id="tenancy.E005")]


def _configs(names: Iterable[str]) -> list[AppConfig]:
    wanted = set(names)
    return [
        config
        for config in apps.get_app_configs()
        if config.name in wanted or f"{config.__module__}.{type(config).__name__}" in wanted
    ]
