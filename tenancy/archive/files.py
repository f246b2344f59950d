"""The files of a company: everything below `tenants/<id>/` of the default storage."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from uuid import UUID

from django.core.files.base import File
from django.core.files.storage import default_storage

from tenancy.archive import errors

# Its own archives: they would hold one another.
ARCHIVES = "archives"


def folder_of(tenant_id: UUID) -> str:
    return f"tenants/{tenant_id}"


def archive_folder(tenant_id: UUID) -> str:
    """Return where the archives that a company asked for wait to be fetched."""
    return f"{folder_of(tenant_id)}/{ARCHIVES}"


def names_of(tenant_id: UUID, *, with_archives: bool = False) -> Iterator[str]:
    """Yield the paths of a company's files, relative to its folder, folder by folder."""
    folders = [""]
    while folders:
        below = folders.pop()
        try:
            inside, files = default_storage.listdir(_join(folder_of(tenant_id), below))
        except FileNotFoundError:
            continue
        skipped = set() if below or with_archives else {ARCHIVES}
        folders += [_join(below, name) for name in sorted(set(inside) - skipped, reverse=True)]
        yield from (_join(below, name) for name in sorted(files))


def open_file(tenant_id: UUID, name: str) -> "File[bytes]":
    return default_storage.open(_join(folder_of(tenant_id), name), "rb")


def checked_name(name: str) -> str:
    """Return a path from an archive that cannot lead out of the company's folder."""
    parts = PurePosixPath(name).parts
    odd = not name or len(name) > 400 or "\\" in name or "\0" in name or name.startswith("/")
    if odd or {"..", "."} & set(parts) or "/".join(parts) != name or parts[0] == ARCHIVES:
        raise errors.unexpected(name)
    return name


def store_file(tenant_id: UUID, name: str, content: "File[bytes]", *, replace: bool) -> bool:
    """Store a file under exactly this name; False when there is one that is to stay."""
    path = _join(folder_of(tenant_id), checked_name(name))
    if default_storage.exists(path):
        if not replace:
            return False
        # Left behind by an import that was killed.
        default_storage.delete(path)
    default_storage.save(path, content)
    return True


def delete_files(tenant_id: UUID) -> int:
    """Delete every file of a company, its archives too; returns how many."""
    names = list(names_of(tenant_id, with_archives=True))
    for name in names:
        default_storage.delete(_join(folder_of(tenant_id), name))
    _delete_folders(folder_of(tenant_id))
    return len(names)


def _delete_folders(path: str) -> None:
    try:
        inside, files = default_storage.listdir(path)
    except FileNotFoundError:
        return
    for name in inside:
        _delete_folders(_join(path, name))
    if not files:
        default_storage.delete(path)


def _join(*parts: str) -> str:
    return "/".join(part for part in parts if part)
