"""Envelopes and `data` of each event, as one version of Evolution writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from messaging.simulator.content import EMPTY_CONTEXT, Content, Contents
from messaging.simulator.dice import row_id
from messaging.simulator.encoding import MESSAGE_EDIT, REVOKE, raw_enum, raw_int
from messaging.simulator.people import Addressing
from messaging.simulator.rhythm import iso_utc, wall_clock
from messaging.simulator.versions import LidStyle, PollStyle, Version, behaviour

if TYPE_CHECKING:
    from messaging.simulator.dice import Dice
    from messaging.simulator.people import Group, Line, Person

SERVER_URL = "https://evo.demo.example"
Data = dict[str, Any]


def message_id(die: Dice, source: str) -> str:
    """WhatsApp's habit: the length and the first letters show the device."""
    if source == "android":
        return "AC" + die.hex(30)
    return "3A" + die.hex(18) if source == "ios" else "3EB0" + die.hex(18)


class Bodies:
    """Writes what one line's instance would post."""

    def __init__(self, line: Line, version: str, contents: Contents | None = None) -> None:
        self.line = line
        self.version: Version = behaviour(version)
        self.contents = contents or Contents(self.version.family)
        self.instance_id = line.instance_id
        self.destination = f"https://ingest.demo.example/hooks/evo/{line.instance}"

    def envelope(self, event: str, data: Any, at: float, *, paired: bool = True) -> Data:
        body: Data = {
            "event": event,
            "instance": self.line.instance,
            "data": data,
            "destination": self.destination,
            "date_time": wall_clock(at),
        }
        if paired:
            body["sender"] = self.line.jid
        return body | {"server_url": SERVER_URL, "apikey": None}

    def person_key(self, person: Person, *, first: bool, from_me: bool, wa_id: str) -> Data:
        """The key of an individual chat; `first` matters for people whose phone comes later."""
        jid, extra = self._address(person, first=first)
        if not self._has_alternatives():
            return {"remoteJid": jid, "fromMe": from_me, "id": wa_id, **extra}
        alternative = {"remoteJidAlt": extra.pop("remoteJidAlt")} if "remoteJidAlt" in extra else {}
        return {
            "remoteJid": jid,
            **alternative,
            "fromMe": from_me,
            "id": wa_id,
            "participant": "",
            **extra,
        }

    def _has_alternatives(self) -> bool:
        return self.version.lid in {LidStyle.ALT, LidStyle.SWAPPED, LidStyle.PHONE}

    def _address(self, person: Person, *, first: bool) -> tuple[str, Data]:
        addressing, style = person.addressing, self.version.lid
        if addressing is Addressing.HIDDEN or (addressing is Addressing.LATE and first):
            lid_mode = {"addressingMode": "lid"} if self._has_alternatives() else {}
            return person.lid, lid_mode
        if style is LidStyle.RAW:
            return (person.lid if addressing is Addressing.LID else person.jid), {}
        if style is LidStyle.PREVIOUS:
            known = {} if addressing is Addressing.PHONE else {"previousRemoteJid": person.lid}
            return person.jid, known
        if addressing is Addressing.LID and style is LidStyle.ALT:
            return person.lid, {"remoteJidAlt": person.jid, "addressingMode": "lid"}
        if addressing is Addressing.LID and style is LidStyle.SWAPPED:
            # 2.3.7 overwrites the LID with the phone and still says "lid".
            return person.jid, {"remoteJidAlt": person.jid, "addressingMode": "lid"}
        return person.jid, {"remoteJidAlt": person.lid, "addressingMode": "pn"}

    def chat_jid(self, person: Person, *, first: bool) -> str:
        return self._address(person, first=first)[0]

    def group_key(self, group_jid: str, member: Person | None, wa_id: str) -> Data:
        if member is None:
            return {"remoteJid": group_jid, "fromMe": True, "id": wa_id}
        key: Data = {"remoteJid": group_jid, "fromMe": False, "id": wa_id}
        if not self._has_alternatives():
            return key | {"participant": member.jid}
        if member.addressing is Addressing.HIDDEN:
            return key | {"participant": member.lid, "addressingMode": "lid"}
        return key | {
            "participant": member.lid,
            "participantAlt": member.jid,
            "addressingMode": "lid",
        }

    def message(self, key: Data, content: Content, at: float, **fields: Any) -> Data:
        """A message as upsert and send.message carry it."""
        kind, message = content
        body: Data = {"key": key, "pushName": fields.pop("push_name", None)}
        body["status"] = fields.pop("status", "DELIVERY_ACK")
        body["message"] = message
        if "context" in fields:
            body["contextInfo"] = fields.pop("context")
        body |= {
            "messageType": kind,
            "messageTimestamp": int(at),
            "instanceId": self.instance_id,
            "source": fields.pop("source", "android"),
        }
        return body | fields

    def quote(self, target: Data) -> Data:
        """`contextInfo` of a reply to `target` (a message of ours or theirs)."""
        own = target["key"]["fromMe"]
        author = self.line.jid if own else _author_of(target["key"])
        return {
            **EMPTY_CONTEXT,
            "stanzaId": target["key"]["id"],
            "participant": author,
            "quotedMessage": {
                name: part
                for name, part in target["message"].items()
                if name != "messageContextInfo"
            },
            "expiration": 0,
        }

    def status_update(self, key: Data, status: str | int | None) -> Data:
        data: Data = {
            "keyId": key["id"],
            "remoteJid": key["remoteJid"],
            "fromMe": key["fromMe"],
            "instanceId": self.instance_id,
            "messageId": row_id(key["id"]),
        }
        if status is not None:
            data["status"] = status
        if not self.version.update_participant_is_real:
            data["participant"] = key["remoteJid"]
        elif not key["fromMe"]:
            data["participant"] = key.get("participant", "")
        return data

    def edited(self, key: Data, text: str, at: float, *, mirrored: bool) -> Data:
        """The raw protocol message; `mirrored` when the contact is the editor."""
        family = self.version.family
        shown = {"remoteJid": key["remoteJid"], "fromMe": True, "id": key["id"]}
        if mirrored:
            shown["remoteJid"] = self.line.jid
        return {
            "key": shown,
            "type": raw_enum(family, MESSAGE_EDIT),
            "editedMessage": {"extendedTextMessage": {"text": text}},
            "timestampMs": raw_int(family, int(at * 1000)),
        }

    def edit_update(self, key: Data, text: str) -> Data | None:
        """The status update that accompanies an edit, when this version sends one."""
        if not self.version.edit_update_is_sent:
            return None
        data = self.status_update(key, self.version.edit_update_status)
        if self.version.edit_update_has_message:
            data["message"] = {"editedMessage": {"message": {"conversation": text}}}
        return data

    def revoked(self, key: Data, *, mirrored: bool) -> Data | None:
        if not self.version.revoke_is_an_edit:
            return None
        shown = {"remoteJid": key["remoteJid"], "fromMe": True, "id": key["id"]}
        if mirrored:
            shown["remoteJid"] = self.line.jid
        return {"key": shown, "type": raw_enum(self.version.family, REVOKE)}

    def deleted(self, key: Data) -> Data:
        return key | ({"status": "DELETED"} if self.version.delete_has_status else {})

    def contact(self, jid: str, name: str | None, picture: str | None = None) -> Data:
        return {
            "remoteJid": jid,
            "pushName": name or "",
            "profilePicUrl": picture,
            "instanceId": self.instance_id,
        }

    def group_metadata(self, group: Group) -> Data:
        owner = group.members[0]
        people = [
            {
                "id": member.lid,
                "phoneNumber": member.jid,
                "admin": "superadmin" if member is owner else None,
            }
            for member in group.members
            if member.addressing is not Addressing.HIDDEN
        ]
        people.append({"id": self.line.lid, "phoneNumber": self.line.jid, "admin": None})
        return {
            "id": group.jid,
            "addressingMode": "lid",
            "subject": group.subject,
            "subjectOwner": owner.lid,
            "subjectOwnerPn": owner.jid,
            "subjectTime": group.created,
            "size": len(people),
            "creation": group.created,
            "owner": owner.lid,
            "ownerPn": owner.jid,
            "owner_country_code": "BR",
            "desc": "",
            "restrict": False,
            "announce": False,
            "isCommunity": False,
            "isCommunityAnnounce": False,
            "joinApprovalMode": False,
            "memberAddMode": True,
            "participants": people,
            "author": owner.lid,
        }

    def call(self, jid: str, call_id: str, at: float, status: str) -> Data:
        return {
            "chatId": jid,
            "from": jid,
            "id": call_id,
            "date": iso_utc(at),
            "offline": False,
            "status": status,
            "isVideo": False,
            "isGroup": False,
        }

    def label(self, label_id: str, name: str, color: int) -> Data:
        return {
            "id": label_id,
            "name": name,
            "color": color,
            "deleted": False,
            "predefinedId": label_id,
            "instance": self.line.instance,
        }

    def labelled(self, jid: str, label_id: str) -> Data:
        return {
            "instance": self.line.instance,
            "type": "add",
            "chatId": jid,
            "labelId": label_id,
        }

    def history(self, messages: list[Data], at: float, progress: int) -> Data:
        """One chunk of a history import; where it stands is told outside `data`."""
        body = self.envelope("messages.set", messages, at)
        if not self.version.history_has_progress:
            return body
        return {"isLatest": progress == 100, "progress": progress} | body

    def connection(self, state: str, reason: int = 200) -> Data:
        data: Data = {"instance": self.line.instance}
        if state == "open":
            data |= {
                "wuid": self.line.jid,
                "profileName": self.line.profile_name,
                "profilePictureUrl": None,
            }
        return data | {"state": state, "statusReason": reason}

    def poll_tally(self, key: Data, votes: dict[str, list[str]]) -> Data | None:
        """The aggregate of a poll where votes come as an update (2.2.x)."""
        if self.version.polls is not PollStyle.UPDATE:
            return None
        tally = [{"name": name, "voters": voters} for name, voters in votes.items()]
        return self.status_update(key, None) | {"pollUpdates": tally}


def _author_of(key: Data) -> str:
    return str(key.get("participantAlt") or key.get("participant") or key["remoteJid"])
