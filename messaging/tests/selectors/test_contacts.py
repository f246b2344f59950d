from datetime import timedelta

import pytest

from evosense.core.errors import NotFound
from evosense.core.ids import uuid7
from messaging.models import ContactMerge, GroupMember
from messaging.selectors.contacts import ContactFilter, contact_detail, contact_page
from messaging.selectors.conversations import conversation
from messaging.tests.factories import (
    START,
    make_contact,
    make_conversation,
    make_identity,
    make_message,
)

LATE = START + timedelta(seconds=30)


def names(filters=None, **options):
    page = contact_page(filters or ContactFilter(), show_numbers=True, **options)
    return [row.person.name for row in page.rows]


def test_contact_changed_last_comes_first(tenant):
    for number in range(3):
        make_contact(f"Pessoa {number}", updated_at=START + timedelta(minutes=number))
    make_contact("Fundida", merged_into=make_contact("Equipe", kind="group", updated_at=LATE))
    assert names() == ["Pessoa 2", "Pessoa 1", "Equipe", "Pessoa 0"]
    assert names(ContactFilter(kind="group")) == ["Equipe"]
    assert names(ContactFilter(q="pess 1")) == ["Pessoa 1"]


def test_detail_has_addresses_conversations_merges_and_groups(tenant):
    ana = make_contact("Ana", address="5541900184470")
    make_identity(ana, "lid", "123456789012345")
    loser = make_contact("Ana LID", merged_into=ana)
    ContactMerge.objects.create(winner=ana, loser=loser, reason="lid")
    make_conversation(contact=ana)
    team = make_contact("Equipe", kind="group")
    GroupMember.objects.create(group=team, member=ana, role="admin", changed_at=START)
    detail = contact_detail(loser.public_id, show_numbers=True)
    assert detail.person.id == ana.public_id
    assert [one.address for one in detail.row.identities] == [
        "+55 41 90018-4470",
        "123456789012345",
    ]
    assert len(detail.conversations) == 1
    assert [(one.loser.name, one.is_undoable) for one in detail.merges] == [("Ana LID", True)]
    assert [(one.other.name, one.role) for one in detail.groups] == [("Equipe", "admin")]
    (member,) = contact_detail(team.public_id, show_numbers=False).members
    assert member.other.name == "Ana"


def test_detail_shows_no_address_without_permission(tenant):
    ana = make_contact("Ana", address="5541900184470")
    (identity,) = contact_detail(ana.public_id, show_numbers=False).row.identities
    assert (identity.address, identity.jid) == ("••• 4470", "")


def test_detail_takes_a_constant_number_of_queries(tenant, count_queries):
    ana = make_contact("Ana")

    def add():
        make_conversation(contact=ana)
        team = make_contact("Equipe", kind="group")
        GroupMember.objects.create(group=team, member=ana, changed_at=START)
        ContactMerge.objects.create(winner=ana, loser=make_contact("X"), reason="lid")

    add()
    with count_queries() as one:
        contact_detail(ana.public_id, show_numbers=True)
    for _ in range(9):
        add()
    with count_queries() as ten:
        contact_detail(ana.public_id, show_numbers=True)
    assert len(one) == len(ten)


def test_imported_contact_is_known_since_its_first_message(tenant):
    ana = make_contact("Ana")
    chat = make_conversation(contact=ana)
    make_message(chat, occurred_at=LATE)
    make_message(chat, occurred_at=START)
    detail = contact_detail(ana.public_id, show_numbers=True)
    assert (detail.since, detail.conversations[0].started_at) == (START, START)
    assert conversation(chat.public_id, show_numbers=True).started_at == START
    stranger = contact_detail(make_contact("X").public_id, show_numbers=True)
    assert stranger.since == stranger.row.created_at


def test_unknown_contact_is_not_found(tenant):
    with pytest.raises(NotFound):
        contact_detail(uuid7(), show_numbers=True)
