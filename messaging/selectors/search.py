"""Finding contacts and messages by what people type: a name, a number, words of a message.

Every look-up is bounded, because each one feeds another query.
"""

import re
from collections.abc import Iterable

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Left

from evosense.core.folding import Fold
from evosense.core.phones import digits_of, parse_phone
from messaging.addresses import TAIL, number_hmac, search_form, split_jid, tail_hmac
from messaging.addresses import identity_hmac as hmac_of
from messaging.models import Contact, Conversation, Identity, Message
from messaging.models.message import SEARCHED_CHARACTERS

MOST_CONTACTS = 500
MOST_MESSAGES = 1_000
_WORD = re.compile(r"\w+")
_PHONE_LIKE = re.compile(r"[\d\s().+-]+\Z", re.ASCII)
_FEWEST_DIGITS = 8


def contacts_like(text: str) -> Q:
    """Return a filter of Contact for a name or a number; an empty match for a text of neither."""
    found = Q(pk__in=[])
    query = _name_query(text)
    if query is not None:
        named = Contact.objects.annotate(words=SearchVector("search_name", config="simple"))
        pks = named.filter(words=query).order_by("-updated_at").values("pk")[:MOST_CONTACTS]
        found |= Q(pk__in=list(pks.values_list("pk", flat=True)))
    numbered = _contacts_with_number(text)
    return found | Q(pk__in=numbered) if numbered else found


def conversations_like(text: str) -> Q:
    """Return a filter of Conversation: its contact by name or number, or words said in it."""
    contacts = list(
        Contact.objects.filter(contacts_like(text)).values_list("pk", flat=True)[:MOST_CONTACTS]
    )
    said = with_words(Message.objects.filter(is_hidden=False), text)
    newest = said.order_by("-occurred_at", "-pk").values_list("conversation_id", flat=True)
    return Q(contact_id__in=contacts) | Q(pk__in=set(newest[:MOST_MESSAGES]))


def with_words(messages: QuerySet[Message], text: str) -> QuerySet[Message]:
    """Return the messages that contain these words, in any order and any inflection."""
    words = SearchVector(Fold(Left("text", SEARCHED_CHARACTERS)), config="portuguese")
    query = SearchQuery(Fold(Value(clean(text))), config="portuguese", search_type="websearch")
    return messages.annotate(words=words).filter(words=query)


def contacts_of_jid(jid: str) -> list[int]:
    """Return the contact with exactly this address, none when nobody has it."""
    kind, address = split_jid(clean(jid).strip())
    known = Identity.objects.filter(hmac=hmac_of(kind, address))
    return list(known.values_list("contact_id", flat=True))


def conversations_of_jid(jid: str) -> QuerySet[Conversation]:
    """Return the conversations held with an address."""
    return Conversation.objects.filter(contact_id__in=contacts_of_jid(jid))


def clean(text: str) -> str:
    """Return text that PostgreSQL takes: no NUL, no halves of surrogate pairs."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode()


def _name_query(text: str) -> SearchQuery | None:
    words = _WORD.findall(search_form(clean(text)))[:8]
    if not words:
        return None
    raw = " & ".join(f"'{word}':*" for word in words)
    return SearchQuery(raw, config="simple", search_type="raw")


def _contacts_with_number(text: str) -> list[int]:
    if not _PHONE_LIKE.match(text):
        return []
    digits = digits_of(text)
    if len(digits) == TAIL:
        keys = Q(tail_hmac=tail_hmac(digits))
    elif len(digits) >= _FEWEST_DIGITS:
        keys = Q(br_hmac__in=_number_keys(text, digits))
    else:
        return []
    found = Identity.objects.filter(keys).values_list("contact_id", flat=True)
    return list(found[:MOST_CONTACTS])


def _number_keys(text: str, digits: str) -> Iterable[bytes]:
    parsed = parse_phone(text)
    return {number_hmac(form) for form in (digits, parsed) if form}
