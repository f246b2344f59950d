r"""The outer layer of an archive: chunks of AES-256-GCM under a key made from a passphrase.

    EVOSENSE ARCHIVE 1\n
    {"kdf":"scrypt","n":…,"r":…,"p":…,"salt":…,"check":…,"chunk":…}\n
    chunk, chunk, …, last chunk

Each chunk is sealed with its number and whether it is the last, so that none can be dropped,
repeated, moved or cut off unnoticed; the two lines at the top are authenticated with each.
"""

import base64
import binascii
import hashlib
import hmac
import io
import json
import os
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Invalid
from tenancy.archive import errors

FORMAT = 1
MAGIC = b"EVOSENSE ARCHIVE "
CHUNK = 1 << 20
MIN_PASSPHRASE = 12
_TAG = 16
_N, _R, _P = 1 << 16, 8, 1
# What a file may ask of the machine that opens it: 256 MiB and some seconds.
_MOST_N, _MOST_R, _MOST_P, _MOST_CHUNK = 1 << 18, 8, 4, 1 << 24
_LONGEST_HEADER = 1000


def checked_passphrase(passphrase: str) -> str:
    """Return a passphrase that is fit to protect an archive."""
    if not MIN_PASSPHRASE <= len(passphrase) <= 1000:
        message = _("Use at least %(number)s characters.") % {"number": MIN_PASSPHRASE}
        raise Invalid("passphrase_short", message, field="passphrase")
    return passphrase


class SealingWriter(io.RawIOBase):
    """A file to write to; what reaches `target` is encrypted. Without `finish` it is cut off."""

    def __init__(self, target: BinaryIO, passphrase: str) -> None:
        super().__init__()
        salt = os.urandom(16)
        key = _derive(passphrase, salt, _N, _R, _P)
        header = {
            "kdf": "scrypt",
            "n": _N,
            "r": _R,
            "p": _P,
            "salt": base64.b64encode(salt).decode(),
            "check": base64.b64encode(_check(key)).decode(),
            "chunk": CHUNK,
        }
        top = MAGIC + b"%d\n" % FORMAT + json.dumps(header).encode() + b"\n"
        self._target, self._cipher = target, AESGCM(key)
        self._context = hashlib.sha256(top).digest()
        self._waiting, self._number = bytearray(), 0
        target.write(top)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._waiting += data
        # One chunk stays behind: only `finish` knows which is the last.
        while len(self._waiting) > CHUNK:
            self._seal(bytes(self._waiting[:CHUNK]), is_last=False)
            del self._waiting[:CHUNK]
        return len(data)

    def finish(self) -> None:
        """Write the last chunk; the archive is whole now."""
        self._seal(bytes(self._waiting), is_last=True)
        self._waiting.clear()

    def _seal(self, plain: bytes, *, is_last: bool) -> None:
        nonce = _nonce(self._number, is_last=is_last)
        self._target.write(self._cipher.encrypt(nonce, plain, self._context))
        self._number += 1


class OpeningReader:
    """Reads the plain bytes of a sealed file, front to back, one chunk in memory."""

    def __init__(self, source: BinaryIO, passphrase: str) -> None:
        self._source = source
        top, header = _read_header(source)
        self._chunk = header["chunk"]
        salt = base64.b64decode(header["salt"])
        key = _derive(passphrase, salt, header["n"], header["r"], header["p"])
        if not hmac.compare_digest(_check(key), base64.b64decode(header["check"])):
            raise errors.wrong_passphrase()
        self._cipher, self._context = AESGCM(key), hashlib.sha256(top).digest()
        self._number, self._plain, self._at = 0, b"", 0
        self._ahead = source.read(self._chunk + _TAG)

    def read(self, size: int) -> bytes:
        """Return exactly `size` bytes, fewer only at the end of the archive."""
        parts: list[bytes] = []
        while size > 0:
            if self._at == len(self._plain) and not self._advance():
                break
            piece = self._plain[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            parts.append(piece)
        return b"".join(parts)

    def _advance(self) -> bool:
        sealed = self._ahead
        if not sealed:
            return False
        self._ahead = self._source.read(self._chunk + _TAG)
        self._plain, self._at = self._open(sealed, is_last=not self._ahead), 0
        self._number += 1
        return True

    def _open(self, sealed: bytes, *, is_last: bool) -> bytes:
        try:
            nonce = _nonce(self._number, is_last=is_last)
            return self._cipher.decrypt(nonce, sealed, self._context)
        except InvalidTag as error:
            if is_last and self._is_cut_off(sealed):
                raise errors.truncated() from error
            raise errors.altered() from error

    def _is_cut_off(self, sealed: bytes) -> bool:
        """Tell a file that ends between two chunks; inside one a cut looks like an alteration."""
        try:
            self._cipher.decrypt(_nonce(self._number, is_last=False), sealed, self._context)
        except InvalidTag:
            return False
        return True


def _read_header(source: BinaryIO) -> tuple[bytes, dict[str, Any]]:
    first = source.readline(64)
    if not first.startswith(MAGIC) or not first.endswith(b"\n"):
        raise errors.foreign()
    version = first[len(MAGIC) :].strip()
    if version != b"%d" % FORMAT:
        raise (
            errors.newer(version.decode("ascii", "replace"))
            if version.isdigit()
            else (errors.foreign())
        )
    second = source.readline(_LONGEST_HEADER)
    if not second.endswith(b"\n"):
        raise errors.truncated()
    return first + second, _checked_header(second)


def _checked_header(line: bytes) -> dict[str, Any]:
    try:
        header = json.loads(line)
        numbers = [header[name] for name in ("n", "r", "p", "chunk")]
        salt = base64.b64decode(header["salt"], validate=True)
        check = base64.b64decode(header["check"], validate=True)
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise errors.altered() from error
    n, r, p, chunk = numbers
    fits = (
        all(isinstance(number, int) and number > 0 for number in numbers)
        and (n <= _MOST_N and n & (n - 1) == 0 and n > 1)
        and (r <= _MOST_R and p <= _MOST_P and chunk <= _MOST_CHUNK)
    )
    if not fits or header.get("kdf") != "scrypt" or len(salt) != 16 or len(check) != 16:
        raise errors.altered()
    return dict(header)


def _derive(passphrase: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=n, r=r, p=p).derive(passphrase.encode())


def _check(key: bytes) -> bytes:
    return hmac.digest(key, b"evosense archive check", "sha256")[:16]


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])
