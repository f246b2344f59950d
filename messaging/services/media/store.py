"""Where bytes are kept: Django's default storage, below the folder of the active tenant."""

from django.core.files.base import File


def open_stored(storage_key: str) -> "File[bytes]":
    """Open a stored file for reading; raises FileNotFoundError. Close it."""
    raise NotImplementedError


def read_bytes(storage_key: str) -> bytes:
    """Return a whole stored file; raises FileNotFoundError."""
    raise NotImplementedError
