"""Creating tenants, people and webhook routes."""

from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from evosense.core.crypto import token_digest
from evosense.core.errors import Conflict, Invalid, NotFound
from evosense.core.schema import NoTenantError, public_scope, tenant_scope
from evosense.testing.databases import ALPHA, BETA
from tenancy.models import Domain, Membership, Tenant, User, WebhookRoute
from tenancy.selectors.hosts import tenant_of_host
from tenancy.services import people, routes, tenants

PASSWORD = "correct horse battery"


def create(**over):
    return tenants.create_tenant(**{"name": "Acme Ltda", "slug": "acme", **over})


def test_a_tenant_gets_an_address_an_owner_and_waits_for_its_schema(public):
    tenant = create(
        plan="pro",
        slug=" ACME ",
        timezone="America/Manaus",
        owner_email="Ana@Acme.com",
        owner_password=PASSWORD,
    )
    assert (tenant.slug, tenant.plan, tenant.state) == ("acme", "pro", "provisioning")
    assert (tenant.timezone, tenant.status) == ("America/Manaus", "trial")
    assert tenant.schema_name.startswith("t_")
    assert "acme" not in tenant.schema_name
    assert Domain.objects.get(tenant=tenant).domain == "acme.testserver"
    membership = Membership.objects.get(tenant=tenant)
    assert (membership.role, membership.user.email) == ("owner", "ana@acme.com")
    assert membership.user.check_password(PASSWORD)


def test_it_is_found_by_its_host_once_it_is_ready(public):
    tenant = create()
    assert tenant_of_host("acme.testserver") is None
    tenants.provision_now(tenant.id)
    assert tenant_of_host("acme.testserver") == tenant.ref


def test_an_owner_with_an_account_keeps_it(public):
    user = people.create_user(email="ana@acme.com", password=PASSWORD, name="Ana")
    create(owner_email="ANA@acme.com", owner_password="something else entirely")
    assert User.objects.get().check_password(PASSWORD)
    assert Membership.objects.get().user_id == user.pk


@pytest.mark.parametrize(
    ("over", "error", "code", "field"),
    [
        ({"slug": "alpha"}, Conflict, "slug_taken", "slug"),
        ({"slug": "admin"}, Conflict, "slug_reserved", "slug"),
        ({"slug": "-acme"}, Invalid, "slug_invalid", "slug"),
        ({"slug": "acmé"}, Invalid, "slug_invalid", "slug"),
        ({"slug": "a.b"}, Invalid, "slug_invalid", "slug"),
        ({"slug": "x" * 41}, Invalid, "slug_invalid", "slug"),
        ({"slug": ""}, Invalid, "slug_invalid", "slug"),
        ({"name": " "}, Invalid, "name_invalid", "name"),
        ({"plan": "gold"}, Invalid, "plan_unknown", "plan"),
        ({"timezone": "Mars/Base"}, Invalid, "timezone_unknown", "timezone"),
        ({"owner_email": "nope", "owner_password": PASSWORD}, Invalid, "email_invalid", "email"),
        (
            {"owner_email": "a@b.co", "owner_password": "short"},
            Invalid,
            "password_weak",
            "password",
        ),
    ],
)
def test_a_refused_value_names_its_field_and_stores_nothing(public, over, error, code, field):
    before = Tenant.objects.count()
    with pytest.raises(error) as raised:
        create(**over)
    assert (raised.value.code, raised.value.field) == (code, field)
    assert str(raised.value.message)
    assert Tenant.objects.count() == before
    assert User.objects.count() == Membership.objects.count() == 0


def test_an_unknown_tenant_is_not_found(public):
    assert tenants.find_tenant(slug="alpha").id == ALPHA.id
    with pytest.raises(NotFound):
        tenants.find_tenant(slug="nobody")
    with pytest.raises(NotFound):
        tenants.find_tenant(tenant_id=uuid4())


def test_an_email_has_one_account_whatever_its_case(public):
    people.create_user(email="ana@acme.com", password=PASSWORD)
    with pytest.raises(Conflict) as raised:
        people.create_user(email=" ANA@ACME.com", password=PASSWORD)
    assert raised.value.field == "email"


def test_members_join_once_and_may_come_back(tenant, make_user):
    user = make_user()
    membership = people.add_member(tenant_id=tenant.id, user_id=user.pk, role="agent")
    with pytest.raises(Conflict):
        people.add_member(tenant_id=tenant.id, user_id=user.pk, role="admin")
    with pytest.raises(Invalid):
        people.add_member(tenant_id=tenant.id, user_id=user.pk, role="king")
    Membership.objects.update(is_active=False)
    people.add_member(tenant_id=tenant.id, user_id=user.pk, role="viewer")
    membership.refresh_from_db()
    assert (membership.role, membership.is_active) == ("viewer", True)


def test_a_route_keeps_only_the_hash_of_its_token(tenant):
    route_id = uuid4()
    token = routes.create_route(route_id=route_id, instance="evs-1")
    route = WebhookRoute.objects.get(pk=route_id)
    assert (route.tenant_id, route.instance, route.is_active) == (tenant.id, "evs-1", True)
    assert bytes(route.token_hash) == token_digest(token)
    assert route.previous_token_hash is None


def test_after_rotation_the_old_token_stays_good_for_a_week(tenant):
    route_id = uuid4()
    old = routes.create_route(route_id=route_id, instance="evs-1")
    new = routes.rotate_route(route_id=route_id)
    route = WebhookRoute.objects.get(pk=route_id)
    assert new != old
    assert bytes(route.token_hash) == token_digest(new)
    assert bytes(route.previous_token_hash) == token_digest(old)
    left = route.previous_valid_until - timezone.now()
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)


def test_routes_close_reopen_and_follow_a_renamed_instance(tenant):
    route_id = uuid4()
    routes.create_route(route_id=route_id, instance="evs-1")
    routes.close_route(route_id=route_id)
    assert not WebhookRoute.objects.get().is_active
    routes.reopen_route(route_id=route_id)
    routes.rename_instance(route_id=route_id, instance="evs-2")
    route = WebhookRoute.objects.get()
    assert (route.is_active, route.instance) == (True, "evs-2")


def test_another_tenants_route_cannot_be_touched(tenant):
    route_id = uuid4()
    routes.create_route(route_id=route_id, instance="evs-1")
    with tenant_scope(BETA):
        for act in (routes.rotate_route, routes.close_route):
            with pytest.raises(NotFound):
                act(route_id=route_id)
    with public_scope(), pytest.raises(NoTenantError):
        routes.rotate_route(route_id=route_id)


def test_receivers_are_told_of_every_change(tenant, committed):
    parameters = connection.get_connection_params()
    with psycopg.connect(
        host=parameters["host"],
        port=parameters["port"],
        dbname=parameters["dbname"],
        user=parameters["user"],
        password=parameters["password"],
        autocommit=True,
    ) as listener:
        listener.execute("LISTEN webhook_routes")
        route_id = uuid4()
        routes.create_route(route_id=route_id, instance="evs-1")
        routes.rotate_route(route_id=route_id)
        routes.close_route(route_id=route_id)
        heard = list(listener.notifies(timeout=60, stop_after=3))
    assert [each.channel for each in heard] == ["webhook_routes"] * 3
