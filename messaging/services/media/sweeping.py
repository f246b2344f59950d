"""What was missed, what nobody used, and what nobody names any more."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from evosense.core.schema import TenantRef, current_tenant, tenant_scope
from messaging.models import MessageMedia, Upload
from messaging.services.media import claims, store
from tenancy.archive.files import folder_of
from tenancy.selectors.tenants import ready_tenants

# Uploads that no message took, and files whose row is gone.
UNUSED_FOR = timedelta(days=1)
AT_ONCE = 500


def missed(limit: int = 200) -> list[int]:
    """Return files that are due, oldest first: retries, and those whose task was lost."""
    return list(claims.due().order_by("pk").values_list("pk", flat=True)[:limit])


def waiting(tenant: TenantRef | None) -> int:
    """Count files that could be fetched now, of one tenant or of all."""
    total = 0
    for each in [tenant] if tenant else ready_tenants():
        with tenant_scope(each):
            total += claims.due().count()
    return total


def drop_unused() -> int:
    """Remove uploads that no message took within a day; returns how many."""
    old = Upload.objects.filter(used_at=None, created_at__lt=timezone.now() - UNUSED_FOR)
    dropped = 0
    for upload in old.order_by("pk")[:AT_ONCE]:
        if _drop(upload.pk):
            store.delete(upload.storage_key)
            dropped += 1
    return dropped


def _drop(pk: int) -> bool:
    """Remove the row, unless a message took it since it was listed.

    Django deletes by the key alone what it found by a condition, so the row is locked first.
    """
    with transaction.atomic():
        row = Upload.objects.select_for_update().filter(pk=pk, used_at=None).first()
        return bool(row and row.delete())


def drop_orphans() -> int:
    """Remove files that no row names, older than a day; returns how many.

    They are left by messages that were merged or deleted with their rows. The two newest months
    are looked at each day and one of the older ones in turn: a list of all files is long.
    """
    files, dropped = _files(), 0
    # Status posts have an upload and no message; nobody waits a month for one.
    recent = Upload.objects.filter(created_at__gt=timezone.now() - timedelta(days=30))
    uploaded = set(recent.values_list("storage_key", flat=True))
    while names := list(islice(files, AT_ONCE)):
        keys = {name.removesuffix("-thumb") for name in names}
        rows = MessageMedia.objects.filter(storage_key__in=keys - uploaded)
        known = uploaded.union(rows.values_list("storage_key", flat=True))
        for key in [key for key in keys - known if _is_old(key, names)]:
            store.delete(key)
            dropped += 1
    return dropped


def _files() -> Iterator[str]:
    root = _root()
    months = [f"{year}/{month}" for year in _inside(root) for month in _inside(f"{root}/{year}")]
    older, newest = months[:-2], months[-2:]
    if older:
        newest.append(older[timezone.now().toordinal() % len(older)])
    for month in newest:
        for name in default_storage.listdir(f"{root}/{month}")[1]:
            yield f"media/{month}/{name}"


def _is_old(key: str, names: list[str]) -> bool:
    """Tell whether a file without a row is no longer on its way to one."""
    before = timezone.now() - UNUSED_FOR
    for name in (key, f"{key}-thumb"):
        if name in names:
            path = f"{_root()}/{name.removeprefix('media/')}"
            return default_storage.get_modified_time(path) < before
    return False


def _root() -> str:
    return f"{folder_of(current_tenant().id)}/media"


def _inside(folder: str) -> list[str]:
    try:
        return sorted(default_storage.listdir(folder)[0])
    except FileNotFoundError:
        return []
