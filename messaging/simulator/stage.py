"""Plays a script: turns become the events that Evolution would post, each with its time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from messaging.simulator.bodies import message_id
from messaging.simulator.content import Content
from messaging.simulator.dice import row_id
from messaging.simulator.people import Addressing
from messaging.simulator.rhythm import opening
from messaging.simulator.script import VIA_PANEL, VIA_PHONE, Turn
from messaging.simulator.versions import PollStyle

if TYPE_CHECKING:
    from messaging.simulator.bodies import Bodies, Data
    from messaging.simulator.dice import Dice
    from messaging.simulator.people import Group, Person

Posted = tuple[float, dict[str, Any]]
MEDIA = frozenset({"image", "video", "audio", "document", "sticker"})


class Stage:
    """One attendance (or one group chat) in progress."""

    def __init__(self, die: Dice, bodies: Bodies, start: float, *, pace: float = 1.0) -> None:
        self.die = die
        self.bodies = bodies
        self.at = start
        self.pace = pace
        """Below 1 everybody is quicker and the shop never closes (live demonstration)."""
        self.posted: list[Posted] = []
        self.sent: list[Data | None] = []
        self._unread: tuple[Data, float, float] | None = None

    def post(self, event: str, data: Any, at: float) -> None:
        self.posted.append((at, self.bodies.envelope(event, data, at)))

    def walk(self, turn: Turn) -> float:
        """Advance the clock to this turn."""
        self.at += turn.pause * self.pace
        if self.pace >= 1 and turn.waits_for_opening:
            opened = opening(self.at)
            if opened != self.at:
                self.at = opened + self.die.random() * 2400
        self._read_if_due(self.at, answered=not turn.by_customer and turn.via != "bot")
        return self.at

    def content(self, turn: Turn, at: float, target: Data | None) -> Content:
        contents, die = self.bodies.contents, self.die
        if turn.kind in MEDIA:
            return contents.media(die, turn.kind, turn.text, turn.detail, int(at))
        if turn.kind == "location":
            name, _, address = turn.text.partition(":")
            return contents.location(die, turn.detail or name, address)
        if turn.kind == "contact":
            name = turn.detail or "Portaria"
            return contents.contact(
                name, f"55{self.bodies.line.number[2:4]}90007{die.randrange(9999):04d}"
            )
        if turn.kind == "reaction" and target is not None:
            key = {name: target["key"][name] for name in ("remoteJid", "fromMe", "id")}
            return contents.reaction(key | {"participant": ""}, turn.detail, at)
        return self._words(turn)

    def _words(self, turn: Turn) -> Content:
        contents = self.bodies.contents
        if turn.kind == "poll":
            name, *options = turn.detail.split("|")
            return contents.poll(name, options)
        if turn.kind == "choice":
            return contents.list_reply(turn.detail, turn.text)
        return contents.text(turn.text)

    def with_device_info(self, content: Content) -> Content:
        kind, message = content
        return kind, message | {"messageContextInfo": self.bodies.contents.device_info(self.die)}

    def target(self, turn: Turn) -> Data | None:
        if turn.quotes is None or turn.quotes >= len(self.sent):
            return None
        return self.sent[turn.quotes]

    def unread(self, key: Data, at: float) -> None:
        patience = self.die.uniform(5, 50) * 60 * min(self.pace, 1)
        self._unread = (key, at, at + patience)

    def settle(self) -> None:
        """Somebody reads what is left, sooner or later."""
        self._read_if_due(float("inf"), answered=False)

    def _read_if_due(self, now: float, *, answered: bool) -> None:
        if self._unread is None:
            return
        key, seen, limit = self._unread
        if not answered and now < limit:
            return
        at = min(limit, max(seen + 1, now - self.die.uniform(2, 20)))
        self._unread = None
        self.post("messages.update", self.bodies.status_update(key, "READ"), at)


class Attendance(Stage):
    """A chat with one person."""

    def __init__(
        self,
        die: Dice,
        bodies: Bodies,
        person: Person,
        start: float,
        *,
        first: bool,
        pace: float = 1.0,
    ) -> None:
        super().__init__(die, bodies, start, pace=pace)
        self.person = person
        self.first = first

    def play(self, turns: list[Turn]) -> list[Posted]:
        for turn in turns:
            at = self.walk(turn)
            if turn.kind == "call":
                self._call(turn, at)
            elif turn.kind == "label":
                jid = self.bodies.chat_jid(self.person, first=self.first)
                self.sent.append(None)
                self.post("labels.association", self.bodies.labelled(jid, turn.detail), at)
            elif turn.by_customer:
                self._inbound(turn, at)
            else:
                self._outbound(turn, at)
        self.settle()
        return self.posted

    def _inbound(self, turn: Turn, at: float) -> None:
        person, die = self.person, self.die
        wa_id = message_id(die, person.platform)
        key = self.bodies.person_key(person, first=self.first, from_me=False, wa_id=wa_id)
        target = self.target(turn)
        content = self.with_device_info(self.content(turn, at, target))
        context = self._context(turn, content, target)
        data = self.bodies.message(
            key, content, at, push_name=person.push_name, source=person.platform, **context
        )
        arrived = at + die.uniform(0.3, 2.2)
        self.post("messages.upsert", data, arrived)
        if not self.sent:
            self._introduce(arrived)
        self.sent.append(data)
        if turn.kind != "reaction":
            self.unread(key, arrived)
        self._regret(turn, data, at)

    def _context(self, turn: Turn, content: Content, target: Data | None) -> dict[str, Any]:
        if turn.kind == "ad":
            return {"context": self.bodies.contents.ad_click(self.die)}
        if target is not None and turn.kind != "reaction":
            return {"context": self.bodies.quote(target)}
        return {} if content[0] == "conversation" else {"context": None}

    def _introduce(self, at: float) -> None:
        if self.person.push_name is None or not (self.first or self.die.chance(0.15)):
            return
        jid = self.bodies.chat_jid(self.person, first=self.first)
        event = "contacts.upsert" if self.first else "contacts.update"
        self.post(event, self.bodies.contact(jid, self.person.push_name), at + 0.4)

    def _outbound(self, turn: Turn, at: float) -> None:
        by_phone = turn.via == VIA_PHONE
        target = self.target(turn)
        content = self.content(turn, at, target)
        context = {"context": self.bodies.quote(target)} if target else {}
        wa_id = message_id(self.die, "android" if by_phone else "web")
        if by_phone:
            data = self._typed_on_phone(wa_id, content, at, context)
        else:
            jid = self.bodies.chat_jid(self.person, first=self.first)
            key = {"remoteJid": jid, "fromMe": True, "id": wa_id}
            fields = {"push_name": "Você", "status": "PENDING", "source": "web"}
            data = self.bodies.message(key, content, at, **fields, **context)
            self.post("send.message", data, at + self.die.uniform(0.2, 0.9))
        self.sent.append(data)
        self._receipts(data["key"], at)
        self._regret(turn, data, at)

    def _typed_on_phone(
        self, wa_id: str, content: Content, at: float, context: dict[str, Any]
    ) -> Data:
        key = self.bodies.person_key(self.person, first=self.first, from_me=True, wa_id=wa_id)
        data = self.bodies.message(
            key,
            self.with_device_info(content),
            at,
            push_name=self.bodies.line.profile_name,
            status="SERVER_ACK",
            source="android",
            **context,
        )
        self.post("messages.upsert", data, at + self.die.uniform(0.3, 1.5))
        return data

    def _receipts(self, key: Data, at: float) -> None:
        die = self.die
        if die.chance(0.004):
            self._receipt(key, "ERROR", at + die.uniform(1, 5))
            return
        if die.chance(0.6):
            self._receipt(key, "SERVER_ACK", at + die.uniform(0.9, 2))
        if not die.chance(0.975):
            return
        slow = die.chance(0.06)
        delivered = at + (die.around(1800) if slow else die.uniform(1.5, 9)) * min(self.pace, 1)
        self._receipt(key, "DELIVERY_ACK", delivered)
        if self.person.reads_receipts and die.chance(0.93):
            self._receipt(key, "READ", delivered + die.around(70) * self.pace)

    def _receipt(self, key: Data, status: str, at: float) -> None:
        data = self.bodies.status_update(key, status)
        if self.person.addressing is Addressing.LID and self.die.chance(0.1):
            data["remoteJid"] = self.person.lid
        self.post("messages.update", data, at)

    def _regret(self, turn: Turn, data: Data, at: float) -> None:
        """The author changes the message, or takes it back."""
        later = at + self.die.uniform(6, 90) * min(self.pace, 1)
        key, mirrored = data["key"], turn.by_customer
        if turn.fate == "edit":
            edited = self.bodies.edited(key, turn.new_text, later, mirrored=mirrored)
            by_api = not mirrored and turn.via == VIA_PANEL
            self.post("send.message.update" if by_api else "messages.edited", edited, later)
            update = self.bodies.edit_update(key, turn.new_text)
            if update is not None:
                self.post("messages.update", update, later + 0.2)
        elif turn.fate == "delete":
            revoked = self.bodies.revoked(key, mirrored=mirrored)
            if revoked is not None:
                self.post("messages.edited", revoked, later)
            self.post("messages.delete", self._deletion(turn, data), later + 0.3)

    def _deletion(self, turn: Turn, data: Data) -> Data:
        if turn.by_customer or turn.via == VIA_PHONE:
            return self.bodies.deleted(data["key"])
        return {"id": row_id(data["key"]["id"]), **data, "status": "DELETED", "participant": None}

    def _call(self, turn: Turn, at: float) -> None:
        jid = self.bodies.chat_jid(self.person, first=self.first)
        call_id = self.die.hex(32)
        self.sent.append(None)
        self.post("call", self.bodies.call(jid, call_id, at, "offer"), at)
        self.post("call", self.bodies.call(jid, call_id, at, turn.detail), at + 28)


class GroupChat(Stage):
    """An exchange inside a group: no receipts, authors in the key."""

    def __init__(
        self, die: Dice, bodies: Bodies, group: Group, start: float, *, pace: float = 1.0
    ) -> None:
        super().__init__(die, bodies, start, pace=pace)
        self.group = group
        self.votes: dict[str, list[str]] = {}

    def play(self, turns: list[Turn]) -> list[Posted]:
        for turn in turns:
            at = self.walk(turn)
            if turn.kind == "vote":
                self._vote(turn, at)
            else:
                self._say(turn, at)
        self.settle()
        return self.posted

    def _say(self, turn: Turn, at: float) -> None:
        member = turn.author
        platform = member.platform if member else "android"
        key = self.bodies.group_key(self.group.jid, member, message_id(self.die, platform))
        data = self.bodies.message(
            key,
            self.with_device_info(self.content(turn, at, None)),
            at,
            push_name=member.push_name if member else self.bodies.line.profile_name,
            status="DELIVERY_ACK" if member else "SERVER_ACK",
            source=platform,
        )
        self.sent.append(data)
        arrived = at + self.die.uniform(0.3, 2)
        self.post("messages.upsert", data, arrived)
        if member is not None:
            self.unread(key, arrived)

    def _vote(self, turn: Turn, at: float) -> None:
        poll = self.target(turn)
        self.sent.append(None)
        if poll is None or turn.author is None:
            return
        voter = turn.author
        self.votes.setdefault(turn.detail, []).append(voter.jid)
        tally = self.bodies.poll_tally(poll["key"], self.votes)
        if tally is not None:
            self.post("messages.update", tally, at)
        elif self.bodies.version.polls is PollStyle.UPSERT:
            key = self.bodies.group_key(self.group.jid, voter, message_id(self.die, voter.platform))
            content = self.bodies.contents.vote(poll["key"], turn.detail, at)
            votes = [{"name": name, "voters": list(v)} for name, v in self.votes.items()]
            data = self.bodies.message(
                key, content, at, push_name=voter.push_name, source=voter.platform
            )
            self.post("messages.upsert", data | {"pollUpdates": votes}, at)
