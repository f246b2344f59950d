"""API keys: made here, shown once, kept as a hash.

    evs_live_ + 8 public characters + _ + 43 characters of secret + 6 of checksum

The checksum tells a mistyped key from a wrong one without a query, and lets secret scanners
recognise a leaked key with certainty.
"""

import hmac
import re
import zlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.crypto import token_digest
from evosense.core.errors import Conflict, Invalid, NotFound
from evosense.core.ids import BASE62, random_base62, random_token
from evosense.core.schema import public_scope
from tenancy.models import ApiKey, Tenant
from tenancy.permissions import SCOPES

PREFIX = "evs_live_"
USED_RESOLUTION = timedelta(minutes=1)
_SHAPE = re.compile(r"evs_live_([0-9A-Za-z]{8})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})\Z")
_NOBODY = bytes(32)


def create_key(
    *,
    tenant_id: UUID,
    name: str,
    scopes: Iterable[str],
    created_by_id: int | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Make a key; the returned text is the only time that it can be read."""
    name = _checked_name(name)
    wanted = _checked_scopes(scopes)
    public_part, secret = random_base62(8), random_token()
    key = _assemble(public_part, secret)
    with public_scope():
        try:
            with transaction.atomic():
                row = ApiKey.objects.create(
                    tenant_id=tenant_id,
                    name=name,
                    public_part=public_part,
                    secret_hash=token_digest(key),
                    last_four=key[-4:],
                    scopes=wanted,
                    created_by_id=created_by_id,
                    expires_at=expires_at,
                )
        except IntegrityError as error:
            if "tenancy_apikey_name_unique" not in str(error):
                raise
            message = _("There is already a key with this name.")
            raise Conflict("key_name_taken", message, field="name") from error
    return row, key


def verify_key(raw: str) -> ApiKey | None:
    """Return the usable key of a workspace that may be used, or None; notes the use."""
    match = _SHAPE.match(raw)
    if not match or _checksum(match[1], match[2]) != match[3]:
        return None
    now = timezone.now()
    with public_scope():
        row = _usable_keys(now).filter(public_part=match[1]).first()
        # Compared even for an unknown key, so that both answers take the same time.
        expected = bytes(row.secret_hash) if row else _NOBODY
        if not hmac.compare_digest(expected, token_digest(raw)) or row is None:
            return None
        _note_use(row, now)
    return row


def revoke_key(*, tenant_id: UUID, key_id: int) -> None:
    """End a key at once. Revoking it again changes nothing."""
    with public_scope():
        keys = ApiKey.objects.filter(tenant_id=tenant_id, pk=key_id)
        if not keys.filter(revoked_at=None).update(revoked_at=timezone.now()) and not keys.exists():
            raise NotFound("key_not_found", _("This key does not exist."))


def _usable_keys(now: datetime) -> QuerySet[ApiKey]:
    return ApiKey.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=now),
        revoked_at=None,
        tenant__state=Tenant.State.READY,
    ).exclude(tenant__status=Tenant.Status.SUSPENDED)


def _note_use(row: ApiKey, now: datetime) -> None:
    """Write at most once a minute: a busy key must not turn reads into writes."""
    if row.last_used_at is None or row.last_used_at < now - USED_RESOLUTION:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USED_RESOLUTION)
        ApiKey.objects.filter(stale, pk=row.pk).update(last_used_at=now)


def _checked_name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= 80:
        raise Invalid("key_name_invalid", _("Use 1 to 80 characters."), field="name")
    return name


def _checked_scopes(scopes: Iterable[str]) -> list[str]:
    wanted = list(dict.fromkeys(scope.strip() for scope in scopes))
    unknown = [scope for scope in wanted if scope not in {*SCOPES, "all"}]
    if unknown:
        message = _("Unknown scope: %(scope)s.") % {"scope": unknown[0]}
        raise Invalid("scope_unknown", message, field="scopes")
    if not wanted:
        raise Invalid("scope_missing", _("Choose at least one scope."), field="scopes")
    return ["all"] if "all" in wanted else wanted


def _assemble(public_part: str, secret: str) -> str:
    return f"{PREFIX}{public_part}_{secret}{_checksum(public_part, secret)}"


def _checksum(public_part: str, secret: str) -> str:
    number = zlib.crc32(f"{public_part}_{secret}".encode())
    digits = ""
    for _position in range(6):
        number, rest = divmod(number, len(BASE62))
        digits = BASE62[rest] + digits
    return digits
