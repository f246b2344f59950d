"""The thread: pages that meet, and everything that hangs on a bubble."""

from datetime import timedelta

import pytest

from evosense.core.errors import NotFound
from evosense.core.ids import uuid7
from messaging.addresses import identity_hmac
from messaging.models import MessageVersion, PollVote, Reaction
from messaging.selectors.thread import latest_cursor, message_bubble, message_versions, thread_page
from messaging.tests.factories import START, make_contact, make_conversation, make_message


def texts(page):
    return [bubble.message.text for bubble in page.bubbles]


@pytest.fixture
def talk(tenant):
    """Ten messages, three of them in the same second."""
    conversation = make_conversation()
    for number in range(10):
        at = START + timedelta(seconds=5 if 4 <= number <= 6 else number)
        make_message(conversation, text=str(number), occurred_at=at)
    return conversation.pk


def test_pages_towards_the_past_meet(talk):
    first = thread_page(talk, limit=4, show_numbers=True)
    assert texts(first) == ["6", "7", "8", "9"]
    assert first.newer is None
    second = thread_page(talk, before=first.older, limit=4, show_numbers=True)
    assert texts(second) == ["2", "3", "4", "5"]
    third = thread_page(talk, before=second.older, limit=4, show_numbers=True)
    assert texts(third) == ["0", "1"]
    assert third.older is None


def test_pages_towards_now_meet(talk):
    oldest = thread_page(talk, limit=10, show_numbers=True).bubbles[0]
    page = thread_page(talk, around=oldest.id, limit=4, show_numbers=True)
    assert texts(page) == ["0", "1", "2"]
    assert page.older is None
    seen, newer = texts(page), page.newer
    while newer:
        page = thread_page(talk, after=newer, limit=3, show_numbers=True)
        seen += texts(page)
        newer = page.newer
    assert seen == [str(number) for number in range(10)]


def test_page_around_a_message_has_both_sides(talk):
    target = thread_page(talk, limit=10, show_numbers=True).bubbles[5]
    page = thread_page(talk, around=target.id, limit=4, show_numbers=True)
    assert texts(page) == ["3", "4", "5", "6", "7"]
    assert page.older
    assert page.newer


def test_only_what_comes_later_follows_the_latest_cursor(talk):
    cursor = latest_cursor(talk)
    assert texts(thread_page(talk, after=cursor, show_numbers=True)) == []


def test_message_of_another_conversation_is_not_found(talk):
    other = make_message()
    for target in (other.public_id, uuid7()):
        with pytest.raises(NotFound):
            thread_page(talk, around=target, show_numbers=True)


def test_hidden_messages_are_no_bubbles(tenant):
    hidden = make_message(is_hidden=True)
    assert texts(thread_page(hidden.conversation_id, show_numbers=True)) == []
    with pytest.raises(NotFound):
        message_bubble(hidden.public_id, show_numbers=True)


def test_thread_takes_the_same_queries_for_one_row_and_for_ten(tenant, count_queries):
    group = make_conversation(contact=make_contact("Equipe", kind="group"))

    def add():
        author = make_contact("Bia")
        before = make_message(group, author=author)
        poll = make_message(
            group,
            type="poll",
            author=author,
            reply_to_provider_id=before.provider_id,
            extra={"poll": {"name": "?", "options": ["a", "b"]}},
        )
        make_message(
            group,
            reply_to_provider_id="gone",
            quote={"author_key": identity_hmac("lid", "1").hex(), "text": "x"},
        )
        Reaction.objects.create(message=poll, author=author, emoji="👍", reacted_at=START)
        PollVote.objects.create(message=poll, voter=author, options=["a"], voted_at=START)
        MessageVersion.objects.create(message=poll, text="antes", written_at=START)

    add()
    with count_queries() as one:
        thread_page(group.pk, show_numbers=True)
    for _ in range(9):
        add()
    with count_queries() as ten:
        assert len(thread_page(group.pk, show_numbers=True).bubbles) == 30
    assert len(one) == len(ten) <= 11


def test_quote_names_the_stored_message(tenant):
    conversation = make_conversation(contact=make_contact("Ana"))
    asked = make_message(conversation, text="Qual o valor?")
    answer = make_message(
        conversation, direction="outbound", reply_to_provider_id=asked.provider_id
    )
    quote = message_bubble(answer.public_id, show_numbers=False).quote
    assert (quote.message_id, quote.author_name, quote.text) == (
        asked.public_id,
        "Ana",
        "Qual o valor?",
    )


def test_quote_of_a_message_that_never_came_is_what_was_carried(tenant):
    author = make_contact("Caio", address="5511900001111")
    reply = make_message(
        reply_to_provider_id="GONE",
        quote={
            "author_key": identity_hmac("pn", "5511900001111").hex(),
            "type": "text",
            "text": "antigo",
        },
    )
    quote = message_bubble(reply.public_id, show_numbers=False).quote
    assert (quote.message_id, quote.author_name, quote.text) == (None, author.name, "antigo")


@pytest.mark.parametrize("key", ["00" * 32, "", "zz", None])
def test_quote_of_a_stranger_has_no_name(tenant, key):
    reply = make_message(reply_to_provider_id="GONE", quote={"author_key": key, "text": "x"})
    quote = message_bubble(reply.public_id, show_numbers=False).quote
    assert quote.author_name == ""


def test_reactions_are_grouped_and_taken_back_ones_are_gone(tenant):
    message = make_message()
    ana, bia, caio = (make_contact(name) for name in ("Ana", "Bia", "Caio"))
    for author, emoji in ((ana, "👍"), (bia, "👍"), (None, "👍"), (caio, "")):
        Reaction.objects.create(message=message, author=author, emoji=emoji, reacted_at=START)
    (group,) = message_bubble(message.public_id, show_numbers=False).reactions
    assert (group.emoji, group.count, group.is_own) == ("👍", 3, True)
    assert [person.name for person in group.people] == ["Ana", "Bia"]


def test_poll_counts_votes_and_believes_a_higher_total(tenant):
    poll = make_message(
        type="poll",
        extra={"poll": {"options": ["sim", "não"]}, "tally": [["não", ["a", "b", "c"]]]},
    )
    PollVote.objects.create(
        message=poll, voter=make_contact("Ana"), options=["sim"], voted_at=START
    )
    options = message_bubble(poll.public_id, show_numbers=False).poll
    assert [(one.text, one.votes, len(one.voters)) for one in options] == [
        ("sim", 1, 1),
        ("não", 3, 0),
    ]


def test_versions_are_counted_and_listed_in_order(tenant):
    message = make_message()
    for seconds, text in ((2, "segundo"), (1, "primeiro")):
        MessageVersion.objects.create(
            message=message, text=text, written_at=START + timedelta(seconds=seconds)
        )
    assert message_bubble(message.public_id, show_numbers=False).versions_count == 2
    assert [one.text for one in message_versions(message)] == ["primeiro", "segundo"]


def test_author_in_a_group_is_masked_without_permission(tenant):
    group = make_conversation(contact=make_contact("Equipe", kind="group"))
    message = make_message(group, author=make_contact(address="5541900184470"))
    assert message_bubble(message.public_id, show_numbers=False).author_name == "••• 4470"
    unknown = make_message(group)
    assert message_bubble(unknown.public_id, show_numbers=True).author is None
