"""Archives that people ask for: made by a task, kept for seven days, fetched by the owner."""

import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from tempfile import TemporaryFile
from typing import Any, BinaryIO
from uuid import UUID

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import IntegrityError, connections, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.crypto import decrypt, encrypt
from evosense.core.errors import Conflict, NotFound
from evosense.core.schema import TenantRef, current_tenant, public_scope, tenant_scope
from tenancy.archive import files
from tenancy.archive.export import estimated_rows, export_tenant
from tenancy.archive.places import owner_of
from tenancy.archive.sealed import checked_passphrase
from tenancy.models import Tenant, TenantArchive
from tenancy.services import audit, mail
from tenancy.services.kick import kick

logger = logging.getLogger(__name__)

PASSPHRASE_PLACE = "tenancy_tenantarchive|passphrase"  # noqa: S105  (where it is, not what)
KEPT = timedelta(days=7)
# A worker that says nothing for this long is dead; its archive is begun again.
SILENT = timedelta(minutes=30)
TELL_EVERY = 1.0
# Archives that a company may ask for in one hour.
AN_HOUR = 2
_TELL = """
UPDATE public.tenancy_tenantarchive
SET rows_done = %s, rows = greatest(rows, %s), heard_at = now()
WHERE id = %s AND state = 'running'
"""
MAIL_READY = "archive_ready"
# The last one before a deletion is kept for as long as the company.
FINAL = "final"
State = TenantArchive.State


def request(
    *, passphrase: str, asked_by: str, with_raw_events: bool = False, reason: str = "asked"
) -> TenantArchive:
    """Ask for an archive of the active company; one at a time."""
    tenant = current_tenant()
    if reason != FINAL:
        _check_pace(tenant.id)
    sealed = encrypt(checked_passphrase(passphrase), PASSPHRASE_PLACE)
    rows = estimated_rows(tenant)
    with public_scope():
        try:
            with transaction.atomic():
                archive = TenantArchive.objects.create(
                    tenant_id=tenant.id,
                    reason=reason,
                    requested_by=asked_by,
                    with_raw_events=with_raw_events,
                    passphrase=sealed,
                    rows=rows,
                )
                _record("archive.requested", archive)
        except IntegrityError as error:
            if "tenancy_archive_one_at_work" not in str(error):
                raise
            message = _("An archive is being made already. Wait until it is ready.")
            raise Conflict("archive_at_work", message) from error
    kick("tenancy.make_archive", archive_id=str(archive.pk))
    return archive


def listed(tenant_id: UUID) -> list[TenantArchive]:
    """Return a company's archives, the newest first."""
    with public_scope():
        return list(TenantArchive.objects.filter(tenant_id=tenant_id).order_by("-created_at")[:50])


def open_archive(tenant_id: UUID, archive_id: UUID) -> tuple[TenantArchive, "File[bytes]"]:
    """Return a ready archive and its bytes, and note that it was fetched."""
    with public_scope():
        archive = TenantArchive.objects.filter(pk=archive_id, tenant_id=tenant_id).first()
        if archive is None or archive.state != State.READY or _is_over(archive):
            raise NotFound("archive_not_found", _("This archive is not here any more."))
        try:
            file: File[bytes] = default_storage.open(archive.file, "rb")
        except FileNotFoundError as error:
            raise NotFound("archive_not_found", _("This archive is not here any more.")) from error
        _record("archive.downloaded", archive)
    return archive, file


def make(archive_id: UUID) -> bool:
    """Write the archive if nobody does; returns whether it is ready now."""
    archive = _claim(archive_id)
    if archive is None:
        return False
    # A name of this attempt: a file that a killed worker left would keep its name and be served.
    folder = files.archive_folder(archive.tenant_id)
    ref, name = archive.tenant.ref, f"{folder}/{archive.pk}-{secrets.token_hex(4)}.evoa"
    _remove_left_behind(folder, archive.pk)
    try:
        with tenant_scope(ref):
            passphrase = decrypt(bytes(archive.passphrase or b""), PASSPHRASE_PLACE)
        size, digest, rows = _write(archive, ref, name, passphrase)
    except Exception as error:
        # Told to the owner, who can ask again; the passphrase is forgotten.
        logger.exception("archive failed", extra={"archive_id": str(archive_id)})
        default_storage.delete(name)
        _settle(archive, State.FAILED, error=type(error).__name__)
        return False
    return _finish(archive, name, size=size, digest=digest, rows=rows)


def sweep() -> int:
    """Begin what was lost, remove what is over; returns how many archives were touched."""
    with public_scope():
        silent = timezone.now() - SILENT
        lost = list(TenantArchive.objects.filter(state=State.WAITING).values_list("pk", flat=True))
        dead = TenantArchive.objects.filter(state=State.RUNNING, heard_at__lt=silent)
        dead.update(state=State.WAITING)
        over = list(TenantArchive.objects.filter(state=State.READY, expires_at__lt=timezone.now()))
    for archive_id in lost:
        kick("tenancy.make_archive", archive_id=str(archive_id))
    for archive in over:
        remove(archive)
    return len(lost) + len(over)


def remove(archive: TenantArchive) -> None:
    """Delete an archive's file; the row stays and says that there was one."""
    if archive.file:
        default_storage.delete(archive.file)
    _settle(archive, State.REMOVED, file="")


def check_has_schema(tenant: Tenant) -> None:
    """Refuse companies whose tables are not there yet or not any more, and copies beside one."""
    if tenant.state not in {Tenant.State.READY, Tenant.State.MOVING}:
        message = _("%(slug)s is being prepared or deleted.") % {"slug": tenant.slug}
        raise Conflict("tenant_not_ready", message, field="tenant")
    if owner_of(tenant.schema_name) not in {None, tenant.id}:
        # Its rows are sealed for the company that it stands beside.
        refusal = _("%(slug)s is a restored copy: swap it with its company and export that.") % {
            "slug": tenant.slug
        }
        raise Conflict("tenant_is_copy", refusal, field="tenant")


def note_export(tenant: Tenant, *, rows: int) -> None:
    """Put an operator's export on the company's trail."""
    with transaction.atomic():
        audit.record(
            "tenant.exported",
            object_type="tenant",
            object_id=tenant.pk,
            object_label=tenant.slug,
            changes={"rows": [0, rows]},
            tenant_id=tenant.pk,
        )


def _check_pace(tenant_id: UUID) -> None:
    since = timezone.now() - timedelta(hours=1)
    with public_scope():
        recent = TenantArchive.objects.filter(tenant_id=tenant_id, created_at__gt=since)
        if recent.count() >= AN_HOUR:
            message = _("Two archives an hour are enough. Wait a little.")
            raise Conflict("archive_too_often", message)


def _claim(archive_id: UUID) -> TenantArchive | None:
    with public_scope():
        mine = TenantArchive.objects.filter(pk=archive_id, state=State.WAITING)
        if not mine.update(state=State.RUNNING, rows_done=0, heard_at=timezone.now()):
            return None
        return TenantArchive.objects.select_related("tenant").get(pk=archive_id)


def _remove_left_behind(folder: str, archive_id: UUID) -> None:
    """Delete what earlier attempts at the same archive left."""
    with suppress(FileNotFoundError):
        for left in default_storage.listdir(folder)[1]:
            if left.startswith(str(archive_id)):
                default_storage.delete(f"{folder}/{left}")


def _write(
    archive: TenantArchive, ref: TenantRef, name: str, passphrase: str
) -> tuple[int, str, int]:
    """Export into the storage through a file of the system's, which can be written as a stream."""
    with TemporaryFile() as plain, _progress(archive) as tick:
        target = _Digesting(plain)
        done = export_tenant(
            ref,
            target,  # type: ignore[arg-type]
            passphrase=passphrase,
            with_secrets=False,
            with_raw_events=archive.with_raw_events,
            tick=tick,
        )
        plain.seek(0)
        default_storage.save(name, File(plain))
    return target.size, target.digest.hexdigest(), done.rows


class _Digesting:
    """Writes through and remembers size and hash."""

    def __init__(self, target: BinaryIO) -> None:
        self._target, self.size, self.digest = target, 0, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.size += len(data)
        self.digest.update(data)
        return self._target.write(data)


@contextmanager
def _progress(archive: TenantArchive) -> Iterator[Callable[[int], None]]:
    """Lend what notes rows as done, on a connection that is not inside the snapshot."""
    second = connections["default"].copy("default")
    done, told_at = 0, 0.0

    def tick(rows: int) -> None:
        nonlocal done, told_at
        done += rows
        if time.monotonic() - told_at < TELL_EVERY:
            return
        told_at = time.monotonic()
        with public_scope(), second.cursor() as cursor:
            cursor.execute(_TELL, [done, done, archive.pk])

    try:
        yield tick
    finally:
        second.close()


def _finish(archive: TenantArchive, name: str, *, size: int, digest: str, rows: int) -> bool:
    now = timezone.now()
    with public_scope(), transaction.atomic():
        ready = _settle(
            archive,
            State.READY,
            file=name,
            size=size,
            sha256=digest,
            rows=rows,
            rows_done=rows,
            expires_at=max(now + KEPT, archive.tenant.delete_after or now),
        )
        if ready:
            _record("archive.made", archive)
            if archive.requested_by:
                mail.post(
                    MAIL_READY,
                    to=archive.requested_by,
                    object_id=archive.pk,
                    tenant_id=archive.tenant_id,
                )
    if not ready:
        default_storage.delete(name)
    return ready


def _settle(archive: TenantArchive, state: str, **values: Any) -> bool:
    """Write the outcome and forget the passphrase, unless somebody else has taken the row."""
    with public_scope():
        mine = TenantArchive.objects.filter(pk=archive.pk, state=archive.state)
        return bool(mine.update(state=state, passphrase=None, finished_at=timezone.now(), **values))


def _is_over(archive: TenantArchive) -> bool:
    return archive.expires_at is not None and archive.expires_at < timezone.now()


def _record(action: str, archive: TenantArchive) -> None:
    audit.record(
        action,
        object_type="archive",
        object_id=archive.pk,
        object_label=f"{archive.created_at:%Y-%m-%d}" if archive.finished_at else "",
        tenant_id=archive.tenant_id,
    )
