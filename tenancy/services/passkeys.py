"""Passkeys: made on one host of the house, good on all of them; each proves device and person.

fido2 does the cryptography, allauth's table keeps the keys. The origin of an answer must be
exactly the page that asked; allauth would accept any page of the domain, or any at all.
"""

import json
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from fido2.server import Fido2Server
from fido2.utils import websafe_decode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from evosense.core.errors import Conflict, Invalid, NotFound
from evosense.core.schema import public_scope
from tenancy.allauth_adapter import MfaAdapter, relying_party
from tenancy.models import User
from tenancy.services import mfa

LONGEST_NAME = 60
MOST = 20
ANSWER_WITHIN_SECONDS = 300
_STATE = "passkey"


@dataclass(frozen=True, slots=True)
class Passkey:
    """One passkey as its owner sees it."""

    key: str
    name: str
    created_at: datetime
    last_used_at: datetime | None


def offered_on(request: HttpRequest) -> bool:
    """Tell whether passkeys work on this host: not on a company's own domain."""
    return bool(relying_party(request.get_host()))


def passkeys_of(user: User) -> list[Passkey]:
    """Return the passkeys of a person, the oldest first."""
    with public_scope():
        rows = list(_rows(user).order_by("created_at"))
    return [
        Passkey(str(row.pk), row.data["name"], row.created_at, row.last_used_at) for row in rows
    ]


def usable_on(request: HttpRequest, user: User) -> bool:
    """Tell whether the person has a passkey that answers on this host."""
    with public_scope():
        return bool(_rows(user).filter(data__rp=relying_party(request.get_host()) or "-").exists())


def creation_options(request: HttpRequest, user: User) -> dict[str, Any]:
    """Return what the browser needs to make a passkey; the challenge waits in the session."""
    with public_scope():
        known = [_credential(row) for row in _rows(user)]
    options, state = _server(request).register_begin(
        PublicKeyCredentialUserEntity(**MfaAdapter().get_public_key_credential_user_entity(user)),
        credentials=known,
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    _keep(request.session, state, purpose="create")
    return dict(options)


def add(request: HttpRequest, user: User, *, name: str, answer: str) -> None:
    """Keep the passkey that the browser made; it asks for a name."""
    state = _taken(request.session, purpose="create")
    name = _checked_name(name)
    credential = _parsed(answer)
    try:
        made = _server(request).register_complete(state, RegistrationResponse.from_dict(credential))
    except (ValueError, TypeError, KeyError) as error:
        raise _not_right() from error
    if made.credential_data is None:
        raise _not_right()
    data = {
        "name": name,
        "credential": credential,
        "rp": relying_party(request.get_host()),
        "count": made.counter,
    }
    with transaction.atomic():
        with public_scope():
            mfa.lock_user(user.pk)
            _refuse_too_many(user, made.credential_data.credential_id)
            Authenticator.objects.create(user_id=user.pk, type=mfa.PASSKEY, data=data)
            mfa.ensure_recovery_codes(user)
        mfa.note(user, "passkey.added", name=name)


def request_options(request: HttpRequest, user: User | None, *, purpose: str) -> dict[str, Any]:
    """Return what the browser needs to use a passkey: of `user`, else of whoever is there."""
    credentials: list[AttestedCredentialData] | None = None
    if user is not None:
        with public_scope():
            rows = _rows(user).filter(data__rp=relying_party(request.get_host()))
            credentials = [_credential(row) for row in rows]
    options, state = _server(request).authenticate_begin(
        credentials=credentials, user_verification=UserVerificationRequirement.REQUIRED
    )
    _keep(request.session, state, purpose=purpose)
    return dict(options)


def use(request: HttpRequest, answer: str, *, purpose: str, user: User | None = None) -> User:
    """Return whose passkey the browser used; raises Invalid when it proves nothing."""
    state = _taken(request.session, purpose=purpose)
    credential = _parsed(answer)
    with public_scope(), transaction.atomic():
        owner = user or _owner(credential)
        rows = list(_rows(owner).select_for_update())
        try:
            given = AuthenticationResponse.from_dict(credential)
            _server(request).authenticate_complete(state, [_credential(row) for row in rows], given)
        except (ValueError, TypeError, KeyError) as error:
            raise _not_right() from error
        row = next(each for each in rows if _credential(each).credential_id == given.raw_id)
        _count_use(row, given.response.authenticator_data.counter)
    return owner


def rename(user: User, key: str, name: str) -> None:
    """Give a passkey another name."""
    with transaction.atomic():
        with public_scope():
            row = _one(user, key)
            before, name = row.data["name"], _checked_name(name)
            row.data["name"] = name
            row.save(update_fields=["data"])
        mfa.note_change(user, "passkey.renamed", "name", before, name)


def remove(user: User, key: str) -> None:
    """Forget a passkey. The caller has asked whether this is allowed."""
    with transaction.atomic():
        with public_scope():
            mfa.lock_user(user.pk)
            row = _one(user, key)
            row.delete()
            mfa.drop_useless_codes(user)
        mfa.note_change(user, "passkey.removed", "name", row.data["name"], "")


def _server(request: HttpRequest) -> Fido2Server:
    rp = relying_party(request.get_host())
    if not rp:
        raise Invalid("passkeys_elsewhere", _("Passkeys do not work on this address."))
    origin = f"{request.scheme}://{request.get_host()}"
    return Fido2Server(
        PublicKeyCredentialRpEntity(name="EvoSense", id=rp),
        verify_origin=lambda given: given == origin,
    )


def _keep(session: SessionBase, state: dict[str, Any], *, purpose: str) -> None:
    session[_STATE] = {**state, "purpose": purpose, "at": int(time.time())}


def _taken(session: SessionBase, *, purpose: str) -> dict[str, Any]:
    """Return the open challenge; it is gone afterwards, whatever the answer is worth."""
    state = session.pop(_STATE, None)
    fresh = state and 0 <= time.time() - state["at"] < ANSWER_WITHIN_SECONDS
    if not fresh or state["purpose"] != purpose:
        raise _not_right()
    return dict(state)


def _owner(credential: dict[str, Any]) -> User:
    try:
        handle = websafe_decode(credential["response"]["userHandle"]).decode()
        user = User.objects.filter(pk=int(handle[:13], 36), is_active=True).first()
    except (KeyError, TypeError, ValueError) as error:
        raise _not_right() from error
    if user is None:
        raise _not_right()
    return user


def _rows(user: User) -> Any:
    return Authenticator.objects.filter(user_id=user.pk, type=mfa.PASSKEY)


def _one(user: User, key: str) -> Any:
    row = _rows(user).select_for_update().filter(pk=key).first() if key.isdigit() else None
    if row is None:
        raise NotFound("passkey_not_found", _("There is no such passkey."))
    return row


def _credential(row: Any) -> AttestedCredentialData:
    data: AttestedCredentialData = row.wrap().authenticator_data.credential_data
    return data


def _count_use(row: Any, counter: int) -> None:
    """Refuse a key whose counter went back: a copy of it was used elsewhere. Many always say 0."""
    if counter and counter <= row.data.get("count", 0):
        raise _not_right()
    row.data["count"] = counter
    row.last_used_at = timezone.now()
    row.save(update_fields=["data", "last_used_at"])


def _refuse_too_many(user: User, credential_id: bytes) -> None:
    rows = list(_rows(user))
    if len(rows) >= MOST:
        raise Conflict("passkeys_full", _("This account has enough passkeys. Remove one first."))
    if any(_credential(row).credential_id == credential_id for row in rows):
        raise Conflict("passkey_known", _("This passkey is there already."))


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= LONGEST_NAME:
        message = _("Give it a name of 1 to 60 characters.")
        raise Invalid("name_invalid", message, field="name")
    return name


def _parsed(answer: str) -> dict[str, Any]:
    try:
        credential = json.loads(answer)
    except ValueError as error:
        raise _not_right() from error
    if not isinstance(credential, dict):
        raise _not_right()
    return credential


def _not_right() -> Invalid:
    return Invalid("passkey_wrong", _("The passkey could not be checked. Try again."))
