"""API keys: made here, shown once, kept as a hash.

    evs_live_ + 8 public characters + _ + 43 characters of secret + 6 of checksum

The checksum tells a mistyped key from a wrong one without a query, and lets secret scanners
recognise a leaked key with certainty.
"""

import hmac
import ipaddress
import re
import zlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.crypto import token_digest
from evosense.core.errors import Conflict, Invalid, LimitReached, NotFound
from evosense.core.ids import BASE62, random_base62, random_token
from evosense.core.schema import public_scope
from tenancy.models import ApiKey, Membership, Tenant
from tenancy.permissions import SCOPES
from tenancy.selectors.limits import limit_of
from tenancy.services import audit

PREFIX = "evs_live_"
USED_RESOLUTION = timedelta(minutes=1)
MOST_NETWORKS = 20
_SHAPE = re.compile(r"evs_live_([0-9A-Za-z]{8})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})\Z")
_NOBODY = bytes(32)


def create_key(
    *,
    tenant_id: UUID,
    name: str,
    scopes: Iterable[str],
    created_by_id: int | None = None,
    expires_at: datetime | None = None,
    allowed_networks: Iterable[str] = (),
    is_service: bool | None = None,
) -> tuple[ApiKey, str]:
    """Make a key; the returned text is the only time that it can be read.

    Without `is_service` a key belongs to its maker, and to the company when nobody is named.
    """
    name = _checked_name(name)
    wanted = _checked_scopes(scopes)
    networks = checked_networks(allowed_networks)
    public_part, secret = random_base62(8), random_token()
    key = _assemble(public_part, secret)
    with public_scope():
        try:
            with transaction.atomic():
                _check_room(tenant_id)
                row = ApiKey.objects.create(
                    tenant_id=tenant_id,
                    name=name,
                    public_part=public_part,
                    secret_hash=token_digest(key),
                    last_four=key[-4:],
                    scopes=wanted,
                    created_by_id=created_by_id,
                    expires_at=expires_at,
                    allowed_networks=networks,
                    is_service=created_by_id is None if is_service is None else is_service,
                )
                _record("key.created", row, _described(row))
        except IntegrityError as error:
            if "tenancy_apikey_name_unique" not in str(error):
                raise
            message = _("There is already a key with this name.")
            raise Conflict("key_name_taken", message, field="name") from error
    return row, key


def verify_key(raw: str, *, address: str = "") -> ApiKey | None:
    """Return the usable key of a workspace that may be used, or None; notes the use.

    A key with a list of networks is good from there only; an unknown address is nowhere.
    """
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
        if not _is_from(row.allowed_networks, address):
            return None
        _note_use(row, now)
    return row


def revoke_key(*, tenant_id: UUID, key_id: int) -> None:
    """End a key at once. Revoking it again changes nothing."""
    with public_scope(), transaction.atomic():
        key = ApiKey.objects.select_for_update().filter(tenant_id=tenant_id, pk=key_id).first()
        if key is None:
            raise NotFound("key_not_found", _("This key does not exist."))
        if key.revoked_at is None:
            key.revoked_at = timezone.now()
            key.save(update_fields=["revoked_at"])
            _record("key.revoked", key, {})


def checked_networks(networks: Iterable[str]) -> list[str]:
    """Return the networks in CIDR form without repetition; a bare address is one of its own."""
    found: dict[str, None] = {}
    for raw in networks:
        text = raw.strip()
        try:
            found[str(ipaddress.ip_network(text))] = None
        except ValueError as error:
            shown = {"text": text[:60]}
            message = _("%(text)s is not a network. Use a form such as 203.0.113.0/24.") % shown
            raise Invalid("network_invalid", message, field="allowed_networks") from error
    if len(found) > MOST_NETWORKS:
        message = _("Use at most %(most)d networks.") % {"most": MOST_NETWORKS}
        raise Invalid("networks_too_many", message, field="allowed_networks")
    return list(found)


def _is_from(networks: list[str], address: str) -> bool:
    if not networks:
        return True
    try:
        asking = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(asking in ipaddress.ip_network(network) for network in networks)


def _check_room(tenant_id: UUID) -> None:
    """Count under the lock of the company: two makers must not both take the last place."""
    limit = limit_of(tenant_id, "api_keys")
    if limit is None:
        return
    Tenant.objects.select_for_update(no_key=True).only("pk").get(pk=tenant_id)
    if living_keys(tenant_id).count() >= limit:
        shown = {"limit": limit}
        message = _("The plan includes %(limit)d keys. End one or choose a larger plan.") % shown
        raise LimitReached("keys_taken", message)


def living_keys(tenant_id: UUID) -> QuerySet[ApiKey]:
    """Return the keys that open something now or take a place of the plan."""
    return _living(timezone.now()).filter(tenant_id=tenant_id)


def _living(now: datetime) -> QuerySet[ApiKey]:
    makers = Membership.objects.filter(
        tenant_id=OuterRef("tenant_id"),
        user_id=OuterRef("created_by_id"),
        is_active=True,
        user__is_active=True,
    )
    return ApiKey.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=now),
        Q(is_service=True) | Q(created_by_id=None) | Exists(makers),
        revoked_at=None,
    )


def _usable_keys(now: datetime) -> QuerySet[ApiKey]:
    return _living(now).filter(tenant__state=Tenant.State.READY)


def _described(row: ApiKey) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {
        "scopes": [None, row.scopes],
        "is_service": [None, row.is_service],
        "expires_at": [None, row.expires_at.isoformat() if row.expires_at else None],
    }
    if row.allowed_networks:
        found["allowed_networks"] = [None, row.allowed_networks]
    return found


def _record(action: str, row: ApiKey, changes: dict[str, list[Any]]) -> None:
    audit.record(
        action,
        object_type="key",
        object_id=row.pk,
        object_label=f"{row.name} (…{row.last_four})",
        changes=changes,
        tenant_id=row.tenant_id,
    )


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
