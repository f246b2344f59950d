"""Bringing every ciphertext of the installation to the newest key while the house runs.

Rows that somebody else holds are passed over and met again in the next round, and a value is
replaced only if it is still the one that was read, so no writer waits long and none is undone.
Values that cannot be opened stay as they are.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from evosense.core.crypto import DecryptionError, decrypt, encrypt, key_id_of
from evosense.core.models import Reencryption
from evosense.core.schema import TenantRef, current_schema, public_scope, tenant_scope
from evosense.core.sealed import SealedColumn, sealed_columns
from tenancy.archive.places import data_ref
from tenancy.db.resealing import Row, Shelf
from tenancy.models import Tenant

BATCH = 500
# A row that is always locked when we pass is left for the next run of the command.
ROUNDS = 3
# Enough to find the cause; a wrong key fails for all of them.
SHOWN = 5


@dataclass
class Outcome:
    """What was done, what could not be opened, and which key each value has now."""

    renewed: int = 0
    unreadable: int = 0
    examples: list[str] = field(default_factory=list)
    values: Counter[str] = field(default_factory=Counter)

    def removable(self) -> list[str]:
        """Return the older keys of the ring that open nothing any more."""
        older = [key_id for key_id, _key in settings.DATA_KEYS[1:]]
        return [key_id for key_id in older if not self.values[key_id]]

    def needed(self) -> list[str]:
        """Return the keys, also unknown ones, that values need besides the newest."""
        return sorted(key for key, count in self.values.items() if count and key != newest())


def newest() -> str:
    return settings.DATA_KEYS[0][0]


def reencrypt(*, batch: int = BATCH) -> Outcome:
    """Renew what another key than the newest encrypted; goes on where it was ended."""
    outcome = Outcome()
    for column in _columns():
        shelf = Shelf(column)
        if not shelf.exists():
            continue
        for _round in range(ROUNDS):
            unreadable = _Pass(column, shelf, outcome).run(batch)
            left = shelf.count()
            if left.total() - left[newest()] <= len(unreadable):
                break
        outcome.values += left
        outcome.unreadable += len(unreadable)
        outcome.examples += unreadable[: SHOWN - len(outcome.examples)]
    return outcome


def _columns() -> Iterator[SealedColumn]:
    """Yield each column inside the scope of the schema that it is to be renewed in."""
    with public_scope():
        # A copy restored beside a company is sealed for that company's id, not for its own.
        tenants = [data_ref(tenant) for tenant in Tenant.objects.order_by("pk")]
        yield from sealed_columns(settings.SHARED_APPS)
    for tenant in tenants:
        with tenant_scope(tenant):
            yield from sealed_columns(settings.TENANT_APPS)


class _Pass:
    """One walk over one column, by primary key."""

    def __init__(self, column: SealedColumn, shelf: Shelf, outcome: Outcome) -> None:
        self._column, self._shelf, self._outcome = column, shelf, outcome
        self._unreadable: list[str] = []
        self._progress = self._open()

    def run(self, batch: int) -> list[str]:
        """Renew to the end of the table; returns the rows that could not be opened."""
        while self._renew_some(batch):
            pass
        self._save(finished_at=Now())
        return self._unreadable

    def _renew_some(self, batch: int) -> bool:
        with transaction.atomic():
            rows = self._shelf.stale(self._progress.last_key, batch)
            renewed = sum(self._renew(row) for row in rows)
            if rows:
                self._progress.last_key = rows[-1].key
                self._save(last_key=rows[-1].key, renewed=F("renewed") + renewed)
        self._outcome.renewed += renewed
        return bool(rows)

    def _renew(self, row: Row) -> bool:
        try:
            with self._scope(row):
                value = self._shelf.change(row.value, self._reseal)
        except (DecryptionError, ValueError):
            self._unreadable.append(f"{current_schema()}.{self._column.place} {row.key}")
            return False
        return value is not row.value and self._shelf.replace(row, value)

    def _reseal(self, sealed: bytes) -> bytes:
        if key_id_of(sealed) == newest():
            return sealed
        return encrypt(decrypt(sealed, self._column.place), self._column.place)

    def _scope(self, row: Row) -> AbstractContextManager[Any]:
        """Enter the tenant that the value was sealed for; the database is not asked there."""
        if row.owner is None:
            return nullcontext()
        return tenant_scope(TenantRef(id=row.owner, schema_name=current_schema(), slug=""))

    def _open(self) -> Reencryption:
        """Return where an earlier run was ended, or a new beginning."""
        with transaction.atomic():
            progress, _is_new = Reencryption.objects.get_or_create(**self._key())
            if progress.finished_at is not None:
                self._save(last_key="", started_at=Now(), finished_at=None)
                progress.last_key = ""
        return progress

    def _save(self, **values: Any) -> None:
        Reencryption.objects.filter(**self._key()).update(**values)

    def _key(self) -> dict[str, Any]:
        return {
            "schema_name": current_schema(),
            "place": self._column.place,
            "key_id": newest(),
        }
