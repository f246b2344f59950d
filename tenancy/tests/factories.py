"""Plain functions that make people, members, browsers and keys for tests."""

from itertools import count
from typing import Any

from django.conf import settings
from django.test import Client

from evosense.core.schema import TenantRef, public_scope
from evosense.testing.databases import ALPHA
from tenancy.models import Membership, Role, User
from tenancy.services import keys

_numbers = count(1)
PASSWORD = "correct horse battery"


def make_user(**over: Any) -> User:
    fields = {"email": f"person{next(_numbers)}@example.com", "password": PASSWORD, **over}
    with public_scope():
        return User.objects.create_user(**fields)


def make_member(
    role: str = "agent", *, tenant: TenantRef = ALPHA, user: User | None = None, **over: Any
) -> Membership:
    with public_scope():
        return Membership.objects.create(
            tenant_id=tenant.id, user=user or make_user(), role=role, **over
        )


def client_for(role: str = "agent", *, tenant: TenantRef = ALPHA) -> Client:
    """Return a browser on the tenant's host, logged in as a member with this role."""
    browser = anonymous_client(tenant=tenant)
    with public_scope():
        browser.force_login(make_member(role, tenant=tenant).user)
    return browser


def make_role(*permissions: str, tenant: TenantRef = ALPHA, name: str = "") -> Role:
    with public_scope():
        return Role.objects.create(
            tenant_id=tenant.id, name=name or f"Role {next(_numbers)}", permissions=permissions
        )


def client_of(membership: Membership, *, tenant: TenantRef = ALPHA) -> Client:
    """Return a browser on the tenant's host, logged in as this member."""
    browser = anonymous_client(tenant=tenant)
    with public_scope():
        browser.force_login(membership.user)
    return browser


def anonymous_client(*, tenant: TenantRef = ALPHA) -> Client:
    return Client(HTTP_HOST=f"{tenant.slug}.{settings.PUBLIC_HOST}")


def make_api_key(*, scopes: tuple[str, ...] = ("all",), tenant: TenantRef = ALPHA) -> str:
    _row, key = keys.create_key(tenant_id=tenant.id, name=f"key {next(_numbers)}", scopes=scopes)
    return key
