"""Encryption at rest and keyed hashes.

AES-256-GCM with associated data, so that a ciphertext copied into another tenant's or another
column's row does not decrypt (Fernet has no associated data). Layout: version byte, key id
length, key id, 12 byte nonce, ciphertext with tag. Keys live in EVOSENSE_DATA_KEYS: the first
encrypts, all decrypt.
"""

import hashlib
import hmac
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import models

from evosense.core.schema import TenantRef, active_tenant, current_tenant, tenant_scope

_VERSION = 1
SENDER_KEY_PLACE = "tenancy_tenant|sender_key"


class DecryptionError(ValueError):
    """The value was written with another key, for another place, or was altered."""


@lru_cache(maxsize=1)
def _ring() -> tuple[str, dict[str, AESGCM]]:
    keys: list[tuple[str, bytes]] = settings.DATA_KEYS
    return keys[0][0], {key_id: AESGCM(key) for key_id, key in keys}


@lru_cache(maxsize=4096)
def _tenant_key(tenant_id: UUID) -> bytes:
    info = b"sender|" + str(tenant_id).encode() + b"|v1"
    kdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info)
    return kdf.derive(settings.HMAC_KEY)


def encrypt(text: str, place: str) -> bytes:
    """Encrypt `text`, bound to `place` (a constant such as table|column) and the active tenant."""
    key_id, ciphers = _ring()
    nonce = os.urandom(12)
    return newest_head() + nonce + ciphers[key_id].encrypt(nonce, text.encode(), _context(place))


def newest_head() -> bytes:
    """Return how everything begins that is encrypted from now on."""
    key_id = _ring()[0].encode()
    return bytes([_VERSION, len(key_id)]) + key_id


def key_id_of(blob: bytes) -> str:
    """Return the id of the key that `blob` was encrypted with; "" when it is no ciphertext."""
    blob = bytes(blob)
    if len(blob) < 2 or blob[0] != _VERSION:
        return ""
    return blob[2 : 2 + blob[1]].decode(errors="replace")


def decrypt(blob: bytes, place: str) -> str:
    """Reverse `encrypt`; raises DecryptionError for a wrong key, place, tenant or altered bytes."""
    blob = bytes(blob)
    try:
        length = blob[1]
        key_id = blob[2 : 2 + length].decode()
        nonce, sealed = blob[2 + length : 14 + length], blob[14 + length :]
        return _ring()[1][key_id].decrypt(nonce, sealed, _context(place)).decode()
    except (InvalidTag, KeyError, IndexError, ValueError) as error:
        raise DecryptionError(f"cannot decrypt a value of {place}") from error


def tenant_hmac(address: str) -> bytes:
    """Return the keyed hash of a normalised address (digits or LID user part), 32 bytes.

    The key is derived per tenant, so the same person has unrelated hashes in two tenants. A plain
    hash of a Brazilian mobile number is broken by trying the whole range.
    """
    return hmac.digest(tenant_key(current_tenant()), address.encode(), "sha256")


def tenant_key(tenant: TenantRef) -> bytes:
    """Return the key of a tenant's address hashes: its own if it brought one, else derived.

    An imported tenant brings its key: hashes of addresses that nobody knows any more (of people
    who were erased, of events whose message has not come yet) cannot be computed again.
    """
    if tenant.sender_key:
        return _opened_key(tenant.sender_key, tenant.id)
    return _tenant_key(tenant.id)


def seal_tenant_key(key: bytes) -> bytes:
    """Return a key of address hashes as the active tenant's row keeps it."""
    return encrypt(key.hex(), SENDER_KEY_PLACE)


@lru_cache(maxsize=4096)
def _opened_key(sealed: bytes, tenant_id: UUID) -> bytes:
    with tenant_scope(TenantRef(id=tenant_id, schema_name="", slug="")):
        return bytes.fromhex(decrypt(sealed, SENDER_KEY_PLACE))


def token_digest(token: str) -> bytes:
    """Return what is stored of a random 256 bit token; a fast hash is enough for such a secret."""
    return hashlib.sha256(token.encode()).digest()


def _context(place: str) -> bytes:
    tenant = active_tenant()
    return f"{place}|{tenant.id if tenant else 'shared'}".encode()


if TYPE_CHECKING:
    _Field = models.BinaryField[Any, Any]
else:
    _Field = models.BinaryField


class EncryptedTextField(_Field):
    """Text that only this process can read; `place` is the model's table and column."""

    @property
    def place(self) -> str:
        return f"{self.model._meta.db_table}|{self.column}"  # noqa: SLF001

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # noqa: FBT001, FBT002
        sealed = encrypt(value, self.place) if isinstance(value, str) else value
        return super().get_db_prep_value(sealed, connection, prepared)

    def from_db_value(self, value: Any, *_context: Any) -> str | None:
        return None if value is None else decrypt(value, self.place)

    def to_python(self, value: Any) -> Any:
        return value
