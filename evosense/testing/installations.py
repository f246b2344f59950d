"""A second installation for a test: another database, other keys, other files."""

import base64
from collections.abc import Iterator
from contextlib import closing, contextmanager

from django.core.files.storage import default_storage
from django.db import connection, connections
from django.test import override_settings

from evosense.core import crypto
from evosense.testing.databases import (
    _clone,
    _ensure_template,
    _lock,
    _maintenance_connection,
    _use,
    close_test_database,
)
from tenancy.selectors.hosts import forget_hosts

NAME = "test_evosense_elsewhere"
DATA_KEY = b"\x07" * 16 + b"elsewhere-key-01"
HMAC_KEY = b"\x09" * 16 + b"elsewhere-hmac-1"


@contextmanager
def another_installation(suffix: str = "") -> Iterator[None]:
    """Run the block in a fresh installation; use with `committed`. Files are kept apart too."""
    home, name = str(connection.settings_dict["NAME"]), f"{NAME}_{suffix or 'one'}"
    with closing(_maintenance_connection()) as server:
        with _lock(server):
            template = _ensure_template(server)
        _clone(server, template, name)
    files = _set_aside_files()
    try:
        _use(name)
        with override_settings(DATA_KEYS=[("e1", DATA_KEY)], HMAC_KEY=HMAC_KEY):
            _forget_keys()
            yield
    finally:
        close_test_database(name)
        _use(home)
        _forget_keys()
        _put_back_files(files)


def environment_of_another(url: str) -> dict[str, str]:
    """Return the variables that give a process the other keys."""
    return {
        "DATABASE_URL": url,
        "EVOSENSE_DATA_KEYS": f"e1:{base64.b64encode(DATA_KEY).decode()}",
        "EVOSENSE_HMAC_KEY": base64.b64encode(HMAC_KEY).decode(),
    }


def _forget_keys() -> None:
    connections.close_all()
    crypto._ring.cache_clear()  # noqa: SLF001
    crypto._tenant_key.cache_clear()  # noqa: SLF001
    crypto._opened_key.cache_clear()  # noqa: SLF001
    forget_hosts()


def _set_aside_files() -> dict[str, bytes]:
    found = dict(_walk("tenants"))
    for name in found:
        default_storage.delete(name)
    return found


def _put_back_files(files: dict[str, bytes]) -> None:
    from django.core.files.base import ContentFile

    for name in dict(_walk("tenants")):
        default_storage.delete(name)
    for name, content in files.items():
        default_storage.save(name, ContentFile(content))


def _walk(folder: str) -> Iterator[tuple[str, bytes]]:
    try:
        inside, names = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        with default_storage.open(f"{folder}/{name}") as file:
            yield f"{folder}/{name}", file.read()
    for name in inside:
        yield from _walk(f"{folder}/{name}")
