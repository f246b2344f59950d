"""From addresses to contacts: look up, create, link LID to phone, merge what became one."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from evosense.core.crypto import encrypt
from evosense.core.ids import uuid7
from messaging.addresses import number_hmac, split_jid, tail_hmac
from messaging.ingest.apply.context import Batch, key_of
from messaging.ingest.envelope.jids import Address, jid_kind
from messaging.services.merges import lock_identities, merge_contacts, undone_pairs
from messaging.sql import array, columns

ADDRESS_PLACE = "messaging_identity|address"
_SEEN_EVERY = timedelta(hours=1)

_LOOK_UP = """
SELECT i.hmac, i.contact_id, i.id, i.last_seen < %s,
       EXISTS (SELECT FROM messaging_identity p WHERE p.contact_id = i.contact_id AND p.kind = 'pn')
FROM messaging_identity i WHERE i.hmac = ANY(%s::bytea[])
"""
_NEW_CONTACTS = """
INSERT INTO messaging_contact
    (public_id, kind, name, name_source, push_name, search_name, avatar_url)
SELECT public_id, kind, '', '', '', '', ''
FROM unnest(%s::uuid[], %s::text[]) AS t (public_id, kind)
RETURNING id, public_id
"""
_NEW_IDENTITIES = """
INSERT INTO messaging_identity
    (contact_id, kind, hmac, br_hmac, tail_hmac, address, key_version, first_seen, last_seen)
SELECT contact_id, kind, hmac, br_hmac, tail_hmac, address, 1, %s, %s
FROM unnest(%s::bigint[], %s::text[], %s::bytea[], %s::bytea[], %s::bytea[], %s::bytea[])
    AS t (contact_id, kind, hmac, br_hmac, tail_hmac, address)
"""
_SEEN = "UPDATE messaging_identity SET last_seen = %s WHERE id = ANY(%s)"


@dataclass(slots=True)
class Wanted:
    """Addresses that the facts of a batch name."""

    create: set[str] = field(default_factory=set)
    look_up: set[str] = field(default_factory=set)
    pairs: set[tuple[str, str]] = field(default_factory=set)

    def party(self, address: Address | None, *, create: bool) -> None:
        if address is None or address.kind not in ("pn", "lid", "group"):
            return
        (self.create if create else self.look_up).add(address.jid)


@dataclass(slots=True)
class _Known:
    contact: int
    identity: int
    is_stale: bool
    has_phone: bool


def resolve(batch: Batch, wanted: Wanted) -> None:
    """Fill `batch.contacts`; creates contacts, and merges those that a pair shows to be one."""
    pairs = {pair for pair in wanted.pairs if not _is_own_pair(batch, pair)}
    create = {jid for jid in wanted.create if not batch.is_own(jid)}
    jids = create | wanted.look_up | {jid for pair in pairs for jid in pair}
    known = _look_up(batch, jids)
    groups = _groups(create, pairs)
    if any(_is_news(group, known) for group in groups):
        # Two lines of one tenant may learn the same person at once.
        lock_identities(batch.sql)
        known |= _look_up(batch, [jid for jid in jids if jid not in known])
        _settle(batch, [group for group in groups if _is_news(group, known)], known)
    for jid, entry in known.items():
        batch.contacts[key_of(jid)] = batch.by_jid[jid] = entry.contact
        if entry.has_phone or jid_kind(jid) == "pn":
            batch.phoned.add(entry.contact)
    _mark_seen(batch, [known[jid] for jid in create if jid in known])


def look_up_keys(batch: Batch, keys: Iterable[bytes]) -> None:
    """Add to `batch.contacts` what is known of keys that waited with a parked effect."""
    missing = [key for key in keys if key not in batch.contacts]
    if not missing:
        return
    for key, contact, _, _, has_phone in batch.sql.rows(_LOOK_UP, [batch.now, array(missing)]):
        batch.contacts[key] = contact
        if has_phone:
            batch.phoned.add(contact)


def _is_own_pair(batch: Batch, pair: tuple[str, str]) -> bool:
    return any(batch.is_own(jid) for jid in pair)


def _look_up(batch: Batch, jids: Iterable[str]) -> dict[str, _Known]:
    by_key = {key_of(jid): jid for jid in jids}
    if not by_key:
        return {}
    rows = batch.sql.rows(_LOOK_UP, [batch.now - _SEEN_EVERY, array(by_key)])
    return {
        by_key[key]: _Known(contact, identity, is_stale, has_phone)
        for key, contact, identity, is_stale, has_phone in rows
    }


def _groups(create: set[str], pairs: set[tuple[str, str]]) -> list[set[str]]:
    """Sets of addresses that belong to one contact each."""
    group_of: dict[str, set[str]] = {jid: {jid} for jid in create}
    for lid, phone in sorted(pairs):
        left, right = group_of.get(lid, {lid}), group_of.get(phone, {phone})
        if left is not right:
            left |= right
        for jid in left:
            group_of[jid] = left
    return list({id(group): group for group in group_of.values()}.values())


def _is_news(group: set[str], known: dict[str, _Known]) -> bool:
    if any(jid not in known for jid in group):
        return True
    return len({known[jid].contact for jid in group}) > 1


def _settle(batch: Batch, groups: list[set[str]], known: dict[str, _Known]) -> None:
    groups.sort(key=min)
    fresh = [group for group in groups if not any(jid in known for jid in group)]
    chosen = dict(zip(map(id, fresh), _create_contacts(batch, fresh), strict=True))
    refused: set[frozenset[int]] | None = None
    additions: list[tuple[str, int]] = []
    for group in groups:
        contacts = {known[jid].contact for jid in group if jid in known}
        winner = chosen.get(id(group)) or _winner(group, known)
        additions += [(jid, winner) for jid in sorted(group) if jid not in known]
        for loser in sorted(contacts - {winner}):
            refused = undone_pairs(batch.sql) if refused is None else refused
            if frozenset((winner, loser)) not in refused:
                _merge(batch, known, winner, loser)
    _create_identities(batch, additions)
    for jid, contact in additions:
        known[jid] = _Known(contact, 0, is_stale=False, has_phone=jid_kind(jid) == "pn")


def _winner(group: set[str], known: dict[str, _Known]) -> int:
    """The contact with a phone number stays; among equals the older one."""
    ranked = [
        (not (known[jid].has_phone or jid_kind(jid) == "pn"), known[jid].contact)
        for jid in group
        if jid in known
    ]
    return min(ranked)[1]


def _merge(batch: Batch, known: dict[str, _Known], winner: int, loser: int) -> None:
    merge = merge_contacts(
        winner_id=winner, loser_id=loser, reason="alias", sql=batch.sql, at=batch.now
    )
    batch.merges.append(merge)
    batch.merged_contacts += [winner, loser]
    for entry in known.values():
        if entry.contact == loser:
            entry.contact = winner
    for key, contact in batch.contacts.items():
        if contact == loser:
            batch.contacts[key] = winner


def _create_contacts(batch: Batch, groups: list[set[str]]) -> list[int]:
    if not groups:
        return []
    ids = [uuid7() for _ in groups]
    kinds = ["group" if jid_kind(next(iter(group))) == "group" else "person" for group in groups]
    created = {public_id: pk for pk, public_id in batch.sql.rows(_NEW_CONTACTS, [ids, kinds])}
    return [created[public_id] for public_id in ids]


def _create_identities(batch: Batch, additions: list[tuple[str, int]]) -> None:
    if not additions:
        return
    rows = []
    for jid, contact in additions:
        kind, address = split_jid(jid)
        is_phone = kind == "pn"
        rows.append(
            (
                contact,
                kind,
                key_of(jid),
                number_hmac(address) if is_phone else None,
                tail_hmac(address) if is_phone else None,
                encrypt(address, ADDRESS_PLACE),
            )
        )
    batch.sql.run(_NEW_IDENTITIES, [batch.now, batch.now, *columns(rows, 6)])


def _mark_seen(batch: Batch, entries: list[_Known]) -> None:
    """Pages show the address that was used last; once an hour is often enough."""
    stale = sorted(e.identity for e in entries if e.is_stale)
    if stale:
        batch.sql.run(_SEEN, [batch.now, stale])
