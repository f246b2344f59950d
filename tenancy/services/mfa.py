"""Second factors of a person: codes from an app, recovery codes, and whether there is one.

The tables and algorithms are allauth's; what it leaves to a cache is a row here: a code counts
once, whichever host, process or Redis sees it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import qrcode
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.mfa.utils import decrypt, encrypt
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Invalid
from evosense.core.schema import public_scope
from tenancy.allauth_adapter import MfaAdapter
from tenancy.models import User
from tenancy.services import audit

TOTP = Authenticator.Type.TOTP
PASSKEY = Authenticator.Type.WEBAUTHN
RECOVERY = Authenticator.Type.RECOVERY_CODES
_QUIET_ZONE = 2


@dataclass(frozen=True, slots=True)
class Factors:
    """What a person has set up."""

    app_since: datetime | None
    passkeys: int
    recovery_left: int

    @property
    def any(self) -> bool:
        """Tell whether log-in asks for a second factor."""
        return bool(self.app_since or self.passkeys)


def has_second_factor(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Tell whether log-in asks this person for more than a password."""
    with public_scope():
        return bool(
            user.pk
            and Authenticator.objects.filter(user_id=user.pk, type__in=[TOTP, PASSKEY]).exists()
        )


def factors_of(user: User) -> Factors:
    """Return what the person has set up."""
    with public_scope():
        rows = list(Authenticator.objects.filter(user_id=user.pk))
    app = next((row for row in rows if row.type == TOTP), None)
    recovery = next((row for row in rows if row.type == RECOVERY), None)
    return Factors(
        app_since=app.created_at if app else None,
        passkeys=sum(row.type == PASSKEY for row in rows),
        recovery_left=len(RecoveryCodes(recovery).get_unused_codes()) if recovery else 0,
    )


def new_secret() -> str:
    """Return a seed for an app, sealed: it waits in the session until a code proves it."""
    return str(encrypt(generate_totp_secret()))


def shown_secret(sealed: str) -> str:
    """Return the seed as a person types it into an app."""
    return str(decrypt(sealed))


def setup_code(user: User, sealed: str) -> tuple[str, int]:
    """Return the QR code of the seed as an SVG path, and the width of its square."""
    code = qrcode.QRCode(border=_QUIET_ZONE, error_correction=qrcode.constants.ERROR_CORRECT_M)
    code.add_data(MfaAdapter().build_totp_url(user, shown_secret(sealed)))
    rows = code.get_matrix()
    return "".join(_squares(rows)), len(rows)


def enable_app(user: User, *, sealed: str, code: str) -> None:
    """Bind the app that shows `code` to the account, in place of the one before it."""
    counter = _matching_counter(shown_secret(sealed), code)
    if counter is None:
        message = _("This code is not right. Enter the one that the app shows now.")
        raise Invalid("code_wrong", message, field="code")
    with transaction.atomic():
        with public_scope():
            lock_user(user.pk)
            Authenticator.objects.filter(user_id=user.pk, type=TOTP).delete()
            # The code of the set-up is used up: it does not log anybody in.
            data = {"secret": sealed, "counter": counter}
            Authenticator.objects.create(user_id=user.pk, type=TOTP, data=data)
            ensure_recovery_codes(user)
        note(user, "mfa.enabled", method="app")


def disable_app(user: User) -> bool:
    """Forget the app; False when there was none. The caller has asked whether this is allowed."""
    with transaction.atomic():
        with public_scope():
            lock_user(user.pk)
            gone, _rows = Authenticator.objects.filter(user_id=user.pk, type=TOTP).delete()
            drop_useless_codes(user)
        if gone:
            note(user, "mfa.disabled", method="app")
    return bool(gone)


def reset_factors(user: User) -> bool:
    """Forget every second factor, for somebody who lost all; False when there was none."""
    with transaction.atomic():
        with public_scope():
            lock_user(user.pk)
            gone, _rows = Authenticator.objects.filter(user_id=user.pk).delete()
        if gone:
            note(user, "mfa.disabled", method="all")
    return bool(gone)


def check_code(user: User, code: str) -> str:
    """Use up a code and return its kind, `app` or `recovery`; "" when it is not right."""
    code = "".join(code.split()).replace("-", "")
    if not (code.isascii() and code.isdigit()):
        return ""
    with public_scope():
        if _use_app_code(user, code):
            return "app"
        return "recovery" if _use_recovery_code(user, code) else ""


def new_recovery_codes(user: User) -> None:
    """Replace the recovery codes; the old ones open nothing any more."""
    with transaction.atomic():
        with public_scope():
            lock_user(user.pk)
            Authenticator.objects.filter(user_id=user.pk, type=RECOVERY).delete()
            RecoveryCodes.activate(user)
        note(user, "mfa.codes_renewed")


def take_unseen_codes(user: User) -> list[str]:
    """Return the recovery codes the first time, nothing afterwards."""
    with public_scope(), transaction.atomic():
        row = _locked(user, RECOVERY)
        if row is None or RecoveryCodes(row).did_view:
            return []
        codes = RecoveryCodes(row)
        codes.mark_as_viewed()
        return [f"{code[:5]}-{code[5:]}" for code in codes.get_unused_codes()]


def lock_user(user_id: int) -> None:
    """Make changes of one person's factors queue up; inside a transaction."""
    User.objects.select_for_update().filter(pk=user_id).first()


def drop_useless_codes(user: User) -> None:
    """Recovery codes replace a factor: without one they are a second password."""
    if not has_second_factor(user):
        Authenticator.objects.filter(user_id=user.pk, type=RECOVERY).delete()


def ensure_recovery_codes(user: User) -> None:
    """Give a person with a first factor a way back in without it."""
    RecoveryCodes.activate(user)


def note(user: User, action: str, **details: str) -> None:
    """Write the audit entry about a person's account."""
    audit.record(
        action,
        object_type="user",
        object_id=user.pk,
        object_label=user.email,
        changes={name: ["", value] for name, value in details.items()},
    )


def note_change(user: User, action: str, field: str, before: object, after: object) -> None:
    """Write the audit entry about one value of a person's account."""
    audit.record(
        action,
        object_type="user",
        object_id=user.pk,
        object_label=user.email,
        changes={field: [before, after]},
    )


def _use_app_code(user: User, code: str) -> bool:
    with transaction.atomic():
        row = _locked(user, TOTP)
        if row is None:
            return False
        counter = _matching_counter(decrypt(row.data["secret"]), code)
        if counter is None or counter <= row.data.get("counter", 0):
            return False
        row.data["counter"] = counter
        row.last_used_at = timezone.now()
        row.save(update_fields=["data", "last_used_at"])
    return True


def _use_recovery_code(user: User, code: str) -> bool:
    with transaction.atomic():
        row = _locked(user, RECOVERY)
        if row is None or not RecoveryCodes(row).validate_code(code):
            return False
        Authenticator.objects.filter(pk=row.pk).update(last_used_at=timezone.now())
    return True


def _locked(user: User, kind: str) -> Any:
    return Authenticator.objects.select_for_update().filter(user_id=user.pk, type=kind).first()


def _matching_counter(secret: str, code: str) -> int | None:
    """Return the newest time step whose code this is, comparing with each one all the same."""
    found = None
    for counter in yield_hotp_counters_from_time():
        expected = format_hotp_value(hotp_value(secret, counter))
        if constant_time_compare("".join(code.split()), expected):
            found = int(counter)
    return found


def _squares(rows: list[list[bool]]) -> Iterator[str]:
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            if dark:
                yield f"M{x} {y}h1v1h-1z"
