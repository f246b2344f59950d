"""Addresses in letters: from the stored domain, never from a request; tokens only signed here.

A token names a row and its nonce. Nothing of it is stored, and a new nonce ends every older token.
"""

from uuid import UUID

from django.conf import settings
from django.core import signing
from django.urls import reverse

from evosense.core.schema import public_scope
from tenancy.models import Domain, Tenant
from tenancy.selectors.members import workspace_url

NONCE_LENGTH = 22
_HEX = 32


def public_url(name: str, *args: str) -> str:
    """Return the full address of a page of the public host, such as `public:sign-up`."""
    path = reverse(name, args=args, urlconf="evosense.urls_public")
    return workspace_url(settings.PUBLIC_HOST) + path.lstrip("/")


def tenant_url(tenant_id: UUID, name: str, *args: str) -> str:
    """Return the full address of a page on the company's own host, such as `account:login`."""
    path = reverse(name, args=args, urlconf="evosense.urls_tenant")
    return workspace_url(domain_of(tenant_id)) + path.lstrip("/")


def domain_of(tenant_id: UUID) -> str:
    """Return the host name that a company prefers, among those that lead to it now."""
    with public_scope():
        domain = (
            Domain.objects.filter(tenant_id=tenant_id, state=Domain.State.ACTIVE)
            .order_by("-is_primary", "is_custom", "pk")
            .values_list("domain", flat=True)
            .first()
        )
        if domain:
            return str(domain)
        slug = Tenant.objects.values_list("slug", flat=True).get(pk=tenant_id)
    return host_of_slug(slug)


def host_of_slug(slug: str) -> str:
    """Return the host name that the installation gives to a company with this address."""
    return f"{slug}.{settings.PUBLIC_HOST}"


def row_token(purpose: str, row_id: UUID, nonce: str) -> str:
    """Return the token that opens the row `row_id` for as long as it has this nonce."""
    return sign(purpose, f"{row_id.hex}{nonce}")


def read_row_token(purpose: str, token: str) -> tuple[UUID, str] | None:
    """Return the row id and nonce of a token of ours; None for any other text."""
    value = unsign(purpose, token)
    if value is None or len(value) <= _HEX:
        return None
    return UUID(hex=value[:_HEX]), value[_HEX:]


def sign(purpose: str, value: str) -> str:
    """Return `value` with a signature that is good for `purpose` only."""
    return _signer(purpose).sign(value)


def unsign(purpose: str, token: str) -> str | None:
    """Return what was signed for `purpose`; None when the token is not ours."""
    try:
        return _signer(purpose).unsign(token)
    except signing.BadSignature:
        return None


def _signer(purpose: str) -> signing.Signer:
    return signing.Signer(salt=f"evosense.links.{purpose}", sep=".")
