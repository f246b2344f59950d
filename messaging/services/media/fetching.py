"""Bring the bytes of received media into our storage."""


def retry_fetch(media_id: int) -> None:
    """Ask again for a file that was not to be had; raises NotFound, Conflict("media_is_stored")."""
    raise NotImplementedError
