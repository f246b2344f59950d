"""People, chats, groups, labels and calls: everything that is not a message."""

from typing import Any

from messaging.ingest.envelope.facts import (
    CallFact,
    ChatHint,
    ContactHint,
    Fact,
    GroupFact,
    GroupMembersFact,
    Ignored,
    LabelAssociationFact,
    LabelFact,
    Member,
)
from messaging.ingest.envelope.item import Item, UnreadableError, aliases
from messaging.ingest.envelope.jids import Address, address_of, jid_kind, norm_jid
from messaging.ingest.envelope.messages import is_no_name
from messaging.ingest.envelope.scalars import (
    as_list,
    as_map,
    clean_name,
    clean_text,
    text_of,
    to_bool,
    to_instant,
    to_int,
)

_MAX_MEMBERS = 4096
_ROLES = {"admin": "admin", "superadmin": "superadmin"}
_ACTIONS = frozenset({"add", "remove", "promote", "demote"})
_CALLS = {
    "offer": "ringing",
    "ringing": "ringing",
    "timeout": "missed",
    "reject": "rejected",
    "accept": "answered",
    "terminate": "ended",
}


def contacts(item: Item) -> list[Fact]:
    data = item.fields()
    raw_id = text_of(data.get("id"))
    main = data.get("remoteJid") or (raw_id if "@" in raw_id else None)
    lid = data.get("lid") or data.get("remoteLid")
    who = address_of(main or lid, lid, data.get("remoteJidAlt"), data.get("phoneNumber"))
    if who.kind not in ("pn", "lid"):
        return [Ignored("a contact without an address")]
    names = [data.get(field) for field in ("pushName", "name", "notify", "verifiedName")]
    name = next((name for name in map(clean_name, names) if not is_no_name(name)), "")
    picture = _picture(
        data.get("profilePicUrl") or data.get("profilePictureUrl") or data.get("imgUrl")
    )
    is_book = item.event == "contacts.upsert" and item.is_listed
    return [*aliases(who), ContactHint(who, name, picture, item.now, is_book)]


def _picture(value: object) -> str:
    url = text_of(value)
    return url if url.startswith("https://") and len(url) <= 2000 else ""


def chats(item: Item) -> list[Fact]:
    if item.event == "chats.delete":
        return _deleted_chat(item)
    data = item.fields()
    raw_id = text_of(data.get("id"))
    main = data.get("remoteJid") or (raw_id if "@" in raw_id else None)
    chat = address_of(main, data.get("remoteLid"), data.get("lidJid"))
    if chat.kind not in ("pn", "lid", "group"):
        return [Ignored("a chat without an address")]
    name = clean_name(data.get("name"))
    return [*aliases(chat), ChatHint(chat, "" if is_no_name(name) else name)]


def _deleted_chat(item: Item) -> list[Fact]:
    data = item.data
    fields = as_map(data)
    chat = address_of(
        data if isinstance(data, str) else fields.get("remoteJid") or fields.get("id")
    )
    if chat.kind not in ("pn", "lid", "group"):
        return [Ignored("a chat without an address")]
    return [ChatHint(chat, is_deleted=True)]


def groups(item: Item) -> list[Fact]:
    data = item.fields()
    jid = norm_jid(data.get("id") or data.get("remoteJid") or data.get("groupJid"))
    if jid_kind(jid) != "group":
        raise UnreadableError("the group has no address")
    owner = address_of(data.get("owner"), data.get("ownerPn"), data.get("ownerAlt"))
    fact = GroupFact(
        jid=jid,
        subject=clean_name(data.get("subject")),
        description=clean_text(text_of(data.get("desc")))[:4000],
        owner=owner if owner.kind in ("pn", "lid") else None,
        size=to_int(data.get("size")),
        at=item.now,
    )
    members = _members(data.get("participants"))
    facts: list[Fact] = [*aliases(owner, *(member.who for member in members)), fact]
    if members:
        facts.append(GroupMembersFact(jid, "set", members, item.now))
    return facts


def _members(value: object) -> tuple[Member, ...]:
    found = [_member(entry) for entry in as_list(value)[:_MAX_MEMBERS]]
    return tuple(member for member in found if member is not None)


def _member(entry: object) -> Member | None:
    """Participants are texts up to 2.3.5 and objects since."""
    data = entry if isinstance(entry, dict) else {"id": entry}
    who = address_of(
        data.get("id") or data.get("jid"), data.get("phoneNumber"), data.get("lid"), data.get("jid")
    )
    if who.kind not in ("pn", "lid"):
        return None
    return Member(who, _ROLES.get(text_of(data.get("admin")), "member"))


def participants(item: Item) -> list[Fact]:
    data = item.fields()
    jid = norm_jid(data.get("id"))
    if jid_kind(jid) != "group":
        raise UnreadableError("the group has no address")
    members = _members(data.get("participants"))
    # The helper field may hold the text "[object Object]"; it is only good for addresses.
    extra = _members(
        [entry for entry in as_list(data.get("participantsData")) if isinstance(entry, dict)]
    )
    nested = _members(_nested(data))
    author = address_of(data.get("author"), data.get("authorPn"))
    known = aliases(author, *(member.who for member in (*members, *extra, *nested)))
    action = text_of(data.get("action")).lower()
    if action not in _ACTIONS or not members:
        return known or [Ignored(f"participants: {action[:20]}")]
    return [*known, GroupMembersFact(jid, action, members, item.now)]


def _nested(data: dict[str, Any]) -> list[dict[str, Any]]:
    found = as_map(data.get("participantsData")).get("participants")
    return [entry for entry in as_list(found) if isinstance(entry, dict)]


def label_edit(item: Item) -> list[Fact]:
    data = item.fields()
    ident = _label_id(data.get("id"))
    deleted = to_bool(data.get("deleted")) is True
    return [LabelFact(ident, clean_name(data.get("name")), to_int(data.get("color")), deleted)]


def label_association(item: Item) -> list[Fact]:
    data = item.fields()
    chat = address_of(data.get("chatId") or data.get("remoteJid"))
    if chat.kind not in ("pn", "lid", "group"):
        raise UnreadableError("the label names no chat")
    action = text_of(data.get("type") or data.get("action")).lower()
    if action not in ("add", "remove"):
        raise UnreadableError("the label is neither added nor removed")
    return [LabelAssociationFact(_label_id(data.get("labelId")), chat, action == "add")]


def _label_id(value: object) -> str:
    ident = str(value) if isinstance(value, int) else text_of(value)
    if not ident:
        raise UnreadableError("the label has no id")
    return ident[:64]


def calls(item: Item) -> list[Fact]:
    data = item.fields()
    if "packet" in data:
        return [Ignored("raw call packet")]
    ident = text_of(data.get("id"))[:128]
    caller = _caller(data)
    if not ident or caller.kind not in ("pn", "lid"):
        raise UnreadableError("the call names no caller")
    status = _CALLS.get(text_of(data.get("status")).lower())
    if status is None:
        return [Ignored("call status")]
    chat = norm_jid(data.get("groupJid") or data.get("chatId"))
    return [
        *aliases(caller),
        CallFact(
            call_id=ident,
            caller=caller,
            status=status,
            at=to_instant(data.get("date"), item.now) or item.now,
            is_video=to_bool(data.get("isVideo")) is True,
            is_group=to_bool(data.get("isGroup")) is True,
            is_offline=to_bool(data.get("offline")) is True,
            group=chat if jid_kind(chat) == "group" else "",
        ),
    ]


def _caller(data: dict[str, Any]) -> Address:
    chat = norm_jid(data.get("chatId"))
    other = chat if jid_kind(chat) in ("pn", "lid") else None
    return address_of(data.get("from") or other, data.get("callerPn"), other)
