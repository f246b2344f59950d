"""Typed readers over the process environment (django-environ), with Docker `*_FILE` secrets.

A missing required value is remembered instead of raised, so that `require_complete` can list
everything an operator has to set in one go.
"""

import base64
import binascii
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

_reader = environ.Env()


class Environment:
    """Reads settings from variables; `NAME_FILE` names a file that holds the value of `NAME`."""

    def __init__(self) -> None:
        self._problems: list[str] = []

    def text(self, name: str, default: str | None = None, *, hint: str = "") -> str:
        """Return the value of `name`; a missing one without default becomes a reported problem."""
        path = _reader.str(f"{name}_FILE", default="")
        if path:
            try:
                return Path(path).read_text().strip()
            except OSError as error:
                self._problems.append(f"{name}_FILE: cannot read {path} ({error.strerror})")
                return ""
        value = str(_reader.str(name, default=""))
        if value:
            return value
        if default is None:
            self._problems.append(f"{name}: not set. {hint}".rstrip())
            return ""
        return default

    def integer(self, name: str, default: int) -> int:
        raw = self.text(name, str(default))
        try:
            return int(raw)
        except ValueError:
            self._problems.append(f"{name}: {raw!r} is not a whole number")
            return default

    def flag(self, name: str, *, default: bool) -> bool:
        raw = self.text(name, "1" if default else "0").lower()
        if raw in {"1", "true", "yes", "on"}:
            return True
        if raw in {"0", "false", "no", "off"}:
            return False
        self._problems.append(f"{name}: {raw!r} is neither 1 nor 0")
        return default

    def items(self, name: str, default: str = "") -> list[str]:
        return [item.strip() for item in self.text(name, default).split(",") if item.strip()]

    def key(self, name: str, *, hint: str = "") -> bytes:
        """Return a base64 encoded 32 byte key."""
        return self._decode_key(name, self.text(name, hint=hint))

    def keyring(self, name: str, *, hint: str = "") -> list[tuple[str, bytes]]:
        """Return `id:base64` pairs, the first of which encrypts and all of which decrypt."""
        ring = []
        for item in self.text(name, hint=hint).split(","):
            if not item.strip():
                continue
            key_id, _, encoded = item.strip().partition(":")
            ring.append((key_id, self._decode_key(name, encoded)))
        return ring

    def _decode_key(self, name: str, encoded: str) -> bytes:
        if not encoded:
            return b""
        try:
            key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != 32:
            self._problems.append(f"{name}: expected 32 bytes in base64")
        return key

    def problem(self, text: str) -> None:
        self._problems.append(text)

    def require_complete(self) -> None:
        """Raise once, naming every missing or malformed value."""
        if self._problems:
            listing = "\n".join(f"  - {problem}" for problem in self._problems)
            raise ImproperlyConfigured(f"EvoSense cannot start. Set these first:\n{listing}")
