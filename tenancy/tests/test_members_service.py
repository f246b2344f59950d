"""People change under one lock: an owner always remains, and nobody reaches above themselves."""

from contextlib import contextmanager

import pytest

from evosense.core import handover
from evosense.core.actor import Actor, acting
from evosense.core.errors import Conflict, DomainError, Invalid, LimitReached, NotAllowed, NotFound
from evosense.core.schema import public_scope, tenant_scope
from evosense.testing.databases import ALPHA, BETA
from evosense.testing.threads import run_threads
from tenancy.models import ApiKey, AuditEntry, Entitlement, Membership, Role
from tenancy.selectors.members import membership_of, permissions_of_member
from tenancy.services import invitations, keys, members, roles
from tenancy.services.members import Parting
from tenancy.tests.factories import make_member, make_role


@contextmanager
def as_(member):
    with acting(Actor(kind="user", id=str(member.user_id), label=member.user.email)):
        yield


def change(member, role):
    return members.change_role(tenant_id=ALPHA.id, member_id=member.pk, role=role)


def fresh(member):
    with public_scope():
        return Membership.objects.select_related("custom_role").get(pk=member.pk)


def last_audit():
    with public_scope():
        return AuditEntry.objects.filter(tenant_id=ALPHA.id).order_by("-number").first()


def test_an_administrator_changes_an_agents_role_and_is_audited(tenant):
    admin, agent = make_member("admin"), make_member("agent")
    with as_(admin):
        change(agent, "supervisor")
    assert fresh(agent).role == "supervisor"
    entry = last_audit()
    assert (entry.action, entry.changes) == (
        "member.role_changed",
        {"role": ["agent", "supervisor"]},
    )
    assert entry.actor_id == str(admin.user_id)


@pytest.mark.parametrize(
    "role", ["owner", "nobody", "own-1", "own-", "", "own-99999999999999999999"]
)
def test_nobody_gives_a_role_above_their_own_or_an_unknown_one(tenant, role):
    admin, agent = make_member("admin"), make_member("agent")
    with as_(admin), pytest.raises(DomainError):
        change(agent, role)
    assert fresh(agent).role == "agent"


def test_nobody_touches_somebody_above_themselves(tenant):
    owner, admin = make_member("owner"), make_member("admin")
    make_member("owner")
    with as_(admin), pytest.raises(NotAllowed):
        change(owner, "agent")
    with as_(admin), pytest.raises(NotAllowed):
        members.deactivate(tenant_id=ALPHA.id, member_id=owner.pk, parting=Parting())


def test_a_custom_manager_reaches_no_further_than_its_list(tenant):
    role = make_role("members.view", "members.manage", "contacts.view")
    manager = make_member("admin", custom_role=role)
    viewer, small = make_member("viewer"), make_role("contacts.view")
    with as_(manager):
        with pytest.raises(NotAllowed):
            change(viewer, f"own-{small.pk}")
        narrow = make_member("viewer", custom_role=small)
        change(narrow, f"own-{role.pk}")
        with pytest.raises(NotAllowed):
            change(narrow, "agent")
    assert permissions_of_member(fresh(narrow)) == {
        "member",
        "members.view",
        "members.manage",
        "contacts.view",
    }


def test_the_last_owner_stays(tenant):
    owner = make_member("owner")
    with as_(owner), pytest.raises(Conflict) as refusal:
        change(owner, "admin")
    assert refusal.value.code == "last_owner"
    assert fresh(owner).role == "owner"


def test_a_custom_role_cannot_take_the_last_owner_away(tenant):
    owner = make_member("owner")
    role = make_role("contacts.view")
    with as_(owner), pytest.raises(Conflict):
        change(owner, f"own-{role.pk}")


def test_an_inactive_owner_does_not_count(tenant):
    owner = make_member("owner")
    make_member("owner", is_active=False)
    with as_(owner), pytest.raises(Conflict):
        change(owner, "admin")


def test_two_owners_who_demote_each_other_leave_one(committed):
    with tenant_scope(ALPHA):
        first, second = make_member("owner"), make_member("owner")

    def demote(by, whom):
        def act():
            with as_(by), tenant_scope(ALPHA):
                try:
                    change(whom, "agent")
                except DomainError as error:
                    return error.code
                return "done"

        return act

    results = run_threads([demote(first, second), demote(second, first)])
    assert sorted(results) == ["done", "not_allowed"]
    with public_scope():
        assert Membership.objects.filter(tenant_id=ALPHA.id, role="owner").count() == 1


def test_two_owners_who_both_step_down_leave_one(committed):
    with tenant_scope(ALPHA):
        owners = [make_member("owner"), make_member("owner")]

    def step_down(owner):
        def act():
            with as_(owner), tenant_scope(ALPHA):
                try:
                    change(owner, "agent")
                except DomainError as error:
                    return error.code
                return "done"

        return act

    assert sorted(run_threads([step_down(owner) for owner in owners])) == ["done", "last_owner"]


def test_ownership_goes_over_and_leaves_an_administrator(tenant):
    owner, agent = make_member("owner"), make_member("agent")
    with as_(owner):
        members.transfer_ownership(tenant_id=ALPHA.id, member_id=agent.pk)
    assert (fresh(owner).role, fresh(agent).role) == ("admin", "owner")
    with as_(owner), pytest.raises(NotAllowed):
        members.transfer_ownership(tenant_id=ALPHA.id, member_id=agent.pk)


def test_ownership_goes_to_nobody_inactive_and_to_nobody_else(tenant):
    owner, gone = make_member("owner"), make_member("agent", is_active=False)
    stranger = make_member("agent", tenant=BETA)
    with as_(owner):
        with pytest.raises(Conflict):
            members.transfer_ownership(tenant_id=ALPHA.id, member_id=gone.pk)
        with pytest.raises(Conflict):
            members.transfer_ownership(tenant_id=ALPHA.id, member_id=owner.pk)
        with pytest.raises(NotFound):
            members.transfer_ownership(tenant_id=ALPHA.id, member_id=stranger.pk)


def test_another_companys_member_does_not_exist(tenant):
    owner, stranger = make_member("owner"), make_member("agent", tenant=BETA)
    with as_(owner):
        for act in (
            lambda: change(stranger, "viewer"),
            lambda: members.deactivate(
                tenant_id=ALPHA.id, member_id=stranger.pk, parting=Parting()
            ),
            lambda: members.reactivate(tenant_id=ALPHA.id, member_id=stranger.pk),
        ):
            with pytest.raises(NotFound):
                act()
    assert fresh(stranger).role == "agent"


def test_deactivating_ends_access_and_personal_keys_but_no_service_key(tenant):
    admin, agent = make_member("admin"), make_member("agent")
    _own, own_key = keys.create_key(
        tenant_id=ALPHA.id, name="own", scopes=["all"], created_by_id=agent.user_id
    )
    _service, service_key = keys.create_key(
        tenant_id=ALPHA.id,
        name="service",
        scopes=["all"],
        created_by_id=agent.user_id,
        is_service=True,
    )
    with as_(admin):
        members.deactivate(tenant_id=ALPHA.id, member_id=agent.pk, parting=Parting())
    with public_scope():
        assert membership_of(user_id=agent.user_id, tenant_id=ALPHA.id) is None
        assert ApiKey.objects.get(name="own").revoked_at is not None
        assert ApiKey.objects.get(name="service").revoked_at is None
    assert keys.verify_key(own_key) is None
    assert keys.verify_key(service_key) is not None
    assert last_audit().changes == {"keys_ended": [0, 1]}


def test_keys_can_move_to_whoever_deactivates(tenant):
    admin, agent = make_member("admin"), make_member("agent")
    _row, key = keys.create_key(
        tenant_id=ALPHA.id, name="own", scopes=["all"], created_by_id=agent.user_id
    )
    with as_(admin):
        parting = Parting(keys_to_user_id=admin.user_id)
        members.deactivate(tenant_id=ALPHA.id, member_id=agent.pk, parting=parting)
    assert keys.verify_key(key) is not None


def test_what_somebody_holds_goes_to_the_heir_in_the_same_transaction(tenant, monkeypatch):
    admin, agent, heir = make_member("admin"), make_member("agent"), make_member("agent")
    moved = []
    monkeypatch.setattr(handover, "_handovers", {})
    handover.register_handover(
        "things", "Things", lambda _user: 3, lambda old, new: moved.append((old, new)) or 3, "lost"
    )
    assert [(one.name, one.count) for one in handover.estates_of(agent.user_id)] == [("things", 3)]
    with as_(admin):
        parting = Parting({"things": make_member("agent", tenant=BETA).user_id})
        with pytest.raises(Invalid):
            members.deactivate(tenant_id=ALPHA.id, member_id=agent.pk, parting=parting)
        assert moved == []
        parting = Parting({"things": heir.user_id})
        members.deactivate(tenant_id=ALPHA.id, member_id=agent.pk, parting=parting)
    assert moved == [(agent.user_id, heir.user_id)]
    assert last_audit().changes["things_moved"] == [0, 3]


def test_nobody_deactivates_themselves_or_somebody_twice(tenant):
    admin, agent = make_member("admin"), make_member("agent")
    with as_(admin):
        with pytest.raises(NotAllowed):
            members.deactivate(tenant_id=ALPHA.id, member_id=admin.pk, parting=Parting())
        members.deactivate(tenant_id=ALPHA.id, member_id=agent.pk, parting=Parting())
        with pytest.raises(Conflict):
            members.deactivate(tenant_id=ALPHA.id, member_id=agent.pk, parting=Parting())


def _limit_seats(limit):
    with public_scope():
        Entitlement.objects.create(tenant_id=ALPHA.id, name="seats", limit=limit)


def test_coming_back_needs_a_seat(tenant):
    admin, gone = make_member("admin"), make_member("agent", is_active=False)
    _limit_seats(1)
    with as_(admin), pytest.raises(LimitReached):
        members.reactivate(tenant_id=ALPHA.id, member_id=gone.pk)
    with public_scope():
        Entitlement.objects.update(limit=2)
    with as_(admin):
        members.reactivate(tenant_id=ALPHA.id, member_id=gone.pk)
        with pytest.raises(Conflict):
            members.reactivate(tenant_id=ALPHA.id, member_id=gone.pk)
    assert fresh(gone).is_active


def test_the_last_seat_is_taken_once(committed):
    with tenant_scope(ALPHA):
        admin = make_member("admin")
        gone = [make_member("agent", is_active=False) for _number in range(6)]
    _limit_seats(2)

    def come_back(member):
        def act():
            with as_(admin), tenant_scope(ALPHA):
                try:
                    members.reactivate(tenant_id=ALPHA.id, member_id=member.pk)
                except LimitReached:
                    return "full"
                return "in"

        return act

    results = run_threads([come_back(member) for member in gone])
    assert sorted(results) == ["full"] * 5 + ["in"]


def test_a_role_deleted_while_it_is_given_leaves_nobody_without_one(committed):
    with tenant_scope(ALPHA):
        owner, agent = make_member("owner"), make_member("agent")
        role = make_role("contacts.view")

    def guarded(act):
        def run():
            with as_(owner), tenant_scope(ALPHA):
                try:
                    act()
                except DomainError as error:
                    return error.code
                return "done"

        return run

    results = run_threads(
        [
            guarded(lambda: change(agent, f"own-{role.pk}")),
            guarded(lambda: roles.delete_role(tenant_id=ALPHA.id, role_id=role.pk)),
        ]
    )
    with public_scope():
        left = Role.objects.filter(pk=role.pk).exists()
        given = Membership.objects.get(pk=agent.pk).custom_role_id
    assert sorted(results) in (["done", "role_in_use"], ["done", "role_unknown"])
    assert (given == role.pk) == left


def test_nobody_is_invited_with_a_role_that_is_gone(tenant):
    role = make_role("contacts.view")
    with public_scope():
        Entitlement.objects.create(tenant_id=ALPHA.id, name="seats", limit=None)
        Role.objects.filter(pk=role.pk).delete()
    with as_(make_member("admin")), pytest.raises(NotFound):
        invitations.invite(ALPHA.id, "ana@aurora.example", "viewer", role)
