"""Messages as a search sees them: narrowed by filters, asked for words, shown as hits."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.search import SearchQuery, SearchRank, SearchVector
from django.db.models import Count, Max, Min, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Left
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Invalid
from evosense.core.folding import Fold
from evosense.core.schema import database_cursor
from messaging.models import Connection, Contact, Conversation, Message, MessageMedia
from messaging.models.message import SEARCHED_CHARACTERS
from messaging.selectors.conversations import ConnectionTag, tag_of
from messaging.selectors.people import Person, people
from messaging.selectors.search import clean, contacts_like, contacts_of_jid

# The index messaging_message_folded_words is over exactly this expression.
TEXT_WORDS = SearchVector(Fold(Left("text", SEARCHED_CHARACTERS)), config="portuguese")
# And the index messaging_media_folded_words over this one, where there is a transcript.
SPOKEN_WORDS = SearchVector(Fold(Left("transcript", SEARCHED_CHARACTERS)), config="portuguese")
# The same, seen from a message; only for ranking, because no index helps a join.
_ALL_WORDS = TEXT_WORDS + SearchVector(
    Fold(Left(Coalesce("media__transcript", Value("")), SEARCHED_CHARACTERS)), config="portuguese"
)
# Words of texts against words asked for, by the folding and the stems of the index.
_MATCHED = """
WITH asked AS (
  SELECT string_agg('(' || q::text || ')', ' | ')::tsquery AS query
  FROM unnest(%s::text[]) AS text,
       plainto_tsquery('portuguese', public.evosense_fold(text)) AS q
  WHERE numnode(q) > 0
)
SELECT word FROM asked, unnest(%s::text[]) AS word
WHERE to_tsvector('portuguese', public.evosense_fold(word)) @@ asked.query
"""
# Above this the planner's estimate is told instead of a count.
COUNTED = 50_000


@dataclass(frozen=True, slots=True)
class MatchFilter:
    """What to search in; a field left at its default does not narrow the search."""

    connection: UUID | None = None
    conversation: UUID | None = None
    chat: str = ""
    person: UUID | None = None
    # A part of a name; a number as well for readers who may see numbers.
    who: str = ""
    since: datetime | None = None
    until: datetime | None = None
    direction: str = ""
    emotion: str = ""
    sentiment_min: float | None = None
    sentiment_max: float | None = None
    satisfaction_min: int | None = None
    satisfaction_max: int | None = None

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing narrows the search."""
        return all(getattr(self, one.name) in {None, ""} for one in fields(self))


@dataclass(frozen=True, slots=True)
class Match:
    """One message as a hit shows it."""

    pk: int
    id: UUID
    provider_id: str
    text: str
    transcript: str
    type: str
    direction: str
    occurred_at: datetime
    conversation: UUID
    connection: ConnectionTag
    contact: Person
    author: Person | None
    sentiment: float | None
    emotion: str
    satisfaction: int | None
    confidence: float | None
    judged_by: str


@dataclass(frozen=True, slots=True)
class Place:
    """When and where a message is, for counts over many of them."""

    pk: int
    occurred_at: datetime
    connection_id: int
    conversation_id: int


@dataclass(frozen=True, slots=True)
class Extent:
    """How much there is to search; `is_estimate` where counting would take long."""

    messages: int
    since: datetime | None
    is_estimate: bool


def visible() -> QuerySet[Message]:
    """Return the messages that a search may show."""
    return Message.objects.filter(is_hidden=False, deleted_at=None)


def matching(filters: MatchFilter, *, show_numbers: bool) -> QuerySet[Message]:
    """Return the visible messages inside these filters, in no order."""
    ranges: dict[str, Any] = {
        "occurred_at__gte": filters.since,
        "occurred_at__lt": filters.until,
        "sentiment__gte": filters.sentiment_min,
        "sentiment__lte": filters.sentiment_max,
        "satisfaction__gte": filters.satisfaction_min,
        "satisfaction__lte": filters.satisfaction_max,
        "direction": filters.direction or None,
        "emotion": filters.emotion or None,
    }
    rows = visible().filter(**{name: value for name, value in ranges.items() if value is not None})
    return _of_parties(rows, filters, show_numbers=show_numbers)


def _of_parties(
    rows: QuerySet[Message], filters: MatchFilter, *, show_numbers: bool
) -> QuerySet[Message]:
    """Keys are looked up first: a join would hide from the planner how few rows they have."""
    if filters.connection:
        lines = Connection.objects.filter(public_id=filters.connection)
        rows = rows.filter(connection_id__in=list(lines.values_list("pk", flat=True)))
    if filters.conversation:
        held = Conversation.objects.filter(public_id=filters.conversation)
        rows = rows.filter(conversation_id__in=list(held.values_list("pk", flat=True)))
    if filters.chat:
        chats = Conversation.objects.filter(contact_id__in=contacts_of_jid(filters.chat))
        rows = rows.filter(conversation_id__in=list(chats.values_list("pk", flat=True)))
    if filters.person:
        known = Contact.objects.filter(public_id=filters.person)
        rows = rows.filter(_with(list(known.values_list("pk", "merged_into_id"))))
    if filters.who.strip():
        named = Contact.objects.filter(_called(filters.who, show_numbers=show_numbers))
        rows = rows.filter(_with(list(named.values_list("pk", "merged_into_id")[:500])))
    return rows


def _called(who: str, *, show_numbers: bool) -> Q:
    """Who may not see numbers must not find out whose number one is by searching for it."""
    if not show_numbers and any(sign.isdigit() for sign in who):
        raise Invalid("numbers_hidden", _("Your role does not search by number."), field="who")
    return contacts_like(who)


def _with(contacts: list[tuple[int, int | None]]) -> Q:
    """Return a filter for the talks with these contacts and what they wrote in groups."""
    keys = {remaining or pk for pk, remaining in contacts} | {pk for pk, _other in contacts}
    chats = Conversation.objects.filter(contact_id__in=keys).values_list("pk", flat=True)
    return Q(conversation_id__in=list(chats)) | Q(author_id__in=keys)


def words_query(words: str, *, is_phrase: bool = False) -> SearchQuery:
    """Return words, or a phrase in this order, as the index holds them."""
    kind = "phrase" if is_phrase else "plain"
    return SearchQuery(Fold(Value(clean(words))), config="portuguese", search_type=kind)


def newest_with(rows: QuerySet[Message], query: SearchQuery, limit: int) -> list[int]:
    """Return the keys of the newest messages that say, in writing or aloud, what is asked.

    Two indexes, each asked by itself: an OR over two tables would use neither.
    """
    written = rows.annotate(words=TEXT_WORDS).filter(words=query)
    found = _newest(written, limit)
    spoken = list(_spoken(query).order_by("-message_id")[:limit])
    if spoken:
        found = sorted({*found, *_newest(rows.filter(pk__in=spoken), limit)}, reverse=True)[:limit]
    return [pk for _occurred_at, pk in found]


def newest_holding(rows: QuerySet[Message], text: str, limit: int) -> list[int]:
    """Return the keys of the newest messages that hold a text as it stands: emoji, no words.

    No index knows them, so only the newest 50,000 that the filters leave are looked through.
    """
    latest = rows.order_by("-occurred_at", "-pk").values("pk")[:COUNTED]
    with_text = Message.objects.filter(pk__in=latest, text__contains=clean(text))
    return [pk for _occurred_at, pk in _newest(with_text, limit)]


def _newest(rows: QuerySet[Message], limit: int) -> list[tuple[datetime, int]]:
    return list(rows.order_by("-occurred_at", "-pk").values_list("occurred_at", "pk")[:limit])


def _spoken(query: SearchQuery) -> "QuerySet[MessageMedia, int]":
    rows = MessageMedia.objects.filter(transcript__isnull=False).annotate(words=SPOKEN_WORDS)
    return rows.filter(words=query).values_list("message_id", flat=True)


def ranked(pks: Collection[int], query: SearchQuery) -> list[int]:
    """Return these messages, the ones that say most of the query first, newer ones before older."""
    rank = SearchRank(_ALL_WORDS, query, normalization=Value(1))
    rows = Message.objects.filter(pk__in=pks).annotate(rank=rank)
    return list(rows.order_by("-rank", "-occurred_at", "-pk").values_list("pk", flat=True))


def matched_words(words: Sequence[str], asked: Sequence[str]) -> set[str]:
    """Return which of these words, as they are written, stand for something that was asked."""
    with database_cursor() as cursor:
        cursor.execute(_MATCHED, [[clean(one) for one in asked], list(words)])
        return {row[0] for row in cursor.fetchall()}


def places(pks: Collection[int]) -> dict[int, Place]:
    """Return when and where these messages are; those that vanished are left out."""
    rows = visible().filter(pk__in=pks)
    found = rows.values_list("pk", "occurred_at", "connection_id", "conversation_id")
    return {row[0]: Place(*row) for row in found}


def texts(pks: Collection[int]) -> dict[int, str]:
    """Return what these messages say, in writing or aloud."""
    rows = Message.objects.filter(pk__in=pks).values_list("pk", "text", "media__transcript")
    return {pk: "\n".join(filter(None, said)) for pk, *said in rows}


def matches(pks: Sequence[int], *, show_numbers: bool) -> list[Match]:
    """Return hits in the given order, in a fixed number of queries."""
    rows = visible().select_related("media").prefetch_related("connection", "conversation")
    found = {row.pk: row for row in rows.filter(pk__in=pks)}
    wanted = [found[pk] for pk in pks if pk in found]
    keys = {row.author_id for row in wanted} | {row.conversation.contact_id for row in wanted}
    known = people(keys, show_numbers=show_numbers)
    return [_match(row, known) for row in wanted]


def _match(row: Message, known: dict[int, Person]) -> Match:
    media = getattr(row, "media", None)
    return Match(
        pk=row.pk,
        id=row.public_id,
        provider_id=row.provider_id,
        text=row.text,
        transcript=(media.transcript or "") if media else "",
        type=row.type,
        direction=row.direction,
        occurred_at=row.occurred_at,
        conversation=row.conversation.public_id,
        connection=tag_of(row.connection),
        contact=known[row.conversation.contact_id],
        author=known.get(row.author_id or 0),
        sentiment=row.sentiment,
        emotion=row.emotion,
        satisfaction=row.satisfaction,
        confidence=row.confidence,
        judged_by=row.judged_by,
    )


def connection_names(pks: Collection[int]) -> dict[int, str]:
    """Return the names of connections."""
    return dict(Connection.objects.filter(pk__in=pks).values_list("pk", "name"))


def connection_name(public_id: UUID) -> str:
    """Return what a connection is called, '' for one that does not exist."""
    rows = Connection.objects.filter(public_id=public_id).values_list("name", flat=True)
    return rows.first() or ""


def person_name(public_id: UUID, *, show_numbers: bool) -> str:
    """Return what a contact is called, '' for one that does not exist."""
    pk = Contact.objects.filter(public_id=public_id).values_list("pk", flat=True).first()
    found = people([pk], show_numbers=show_numbers)
    return found[pk].name if pk in found else ""


def conversation_name(public_id: UUID, *, show_numbers: bool) -> str:
    """Return who a conversation is with, '' for one that does not exist."""
    rows = Conversation.objects.filter(public_id=public_id)
    pk = rows.values_list("contact_id", flat=True).first()
    found = people([pk], show_numbers=show_numbers)
    return found[pk].name if pk in found else ""


def extent() -> Extent:
    """Return how many messages there are and since when."""
    with database_cursor() as cursor:
        cursor.execute(
            "SELECT reltuples::bigint FROM pg_class WHERE oid = 'messaging_message'::regclass"
        )
        estimate = int(cursor.fetchone()[0])
    rows = visible()
    if estimate > COUNTED:
        since = rows.aggregate(first=Min("occurred_at"))["first"]
        return Extent(estimate, since, is_estimate=True)
    facts = rows.aggregate(total=Count("pk"), first=Min("occurred_at"))
    return Extent(facts["total"], facts["first"], is_estimate=False)


def keys_below(pk: int | None, limit: int) -> list[int]:
    """Return the keys of the messages below one, highest first; of all for None."""
    rows = Message.objects.filter(pk__lt=pk) if pk is not None else Message.objects.all()
    return list(rows.order_by("-pk").values_list("pk", flat=True)[:limit])


def highest_key() -> int:
    """Return the key of the message stored last, 0 without any."""
    return int(Message.objects.aggregate(last=Max("pk"))["last"] or 0)


def without_words(pks: Collection[int], query: SearchQuery) -> set[int]:
    """Return those of these messages that the query does not match."""
    rows = Message.objects.filter(pk__in=pks).annotate(words=TEXT_WORDS)
    said = set(rows.filter(words=query).values_list("pk", flat=True))
    said.update(_spoken(query).filter(message_id__in=pks))
    return set(pks) - said


def with_id(rows: QuerySet[Message], text: str) -> list[int]:
    """Return the messages with this id, WhatsApp's or ours."""
    same = Q(provider_id=clean(text))
    with suppress(ValueError):
        same |= Q(public_id=UUID(text))
    return list(rows.filter(same).values_list("pk", flat=True)[:20])
