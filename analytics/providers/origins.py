"""Where a key may go: to the server that it was saved for, and nowhere else."""

from urllib.parse import urlsplit

_PORTS = {"https": 443, "http": 80}


def origin_of(url: str) -> str:
    """Return scheme://host:port in one spelling; "" for what is no address."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return ""
    host = (parts.hostname or "").rstrip(".").lower()
    if not host or not port:
        return ""
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}:{port}"
