from datetime import timedelta

from messaging.models import Contact
from messaging.selectors.search import contacts_like
from messaging.services.contacts import rename_contact
from messaging.services.reading import mark_read, mark_unread
from messaging.tests.factories import START, make_contact, make_conversation, make_message


def talk():
    conversation = make_conversation(unread_count=3)
    for second in range(3):
        make_message(conversation, occurred_at=START + timedelta(seconds=second))
    make_message(conversation, occurred_at=START + timedelta(seconds=9), direction="outbound")
    make_message(conversation, occurred_at=START + timedelta(seconds=9), is_history=True)
    make_message(conversation, occurred_at=START + timedelta(seconds=9), is_hidden=True)
    return conversation


def test_reading_to_the_end_leaves_nothing_unread(tenant):
    conversation = talk()
    assert mark_read(conversation.pk, until=START + timedelta(seconds=10)) == 0
    conversation.refresh_from_db()
    assert conversation.unread_count == 0


def test_reading_a_part_leaves_the_rest_unread(tenant):
    assert mark_read(talk().pk, until=START + timedelta(seconds=1)) == 1


def test_older_mark_changes_nothing(tenant):
    conversation = talk()
    mark_read(conversation.pk, until=START + timedelta(seconds=1))
    assert mark_read(conversation.pk, until=START) == 1
    conversation.refresh_from_db()
    assert conversation.read_until == START + timedelta(seconds=1)


def test_marking_unread_counts_the_last_message(tenant):
    conversation = talk()
    mark_read(conversation.pk, until=START + timedelta(seconds=10))
    assert mark_unread(conversation.pk) == 1
    assert mark_unread(conversation.pk) == 1
    assert mark_unread(make_conversation().pk) == 0


def test_name_typed_here_stays_and_can_be_given_back(tenant):
    contact = make_contact("aninha", push_name="aninha", name_source="profile")
    renamed = rename_contact(contact.public_id, name="  Ana   Ribeiro ")
    assert (renamed.name, renamed.name_source) == ("Ana Ribeiro", "agent")
    assert Contact.objects.filter(contacts_like("ribeiro")).exists()
    assert rename_contact(contact.public_id, name="").name == "aninha"
