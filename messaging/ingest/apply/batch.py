"""Apply one batch: envelopes in, rows out, with a bounded number of statements.

Messages first, then whatever happened to them, so that the order inside a batch does not matter;
what has no message yet is parked, so that the order between batches does not matter either.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.utils import timezone

from evosense.core.outbox import emit
from messaging.events import ConnectionStateChanged, ContactsMerged, MessagesChanged, MessagesStored
from messaging.ingest.apply.bubbles import Draft, Key, combine, draft, store
from messaging.ingest.apply.chats import Chat, Chats
from messaging.ingest.apply.context import (
    Batch,
    Item,
    RawEvent,
    facts_of,
    key_of,
    load_line,
    own_keys,
)
from messaging.ingest.apply.directory import (
    write_associations,
    write_calls,
    write_labels,
    write_members,
)
from messaging.ingest.apply.effects import (
    CHAT,
    EFFECT_FACTS,
    Effect,
    effect_of,
    park,
    unpark,
    waiting,
)
from messaging.ingest.apply.names import Names
from messaging.ingest.apply.outcomes import Outcomes
from messaging.ingest.apply.own import recognise, settle_receipts, wake_lane
from messaging.ingest.apply.people import Wanted, look_up_keys, resolve
from messaging.ingest.apply.receipts import NOTHING, Receipts, move
from messaging.ingest.apply.state import StateMachine, tell_pairing
from messaging.ingest.apply.targets import choose, find_targets
from messaging.ingest.apply.wants import wants
from messaging.ingest.envelope.facts import (
    CallFact,
    ChatHint,
    ConnectionStateFact,
    ContactHint,
    Envelope,
    GroupFact,
    GroupMembersFact,
    ItemError,
    LabelFact,
    MessageFact,
    StatusFact,
)
from messaging.ingest.envelope.parse import parse
from messaging.sql import Sql

DONE, KEPT, DEAD = 1, 2, 3
# Of so many events the server's plans cost more than following them.
FEW = 20
_UNREADABLE = frozenset({"broken", "unknown"})
Kind = TypeVar("Kind")
_LOCK = "SELECT pg_advisory_xact_lock(%s)"


def apply(
    connection_id: UUID, events: Sequence[RawEvent], meanwhile: Callable[[], None] | None = None
) -> list[Item]:
    """Write what these events of one connection say; returns the outcome of each row.

    Must run inside the tenant and inside the transaction that marks the rows. Repeating it
    changes nothing. `meanwhile` starts what may run beside the database; it may not be called.
    """
    sql = Sql()
    if len(events) <= FEW:
        sql.keep_plans()
    sql.rows(_LOCK, [lock_key(connection_id)])
    line = load_line(sql, connection_id)
    items = [Item(event, event.envelope or _read(event)) for event in events]
    if line is None:
        return [_kept(item, "mismatch", "the connection does not exist") for item in items]
    batch = Batch(sql, line, timezone.now())
    batch.meanwhile = meanwhile or batch.meanwhile
    batch.own = own_keys(line, {item.envelope.own_jid for item in items})
    instance = line.instance.strip()
    for item in items:
        _judge(item, instance)
    batch.items = [item for item in items if item.status in (DONE, DEAD)]
    if batch.items:
        _apply(batch)
    return items


def _read(event: RawEvent) -> Envelope:
    return parse(event.body, event.received_at)


def lock_key(connection_id: UUID) -> int:
    """Return the advisory lock that serialises one connection over all workers."""
    return (connection_id.int & (2**63 - 1)) - 2**62


def _judge(item: Item, instance: str) -> None:
    """Decide whether an event is applied at all, kept raw, or dead in part."""
    envelope = item.envelope
    for flag in envelope.problems:
        if flag in _UNREADABLE:
            _kept(item, flag, "")
            return
    if envelope.instance and envelope.instance.strip() != instance:
        _kept(item, "mismatch", "the event names another instance")
        return
    errors = [fact for fact in envelope.facts if isinstance(fact, ItemError)]
    if errors:
        item.status = DEAD
        item.error = "; ".join(f"item {one.index}: {one.reason}" for one in errors)[:1000]


def _kept(item: Item, flag: str, error: str) -> Item:
    item.status, item.flag, item.error = KEPT, flag, error
    return item


def _apply(batch: Batch) -> None:
    batch.facts = facts_of(batch.items)
    machine = StateMachine(batch)
    machine.learn()
    machine.follow()
    if batch.line.quarantined_at is not None:
        _hold_back(batch)
    Step(batch).run()
    machine.write()
    tell_pairing(batch, is_changed=machine.is_changed)
    report(batch, machine)
    wake_lane(batch)


def _hold_back(batch: Batch) -> None:
    """Keep everything but the connection's own state until a person clears the quarantine."""
    for item in batch.items:
        if not any(isinstance(fact, ConnectionStateFact) for fact in item.envelope.facts):
            _kept(item, "mismatch", "the connection is quarantined: another number was paired")


class Step:
    """The steps of one batch, in their order."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.chats = Chats(batch)
        self.facts = batch.facts
        if batch.line.quarantined_at is not None:
            self.facts = facts_of([item for item in batch.items if item.status != KEPT])
        self.messages: list[tuple[MessageFact, Item]] = [
            pair for pair in self.facts[MessageFact] if not batch.is_own(pair[0].chat.jid)
        ]

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [fact for fact, _ in self.facts[kind]]

    def run(self) -> None:
        batch = self.batch
        recognise(batch, (fact for fact, _ in self.messages))
        wanted = Wanted()
        for kind, facts in self.facts.items():
            # A receipt's chat matters only when its id is not unique, and is looked up then.
            if kind is not StatusFact:
                for fact, _ in facts:
                    wants(fact, wanted)
        resolve(batch, wanted)
        self._open_chats()
        drafts = self._drafts()
        store(batch, drafts)
        self._count(drafts)
        self._effects(drafts)
        self._directory()
        self._names()
        self.chats.refresh()
        batch.changed_conversations |= self.chats.read_now()

    def _open_chats(self) -> None:
        opened: dict[int, tuple[str, datetime]] = {}
        for fact, _ in self.messages:
            contact = self.batch.contact_of(fact.chat.jid)
            if contact is not None:
                kind = "group" if fact.chat.kind == "group" else "person"
                known = opened.get(contact)
                at = min(known[1], fact.occurred_at) if known else fact.occurred_at
                opened[contact] = (kind, at)
        self.chats.open(opened)

    def _drafts(self) -> dict[Key, Draft]:
        drafts: dict[Key, Draft] = {}
        for fact, item in self.messages:
            chat = self._chat_of(fact)
            if chat is None:
                continue
            author = self.batch.contact_of(fact.author.jid)
            new = draft(fact, item, chat.id, author)
            known = drafts.get(new.key)
            drafts[new.key] = new if known is None else combine(known, new)
        return drafts

    def _chat_of(self, fact: MessageFact) -> Chat | None:
        contact = self.batch.contact_of(fact.chat.jid)
        return self.chats.by_contact.get(contact) if contact is not None else None

    def _count(self, drafts: dict[Key, Draft]) -> None:
        """Tell each conversation what the new messages mean for it."""
        batch = self.batch
        for one in drafts.values():
            chat = self.chats.by_id[one.conversation]
            is_answer = not one.is_inbound and one.source == "phone" and not one.is_history
            if is_answer:
                chat.read_up_to(one.occurred_at)
            if not (one.is_new or one.is_changed):
                continue
            chat.is_touched = True
            chat.must_recount |= one.is_changed
            if one.fact.content.is_hidden:
                continue
            _date(batch, chat, one)
            if one.is_new and one.is_inbound and not one.is_history:
                chat.unread_times.append(one.occurred_at)
            if one.fact.content.ad and one.is_inbound:
                chat.attribute(one.fact.content.ad, one.occurred_at)

    def _effects(self, drafts: dict[Key, Draft]) -> None:
        batch = self.batch
        fresh = {one.key[1] for one in drafts.values() if one.is_new}
        opened = {
            CHAT + key_of(jid).hex()
            for fact, _ in self.messages
            for jid in (fact.chat.jid, fact.chat.lid)
            if jid and self._is_new_chat(fact)
        }
        parked = waiting(batch, sorted(fresh | opened))
        told, left = self._receipts(parked)
        effects = [
            effect_of(fact)
            for kind in EFFECT_FACTS
            if kind is not StatusFact
            for fact, _ in self.facts[kind]
        ]
        late = [*left, *parked]
        look_up_keys(batch, {key for effect in late for key in effect.address_keys()})
        self.carry_out(effects + late, told)

    def _receipts(self, parked: list[Effect]) -> tuple[Receipts, list[Effect]]:
        """Carry out the plain ones at once; returns the others as effects.

        What waited for a message and what came with it are weighed together.
        """
        facts = self.of(StatusFact)
        waited = {effect.target for effect in parked if effect.kind == "status"}
        told, left = move(self.batch, (one for one in facts if one.provider_id not in waited))
        left |= waited
        return told, [effect_of(fact) for fact in facts if fact.provider_id in left] if left else []

    def _is_new_chat(self, fact: MessageFact) -> bool:
        chat = self._chat_of(fact)
        return chat is not None and chat.is_new

    def carry_out(self, effects: list[Effect], told: Receipts = NOTHING) -> None:
        """Apply effects to their messages; park what has no message yet.

        `told` is what receipts said that were carried out before.
        """
        batch = self.batch
        if not effects:
            settle_receipts(batch, told)
            return
        on_messages = [effect for effect in effects if not effect.target.startswith(CHAT)]
        targets = find_targets(batch, on_messages)
        chosen = [
            (effect, choose(batch, effect, targets.get(effect.target, [])))
            for effect in on_messages
        ]
        # A receipt changes only the preview's tick, which needs no lock on the conversation.
        moved = (target for effect, target in chosen if target and effect.kind != "status")
        self.chats.find({target.contact for target in moved})
        outcomes = Outcomes(batch, self.chats)
        for effect, target in chosen:
            if target is not None:
                outcomes.apply(effect, target)
        outcomes.write()
        settle_receipts(batch, told.plus(outcomes.receipts()))
        labelled, unlabelled = self._label(effects)
        park(batch, [effect for effect, target in chosen if target is None] + unlabelled)
        done = [effect for effect, target in chosen if target is not None]
        unpark(batch, done + labelled)

    def _label(self, effects: list[Effect]) -> tuple[list[Effect], list[Effect]]:
        labels = [effect for effect in effects if effect.target.startswith(CHAT)]
        contacts = {
            effect.chat_key(): self.batch.contacts.get(effect.chat_key()) for effect in labels
        }
        self.chats.find({contact for contact in contacts.values() if contact is not None})
        changes: dict[tuple[int, str], bool] = {}
        done, waiting_still = [], []
        for effect in labels:
            chat = self.chats.by_contact.get(contacts[effect.chat_key()] or 0)
            if chat is None:
                waiting_still.append(effect)
            else:
                changes[(chat.id, effect.payload["label"])] = effect.payload["added"]
                done.append(effect)
        write_associations(self.batch, changes)
        return done, waiting_still

    def _directory(self) -> None:
        write_members(self.batch, self.of(GroupMembersFact))
        write_labels(self.batch, self.of(LabelFact))
        write_calls(self.batch, self.of(CallFact))
        gone = [one for one in self.of(ChatHint) if one.is_deleted]
        contacts = {self.batch.contact_of(one.chat.jid) for one in gone} - {None}
        self.chats.find({contact for contact in contacts if contact is not None})
        known = (self.chats.by_contact.get(contact or 0) for contact in contacts)
        self.chats.archive(sorted(chat.id for chat in known if chat is not None))

    def _names(self) -> None:
        batch, names = self.batch, Names(self.batch.line.profile_name)
        for message, _ in self.messages:
            if message.push_name:
                writer = message.author if message.chat.kind == "group" else message.chat
                names.say(batch.contact_of(writer.jid), message.push_name, message.occurred_at)
        for hint, item in self.facts[ContactHint]:
            who, at = batch.contact_of(hint.who.jid), item.raw.received_at
            names.say(who, hint.name, at, avatar=hint.picture_url, book=hint.is_address_book)
        for group, item in self.facts[GroupFact]:
            names.say(batch.contact_of(group.jid), group.subject, item.raw.received_at)
        for chat, item in self.facts[ChatHint]:
            if chat.chat.kind == "group":
                names.say(batch.contact_of(chat.chat.jid), chat.name, item.raw.received_at)
        names.write(batch)


def _date(batch: Batch, chat: Chat, one: Draft) -> None:
    at = one.occurred_at
    if one.is_inbound:
        chat.inbound_at = max(at, chat.inbound_at or at)
        batch.inbound_at = max(at, batch.inbound_at or at)
    else:
        chat.outbound_at = max(at, chat.outbound_at or at)
        batch.outbound_at = max(at, batch.outbound_at or at)


def report(batch: Batch, machine: StateMachine) -> None:
    """Tell the rest of the house; at most one event of each kind."""
    pk = batch.line.pk
    if batch.merges:
        emit(ContactsMerged(sorted(set(batch.merged_contacts)), batch.merges))
    for ids, is_history in ((batch.stored, False), (batch.stored_history, True)):
        if ids:
            emit(MessagesStored(pk, list(ids), sorted(set(ids.values())), is_history))
    if batch.changed or batch.changed_conversations:
        changed = sorted(batch.changed)
        emit(MessagesChanged(pk, changed, sorted(batch.changed_conversations)))
    if machine.is_changed:
        emit(ConnectionStateChanged(pk, batch.line.state))
