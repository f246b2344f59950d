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

    They are left by messages that were merged or deleted with their rows.
    """
    dropped = 0
    files = _old_files()
    while names := list(islice(files, AT_ONCE)):
        keys = {name.removesuffix("-thumb") for name in names}
        known = set(_named(MessageMedia, keys)) | set(_named(Upload, keys))
        for key in keys - known:
            store.delete(key)
            dropped += 1
    return dropped


def _named(model: type[MessageMedia | Upload], keys: set[str]) -> Iterator[str]:
    rows = model.objects.filter(storage_key__in=keys).values_list("storage_key", flat=True)
    yield from rows


def _old_files() -> Iterator[str]:
    root = f"{folder_of(current_tenant().id)}/media"
    before = timezone.now() - UNUSED_FOR
    for year in _inside(root):
        for month in _inside(f"{root}/{year}"):
            folder = f"{root}/{year}/{month}"
            for name in default_storage.listdir(folder)[1]:
                if default_storage.get_modified_time(f"{folder}/{name}") < before:
                    yield f"media/{year}/{month}/{name}"


def _inside(folder: str) -> list[str]:
    try:
        return sorted(default_storage.listdir(folder)[0])
    except FileNotFoundError:
        return []
