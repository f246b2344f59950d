"""Whoever loses the right to look is shown out of the open event streams, and let in again."""

import pytest

from evosense.core import streams
from evosense.core.actor import Actor, acting
from evosense.core.schema import public_scope
from evosense.testing.databases import ALPHA
from tenancy.services import accounts, members, sessions, support
from tenancy.services.members import Parting
from tenancy.tests.factories import client_of, make_member, make_user

pytestmark = pytest.mark.usefixtures("tenant", "committed", "redis_db")
REASON = "because a test asks for it"


def by(membership):
    return acting(Actor(kind="user", id=str(membership.user_id), label=membership.user.email))


def is_out(user_id):
    return bool(streams.redis_client().exists(streams.left_key(ALPHA.id, user_id)))


def test_a_deactivated_member():
    admin, agent = make_member("admin"), make_member("agent")
    with by(admin):
        members.deactivate(tenant_id=ALPHA.id, member_id=agent.pk, parting=Parting())
        assert is_out(agent.user_id)
        assert not is_out(admin.user_id)
        members.reactivate(tenant_id=ALPHA.id, member_id=agent.pk)
    assert not is_out(agent.user_id)


def test_an_account_that_an_operator_closes():
    agent = make_member("agent")
    accounts.deactivate(agent.user_id, reason=REASON)
    assert is_out(agent.user_id)
    accounts.reactivate(agent.user_id, reason=REASON)
    assert not is_out(agent.user_id)


def test_a_log_in_that_is_ended_elsewhere_or_by_its_owner():
    member = make_member("agent")
    desk, phone = client_of(member), client_of(member)
    keys = [one.session.session_key for one in (desk, phone)]
    for one in (desk, phone):
        assert one.get("/conta/eventos/").status_code == 200
    desk.post("/conta/sessoes/encerrar/")
    assert is_out(sessions.public_key(keys[1]))
    assert not is_out(sessions.public_key(keys[0]))
    desk.post("/sair/")
    assert is_out(sessions.public_key(keys[0]))
    assert not is_out(member.user_id), "the person may come back at once"


def test_support_whose_visit_ends():
    operator = make_user(is_staff=True)
    with public_scope():
        grant = support.open_grant(
            operator=operator, tenant_id=ALPHA.id, reason=REASON, hours=1, may_write=False
        )
        support.end_grant(grant.pk, by="owner", tenant_id=ALPHA.id)
    assert is_out(operator.pk)
