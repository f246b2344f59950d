"""Open an archive of a company without EvoSense.

    python tools/open_archive.py FILE TAR

Needs Python 3.11 and the package `cryptography`. The format: docs/tenant-archive.md.
"""

import base64
import getpass
import hashlib
import hmac
import json
import os
import sys
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

MAGIC = b"EVOSENSE ARCHIVE 1\n"
TAG = 16


def decrypt(source: BinaryIO, target: BinaryIO, passphrase: str) -> None:
    """Write the tar inside `source` to `target`; raise ValueError when it is not whole."""
    first, second = source.readline(64), source.readline(1000)
    if first != MAGIC:
        raise ValueError("not an EvoSense archive of format 1")
    told = json.loads(second)
    salt = base64.b64decode(told["salt"])
    key = Scrypt(salt=salt, length=32, n=told["n"], r=told["r"], p=told["p"]).derive(
        passphrase.encode()
    )
    check = hmac.digest(key, b"evosense archive check", "sha256")[:16]
    if not hmac.compare_digest(check, base64.b64decode(told["check"])):
        raise ValueError("wrong passphrase")
    cipher, context = AESGCM(key), hashlib.sha256(first + second).digest()
    number, sealed = 0, source.read(told["chunk"] + TAG)
    while sealed:
        following = source.read(told["chunk"] + TAG)
        nonce = number.to_bytes(11, "big") + bytes([not following])
        try:
            target.write(cipher.decrypt(nonce, sealed, context))
        except InvalidTag as error:
            raise ValueError(f"chunk {number} was altered or the end is missing") from error
        number, sealed = number + 1, following


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    passphrase = os.environ.get("EVOSENSE_ARCHIVE_PASSPHRASE") or getpass.getpass("Passphrase: ")
    try:
        with open(sys.argv[1], "rb") as source, open(sys.argv[2], "xb") as target:
            decrypt(source, target, passphrase)
    except (OSError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
