"""What allauth asks of us: keep its secrets encrypted, and which host passkeys belong to.

Only allauth's tables and algorithms are used. Its pages, URLs and letters are not: they know
neither tenants' hosts nor our content security policy.
"""

import base64
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.http import HttpRequest

from evosense.core.client_address import client_address
from evosense.core.crypto import decrypt, encrypt
from evosense.core.schema import public_scope

SECRET_PLACE = "mfa_authenticator|data"  # noqa: S105  (names a column)
UNKNOWN_ADDRESS = "0.0.0.0"  # noqa: S104  (written down, never bound)


class AccountAdapter(DefaultAccountAdapter):
    """Log-in lists of sessions need an address; letters are ours."""

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request) or UNKNOWN_ADDRESS

    def send_mail(self, *_arguments: Any, **_options: Any) -> None:
        raise NotImplementedError("Letters go through tenancy.services.mail.")


class MfaAdapter(DefaultMFAAdapter):
    """Seeds and recovery codes are unreadable in the database; people are shared by companies."""

    def encrypt(self, text: str) -> str:
        with public_scope():
            return base64.b64encode(encrypt(text, SECRET_PLACE)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        with public_scope():
            return decrypt(base64.b64decode(encrypted_text), SECRET_PLACE)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {"id": relying_party(context.request.get_host()), "name": "EvoSense"}


def relying_party(host: str) -> str:
    """Return the name that passkeys of `host` belong to, or nothing on a domain of a company.

    One passkey serves every host below the installation's own. Browsers refuse a bare name such as
    `localhost` for the hosts below it, so there each host has passkeys of its own.
    """
    name = host.partition(":")[0].lower().rstrip(".")
    parent = settings.PUBLIC_HOST
    if name != parent and not name.endswith(f".{parent}"):
        return ""
    return parent if "." in parent else name
