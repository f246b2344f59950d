"""Messages with everything a bubble shows, a whole page in a fixed number of queries."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet, prefetch_related_objects

from messaging.addresses import join_jid
from messaging.models import (
    Conversation,
    Identity,
    Message,
    MessageMedia,
    MessageVersion,
    PollVote,
    Reaction,
)
from messaging.selectors.people import Person, people

SNIPPET = 160


@dataclass(frozen=True, slots=True)
class ReactionGroup:
    """One emoji with everybody who chose it; `people` leaves out our own side."""

    emoji: str
    count: int
    is_own: bool
    people: list[Person]


@dataclass(frozen=True, slots=True)
class QuoteView:
    """What a message answers. `message_id` is None when the quoted message is not stored."""

    provider_id: str
    message_id: UUID | None
    author_name: str
    is_self: bool
    type: str
    text: str
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class PollOption:
    text: str
    votes: int
    voters: list[Person]


@dataclass(frozen=True, slots=True)
class Bubble:
    """One message and what hangs on it."""

    message: Message
    author: Person | None
    chat: Person | None
    is_self: bool
    quote: QuoteView | None
    media: MessageMedia | None
    reactions: list[ReactionGroup]
    versions_count: int
    poll: list[PollOption]

    @property
    def id(self) -> UUID:
        return self.message.public_id

    @property
    def own_jid(self) -> str:
        number = self.message.connection.number
        return join_jid("pn", number) if number else ""

    @property
    def author_name(self) -> str:
        return self.author.name if self.author else ""

    @property
    def occurred_at(self) -> datetime:
        return self.message.occurred_at


@dataclass(slots=True)
class _Attached:
    """What the queries brought, by message."""

    people: dict[int, Person]
    reactions: dict[int, list[Reaction]] = field(default_factory=lambda: defaultdict(list))
    votes: dict[int, list[PollVote]] = field(default_factory=lambda: defaultdict(list))
    versions: dict[int, int] = field(default_factory=dict)
    quoted: dict[tuple[int, str], Message] = field(default_factory=dict)
    quoted_authors: dict[bytes, int] = field(default_factory=dict)


def shown(messages: QuerySet[Message]) -> QuerySet[Message]:
    """Return the messages that are bubbles, joined with what always goes with them."""
    return messages.filter(is_hidden=False).select_related("media")


def bubbles(messages: Sequence[Message], *, show_numbers: bool) -> list[Bubble]:
    """Return bubbles in the given order; the messages should come from `shown`."""
    if not messages:
        return []
    # Apart: a join would decrypt the connection's secrets for every row. Here, and not where the
    # rows are found, because a page around a message is found in three parts.
    prefetch_related_objects(messages, "connection", "conversation")
    attached = _attach(messages, show_numbers=show_numbers)
    return [_bubble(message, attached) for message in messages]


def _attach(messages: Sequence[Message], *, show_numbers: bool) -> _Attached:
    pks = [message.pk for message in messages]
    found = _Attached(people={})
    for reaction in Reaction.objects.filter(message_id__in=pks).exclude(emoji="").order_by("pk"):
        found.reactions[reaction.message_id].append(reaction)
    polls = [message.pk for message in messages if message.type == Message.Type.POLL]
    for vote in PollVote.objects.filter(message_id__in=polls).order_by("pk") if polls else ():
        found.votes[vote.message_id].append(vote)
    found.versions = _version_counts(pks)
    found.quoted = _quoted([one for one in messages if one.reply_to_provider_id])
    found.quoted_authors = _quoted_authors(messages, found.quoted)
    found.people = people(_everybody(messages, found), show_numbers=show_numbers)
    return found


def _version_counts(pks: Collection[int]) -> dict[int, int]:
    counted = MessageVersion.objects.filter(message_id__in=pks).values("message_id")
    return dict(counted.annotate(count=Count("pk")).values_list("message_id", "count"))


def _quoted(replies: Sequence[Message]) -> dict[tuple[int, str], Message]:
    if not replies:
        return {}
    candidates = Message.objects.filter(
        conversation_id__in={reply.conversation_id for reply in replies},
        provider_id__in={reply.reply_to_provider_id for reply in replies},
    ).select_related("conversation")
    return {(one.conversation_id, one.provider_id): one for one in candidates.order_by("-pk")}


def _quoted_authors(
    messages: Sequence[Message], stored: dict[tuple[int, str], Message]
) -> dict[bytes, int]:
    """Return contacts by address key, for quotes whose message never came."""
    keys = {
        _author_key(message)
        for message in messages
        if message.quote and (message.conversation_id, message.reply_to_provider_id) not in stored
    } - {b""}
    if not keys:
        return {}
    known = Identity.objects.filter(hmac__in=keys).values_list("hmac", "contact_id")
    return {bytes(hmac): contact for hmac, contact in known}


def _author_key(message: Message) -> bytes:
    """Return the key under which the quoted author is known; quotes hold no address in clear."""
    try:
        return bytes.fromhex((message.quote or {}).get("author_key") or "")
    except ValueError:
        return b""


def _everybody(messages: Sequence[Message], found: _Attached) -> Iterable[int | None]:
    for message in (*messages, *found.quoted.values()):
        yield message.author_id
        yield message.conversation.contact_id
    yield from found.quoted_authors.values()
    yield from (one.author_id for group in found.reactions.values() for one in group)
    yield from (one.voter_id for group in found.votes.values() for one in group)


def _bubble(message: Message, found: _Attached) -> Bubble:
    return Bubble(
        message=message,
        author=_author(message, found.people),
        chat=found.people.get(message.conversation.contact_id),
        is_self=message.direction == Message.Direction.OUTBOUND,
        quote=_quote(message, found),
        media=getattr(message, "media", None),
        reactions=_grouped(found.reactions[message.pk], found.people),
        versions_count=found.versions.get(message.pk, 0),
        poll=_tally(message, found),
    )


def _author(message: Message, known: dict[int, Person]) -> Person | None:
    """Return who wrote it; None for our own side and for unknown members of a group."""
    if message.direction == Message.Direction.OUTBOUND:
        return None
    if message.author_id is not None:
        return known.get(message.author_id)
    is_person = message.conversation.kind == Conversation.Kind.PERSON
    return known.get(message.conversation.contact_id) if is_person else None


def _quote(message: Message, found: _Attached) -> QuoteView | None:
    if not message.reply_to_provider_id:
        return None
    stored = found.quoted.get((message.conversation_id, message.reply_to_provider_id))
    if stored is not None:
        return _stored_quote(stored, found.people)
    carried = message.quote or {}
    author = found.people.get(found.quoted_authors.get(_author_key(message), 0))
    return QuoteView(
        provider_id=message.reply_to_provider_id,
        message_id=None,
        author_name=author.name if author else "",
        is_self=False,
        type=str(carried.get("type") or ""),
        text=str(carried.get("text") or "")[:SNIPPET],
        is_deleted=False,
    )


def _stored_quote(stored: Message, known: dict[int, Person]) -> QuoteView:
    author = _author(stored, known)
    return QuoteView(
        provider_id=stored.provider_id,
        message_id=stored.public_id,
        author_name=author.name if author else "",
        is_self=stored.direction == Message.Direction.OUTBOUND,
        type=stored.type,
        text=stored.text[:SNIPPET],
        is_deleted=stored.deleted_at is not None,
    )


def _grouped(reactions: Sequence[Reaction], known: dict[int, Person]) -> list[ReactionGroup]:
    counts = Counter(one.emoji for one in reactions)
    return [
        ReactionGroup(
            emoji=emoji,
            count=count,
            is_own=any(one.emoji == emoji and one.author_id is None for one in reactions),
            people=[
                known[one.author_id]
                for one in reactions
                if one.emoji == emoji and one.author_id in known
            ],
        )
        for emoji, count in counts.most_common()
    ]


def _tally(message: Message, found: _Attached) -> list[PollOption]:
    """Return each option with who chose it; a total sent by WhatsApp counts where it is higher."""
    if message.type != Message.Type.POLL:
        return []
    extra: dict[str, Any] = message.extra or {}
    options = [str(option) for option in extra.get("poll", {}).get("options", [])]
    told = {str(name): len(voters) for name, voters in extra.get("tally") or []}
    votes = found.votes[message.pk]
    return [_option(option, votes, told.get(option, 0), found.people) for option in options]


def _option(
    option: str, votes: Sequence[PollVote], told: int, known: dict[int, Person]
) -> PollOption:
    chosen = [vote for vote in votes if option in vote.options]
    voters = [known[vote.voter_id] for vote in chosen if vote.voter_id in known]
    return PollOption(option, max(len(chosen), told), voters)
