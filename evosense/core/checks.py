"""System checks for what an operator can get wrong. Every one has an id and says what to do."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004
from django.db import DatabaseError, connections

from evosense.core.role_check import excess
from evosense.core.schema import public_scope

OLDEST_SERVER = 180_000


@register(Tags.security, deploy=True)
def check_data_keys(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E001: guessable or shared encryption keys."""
    keys = [key for _key_id, key in settings.DATA_KEYS] + [settings.HMAC_KEY]
    weak = [key for key in keys if len(set(key)) < 8]
    if not weak and len(set(keys)) == len(keys):
        return []
    hint = "Make each with 32 bytes of a random generator; EVOSENSE_HMAC_KEY has its own."
    return [Error("A data key is guessable or used twice.", hint=hint, id="core.E001")]


@register(Tags.security, deploy=True)
def check_public_host(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E002: links and tenant hosts are built from PUBLIC_HOST, so it is a bare host name."""
    host = settings.PUBLIC_HOST
    if host == host.lower() and not set(host) & set("/:* ") and not host.startswith("."):
        return []
    hint = "Use only the name, such as app.example.com; port and scheme have settings of their own."
    return [Error("PUBLIC_HOST is not a bare host name.", hint=hint, id="core.E002")]


@register(Tags.security, deploy=True)
def check_key_ids(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E003: a key id is written into every ciphertext, so it must name one key."""
    ids = [key_id for key_id, _key in settings.DATA_KEYS]
    if len(set(ids)) == len(ids) and all(0 < len(key_id.encode()) < 256 for key_id in ids):
        return []
    hint = "Write EVOSENSE_DATA_KEYS as k2:<base64>,k1:<base64> with a different id for each."
    return [Error("EVOSENSE_DATA_KEYS repeats or lacks a key id.", hint=hint, id="core.E003")]


@register(Tags.files, deploy=True)
def check_spool(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """W001: without a writable spool the receiver answers 503 while the database is away."""
    folder = Path(settings.RECEIVER_SPOOL_DIR)
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    if os.access(nearest, os.W_OK):
        return []
    hint = f"Mount a volume at {folder} that this user may write to, or set RECEIVER_SPOOL_DIR."
    return [Warning("The receiver's spool is not writable.", hint=hint, id="core.W001")]


@register(Tags.database)
def check_server(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """E004, W002: a server too old to report its path, or a role that nothing binds."""
    if "default" not in (databases or ()):
        return []
    try:
        with public_scope(), connections["default"].cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version_num')::int")
            version = cursor.fetchone()[0]
            strength = excess(cursor)
    except DatabaseError as error:
        hint = "Check DATABASE_URL, and that the server accepts connections from here."
        return [Error(f"The database does not answer: {error}", hint=hint, id="core.E005")]
    return [*_old_server(version), *_strong_role(strength)]


def _old_server(version: int) -> list[CheckMessage]:
    if version >= OLDEST_SERVER:
        return []
    hint = "Use PostgreSQL 18 or newer: it reports search_path, which keeps tenants apart."
    return [Error("The PostgreSQL server is too old.", hint=hint, id="core.E004")]


def _strong_role(flags: list[str]) -> list[CheckMessage]:
    if not flags or settings.IS_LOCAL:
        return []
    hint = "Connect as a role of `manage.py database_roles`."
    return [Warning(f"The database role is {' and '.join(flags)}.", hint=hint, id="core.W002")]
