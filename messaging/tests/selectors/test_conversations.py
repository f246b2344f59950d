from datetime import timedelta

import pytest

from evosense.core.errors import Invalid, NotFound
from evosense.core.ids import uuid7
from messaging.selectors.conversations import (
    ConversationFilter,
    conversation,
    conversation_page,
    tab_counts,
)
from messaging.tests.factories import (
    START,
    make_connection,
    make_contact,
    make_conversation,
    make_identity,
    make_message,
)


def names(filters=None, **options):
    page = conversation_page(filters or ConversationFilter(), show_numbers=True, **options)
    return [row.name for row in page.rows]


def test_newest_conversation_comes_first_and_pages_meet(tenant):
    connection = make_connection()
    for minute in range(7):
        make_conversation(
            connection,
            make_contact(f"Pessoa {minute}"),
            last_message_at=START + timedelta(minutes=minute // 2),
        )
    seen, cursor = [], None
    while True:
        page = conversation_page(ConversationFilter(), cursor=cursor, limit=3, show_numbers=False)
        seen += [row.name for row in page.rows]
        cursor = page.next
        if cursor is None:
            break
    assert seen == [f"Pessoa {minute}" for minute in reversed(range(7))]


def test_list_takes_the_same_queries_for_one_row_and_for_ten(tenant, count_queries):
    connection = make_connection()
    make_conversation(connection)
    with count_queries() as one:
        names()
    for _ in range(9):
        make_conversation(connection)
    with count_queries() as ten:
        assert len(names()) == 10
    assert len(one) == len(ten) == 3


def test_number_is_masked_without_permission(tenant):
    make_conversation(contact=make_contact(address="5541900184470"))
    (open_row,) = conversation_page(ConversationFilter(), show_numbers=True).rows
    (masked,) = conversation_page(ConversationFilter(), show_numbers=False).rows
    assert open_row.number == "+55 41 90018-4470"
    assert open_row.contact.jid == "5541900184470@s.whatsapp.net"
    assert masked.number == masked.name == "••• 4470"
    assert masked.contact.jid == ""


def test_phone_is_preferred_to_lid(tenant):
    contact = make_contact("Ana", address="5541900184470")
    make_identity(contact, "lid", "123456789012345")
    make_conversation(contact=contact)
    (row,) = conversation_page(ConversationFilter(), show_numbers=True).rows
    assert row.contact.jid == "5541900184470@s.whatsapp.net"


def test_filters_narrow(tenant):
    shop, office = make_connection(), make_connection()
    make_conversation(shop, make_contact("Ana"), unread_count=2)
    make_conversation(shop, make_contact("Equipe", kind="group"))
    make_conversation(office, make_contact("Bia"), status="closed")
    make_conversation(office, make_contact("Velha"), is_live=False)
    assert set(names(ConversationFilter(connection=shop.public_id))) == {"Ana", "Equipe"}
    assert names(ConversationFilter(kind="group")) == ["Equipe"]
    assert names(ConversationFilter(unread_only=True)) == ["Ana"]
    assert names(ConversationFilter(status="closed")) == ["Bia"]
    assert names(ConversationFilter(connection=uuid7())) == []
    counts = tab_counts()
    assert (counts.all, counts.unread, counts.groups) == (3, 1, 1)


@pytest.mark.parametrize(
    "q",
    [
        "joão",
        "JOAO sil",
        "silva",
        "4470",
        "5541900184470",
        "41 90018-4470",
        "(41) 9 0018-4470",
        "pagamentos",
        "boleto pagamento",
    ],
)
def test_search_finds_by_name_number_and_words(tenant, q):
    found = make_conversation(contact=make_contact("João da Silva", address="5541900184470"))
    make_message(found, text="Segue o boleto do pagamento de novembro")
    make_message(make_conversation(contact=make_contact("Maria", address="5511988887777")))
    assert names(ConversationFilter(q=q)) == ["João da Silva"]


@pytest.mark.parametrize("digits", ["557180001234", "5571980001234"])
def test_search_knows_both_forms_of_a_brazilian_number(tenant, digits):
    make_conversation(contact=make_contact("Rita", address="557180001234"))
    assert names(ConversationFilter(q=digits)) == ["Rita"]


@pytest.mark.parametrize(
    "q", ["zzz", "' & | ! ( ):*", "\x00", "a" * 5000, "\ud800", "''", "0000", "+++++++++", "%_"]
)
def test_search_takes_anything(tenant, q):
    make_conversation(contact=make_contact("Rita"))
    assert names(ConversationFilter(q=q)) == []


def test_merged_conversation_leads_to_the_one_that_remained(tenant):
    kept = make_conversation(contact=make_contact("Ana"))
    gone = make_conversation(merged_into=kept, is_live=False)
    assert conversation(gone.public_id, show_numbers=True).id == kept.public_id


def test_unknown_conversation_is_not_found(tenant):
    with pytest.raises(NotFound):
        conversation(uuid7(), show_numbers=True)


@pytest.mark.parametrize("cursor", ["x", "AAAA", "W10", "bnVsbA", "é", "WyIyMDI1IiwxXQ"])
def test_tampered_cursor_is_refused(tenant, cursor):
    with pytest.raises(Invalid) as refusal:
        conversation_page(ConversationFilter(), cursor=cursor, show_numbers=True)
    assert refusal.value.field == "cursor"
