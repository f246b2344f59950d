"""Which addresses a fact needs as contacts, and which it only asks after."""

from messaging.ingest.apply.people import Wanted
from messaging.ingest.envelope.facts import (
    AliasFact,
    CallFact,
    ChatHint,
    ContactHint,
    DeleteFact,
    EditFact,
    Fact,
    GroupFact,
    GroupMembersFact,
    LabelAssociationFact,
    MessageFact,
    PollTallyFact,
    PollVoteFact,
    ReactionFact,
    ReadMarkerFact,
)
from messaging.ingest.envelope.jids import norm_jid


def wants(fact: Fact, wanted: Wanted) -> None:
    """Note what must exist before this fact can be written."""
    if isinstance(fact, MessageFact):
        wanted.party(fact.chat, create=True)
        wanted.party(fact.author, create=True)
    elif isinstance(fact, AliasFact):
        wanted.pairs.add((fact.lid, fact.pn))
    elif isinstance(fact, ReadMarkerFact | LabelAssociationFact | PollTallyFact):
        wanted.party(fact.chat, create=False)
    elif isinstance(fact, EditFact | DeleteFact):
        wanted.party(fact.editor.chat, create=False)
        wanted.party(fact.editor.author, create=False)
    elif isinstance(fact, ReactionFact | PollVoteFact):
        _response(fact, wanted)
    else:
        _directory(fact, wanted)


def _response(fact: ReactionFact | PollVoteFact, wanted: Wanted) -> None:
    """In a group only this event knows the author's address; it must not wait as a key alone."""
    wanted.party(fact.chat, create=False)
    author = fact.author if isinstance(fact, ReactionFact) else fact.voter
    wanted.party(author, create=fact.chat.kind == "group" and not fact.from_me)


def _directory(fact: Fact, wanted: Wanted) -> None:
    if isinstance(fact, ContactHint):
        wanted.party(fact.who, create=bool(fact.name or fact.picture_url))
    elif isinstance(fact, CallFact):
        wanted.party(fact.caller, create=True)
    elif isinstance(fact, GroupFact):
        wanted.create.add(norm_jid(fact.jid))
    elif isinstance(fact, GroupMembersFact):
        wanted.create.add(norm_jid(fact.jid))
        for member in fact.members:
            wanted.party(member.who, create=True)
    elif isinstance(fact, ChatHint):
        wanted.party(fact.chat, create=fact.chat.kind == "group" and bool(fact.name))
