"""Roles of the company's own: bounded by their maker and by an administrator."""

from contextlib import contextmanager

import pytest

from evosense.core.actor import Actor, acting
from evosense.core.errors import Conflict, DomainError, Invalid, NotAllowed, NotFound
from evosense.core.schema import public_scope
from evosense.testing.databases import ALPHA, BETA
from tenancy.models import AuditEntry, Membership, Role
from tenancy.permission_table import PERMISSION_TABLE, labels_of, with_needed
from tenancy.permissions import ALL_PERMISSIONS, GRANTABLE_PERMISSIONS, MEMBER, permissions_of
from tenancy.services import roles
from tenancy.tests.factories import make_member, make_role


@contextmanager
def as_(member):
    with acting(Actor(kind="user", id=str(member.user_id), label=member.user.email)):
        yield


def create(name="Night shift", permissions=("contacts.view",)):
    return roles.create_role(tenant_id=ALPHA.id, name=name, permissions=permissions)


def test_every_permission_is_described_in_words():
    described = [one.name for group in PERMISSION_TABLE for one in group.permissions]
    assert sorted(described) == sorted(ALL_PERMISSIONS - {MEMBER})


def test_a_role_holds_what_its_permissions_need(tenant):
    with as_(make_member("admin")):
        role = create(permissions=["events.replay"])
    assert set(role.permissions) == {"events.replay", "events.view", "connections.view"}
    assert with_needed(GRANTABLE_PERMISSIONS) == GRANTABLE_PERMISSIONS


@pytest.mark.parametrize(
    ("name", "permissions"),
    [
        ("", ["contacts.view"]),
        ("x" * 61, ["contacts.view"]),
        ("a\x00b", ["contacts.view"]),
        ("Agent", ["contacts.view"]),
        ("Night", []),
        ("Night", ["nothing.such"]),
        ("Night", ["workspace.delete"]),
        ("Night", ["contacts.view", "billing.manage"]),
        ("Night", ["member", "audit.export"]),
    ],
)
def test_a_wrong_role_is_refused(tenant, name, permissions):
    with as_(make_member("owner")), pytest.raises(DomainError):
        create(name, permissions)
    with public_scope():
        assert not Role.objects.exists()


def test_nobody_makes_or_changes_a_role_beyond_their_own(tenant):
    narrow = make_role("members.view", "members.manage")
    manager = make_member("admin", custom_role=narrow)
    strong = make_role("keys.manage")
    with as_(manager):
        with pytest.raises(NotAllowed):
            create(permissions=["keys.manage"])
        with pytest.raises(NotAllowed):
            roles.update_role(
                tenant_id=ALPHA.id,
                role_id=strong.pk,
                name="Weak",
                permissions=["members.view"],
            )
        with pytest.raises(NotAllowed):
            roles.delete_role(tenant_id=ALPHA.id, role_id=strong.pk)
        create(permissions=["members.view"])
    with as_(make_member("agent")), pytest.raises(NotAllowed):
        create("Other")


def test_names_are_unique_whatever_their_case(tenant):
    with as_(make_member("admin")):
        create("Night shift")
        with pytest.raises(Conflict) as refusal:
            create(" night  SHIFT ")
    assert refusal.value.field == "name"


def test_the_same_name_may_live_in_another_company(tenant):
    make_role("contacts.view", tenant=BETA, name="Night shift")
    with as_(make_member("admin")):
        create("Night shift")


def test_a_change_reaches_everybody_who_has_the_role(tenant):
    role = make_role("contacts.view")
    member = make_member("viewer", custom_role=role)
    with as_(make_member("admin")):
        roles.update_role(
            tenant_id=ALPHA.id, role_id=role.pk, name=role.name, permissions=["keys.manage"]
        )
    with public_scope():
        kept = Membership.objects.select_related("custom_role").get(pk=member.pk)
        entry = AuditEntry.objects.filter(tenant_id=ALPHA.id).order_by("-number").first()
    # What counts for policies follows: whoever manages keys is a manager.
    assert kept.role == "admin"
    assert permissions_of(kept.role, kept.custom_role.permissions) == {"member", "keys.manage"}
    assert entry.action == "role.changed"
    assert entry.changes["permissions"] == [
        labels_of(["contacts.view"]),
        labels_of(["keys.manage"]),
    ]


def test_a_role_in_use_asks_where_its_people_go(tenant):
    role, heir = make_role("contacts.view"), make_role("connections.view")
    member = make_member("viewer", custom_role=role)
    with as_(make_member("admin")):
        with pytest.raises(Conflict):
            roles.delete_role(tenant_id=ALPHA.id, role_id=role.pk)
        for wrong in ("owner", f"own-{role.pk}", "nobody"):
            with pytest.raises((Invalid, NotAllowed)):
                roles.delete_role(tenant_id=ALPHA.id, role_id=role.pk, successor=wrong)
        roles.delete_role(tenant_id=ALPHA.id, role_id=role.pk, successor=f"own-{heir.pk}")
    with public_scope():
        assert Membership.objects.get(pk=member.pk).custom_role_id == heir.pk
        assert not Role.objects.filter(pk=role.pk).exists()
        actions = AuditEntry.objects.filter(tenant_id=ALPHA.id).values_list("action", flat=True)
    assert set(actions) == {"member.role_changed", "role.deleted"}


def test_another_companys_role_does_not_exist(tenant):
    foreign = make_role("contacts.view", tenant=BETA)
    with as_(make_member("owner")):
        for act in (
            lambda: roles.delete_role(tenant_id=ALPHA.id, role_id=foreign.pk),
            lambda: roles.update_role(
                tenant_id=ALPHA.id, role_id=foreign.pk, name="x", permissions=["contacts.view"]
            ),
        ):
            with pytest.raises(NotFound):
                act()
        with pytest.raises(Invalid):
            roles.choose(ALPHA.id, f"own-{foreign.pk}")


def test_a_stored_list_never_reaches_beyond_an_administrator():
    assert "workspace.delete" not in permissions_of("owner", ["workspace.delete", "keys.manage"])
    assert permissions_of("owner", []) == {MEMBER}
