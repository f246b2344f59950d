"""What the server remembers, in memory only: instances, their messages, their settings."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from messaging.simulator.bodies import Bodies
from messaging.simulator.content import Contents
from messaging.simulator.dice import dice, fixed_uuid, row_id
from messaging.simulator.errors import no_such_instance
from messaging.simulator.people import VERTICAL_LINES, Line
from messaging.simulator.rhythm import iso_utc
from messaging.simulator.versions import behaviour

if TYPE_CHECKING:
    from messaging.simulator.sessions import Cut

KEPT_MESSAGES = 5000
BAILEYS, CLOUD = "WHATSAPP-BAILEYS", "WHATSAPP-BUSINESS"
INTEGRATIONS = (BAILEYS, CLOUD, "EVOLUTION")
DEFAULT_SETTINGS: dict[str, Any] = {
    "rejectCall": False,
    "msgCall": "",
    "groupsIgnore": False,
    "alwaysOnline": False,
    "readMessages": False,
    "readStatus": False,
    "syncFullHistory": False,
    "wavoipToken": "",
}


@dataclass(slots=True)
class Webhook:
    url: str
    headers: dict[str, str]
    events: tuple[str, ...]
    by_events: bool = False
    base64: bool = False
    enabled: bool = True
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)


@dataclass(slots=True)
class Stored:
    """A message as Evolution's database keeps it."""

    data: dict[str, Any]
    key: dict[str, Any]
    statuses: list[str] = field(default_factory=list)
    file: bytes | None = None
    """What was handed over with it, when that was more than an address."""

    def record(self) -> dict[str, Any]:
        data = self.data
        message = {
            name: part for name, part in data["message"].items() if name != "messageContextInfo"
        }
        return {
            "id": row_id(self.key["id"]),
            "key": self.key,
            "pushName": data.get("pushName"),
            "messageType": data["messageType"],
            "message": message,
            "messageTimestamp": data["messageTimestamp"],
            "instanceId": data["instanceId"],
            "source": data.get("source"),
            "contextInfo": data.get("contextInfo"),
            "MessageUpdate": [{"status": status} for status in self.statuses],
        }


@dataclass(slots=True)
class PairingTry:
    """One attempt to pair, from the first code to the phone or the limit."""

    serial: int = 0
    count: int = 0
    number: str | None = None
    shown: dict[str, Any] | None = None


@dataclass
class Instance:
    name: str
    token: str
    integration: str
    line: Line
    bodies: Bodies
    version: str
    state: str | None = None
    """None until the first connection: nothing can be sent yet."""
    owner: str | None = None
    settings: dict[str, Any] = field(default_factory=lambda: dict(DEFAULT_SETTINGS))
    webhook: Webhook | None = None
    has_credentials: bool = False
    """Paired and not logged out: it can open its session without a code."""
    cut: Cut | None = None
    pairing: PairingTry = field(default_factory=PairingTry)
    plan: str = "normal"
    plan_times: int | None = None
    last_status_code: int | None = None
    closed_at: float | None = None
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    messages: OrderedDict[str, Stored] = field(default_factory=OrderedDict)
    contacts: dict[str, str | None] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.line.instance_id

    @property
    def is_cloud(self) -> bool:
        return self.integration == CLOUD

    def keep(
        self, data: dict[str, Any], key: dict[str, Any] | None = None, file: bytes | None = None
    ) -> None:
        """Store a message; the first one with an id stays, as WhatsApp shows only the first."""
        self.messages.setdefault(data["key"]["id"], Stored(data, key or data["key"], file=file))
        if len(self.messages) > KEPT_MESSAGES:
            self.messages.popitem(last=False)
        if not data["key"]["fromMe"]:
            self.contacts[data["key"]["remoteJid"]] = data.get("pushName")

    def row(self) -> dict[str, Any]:
        """One row of fetchInstances."""
        stamps = {"createdAt": iso_utc(self.created), "updatedAt": iso_utc(self.updated)}
        return {
            "id": self.id,
            "name": self.name,
            "connectionStatus": self.state or "close",
            "ownerJid": self.owner,
            "profileName": self.line.profile_name if self.owner else None,
            "profilePicUrl": "https://pps.whatsapp.example/v/t61/1.jpg" if self.owner else None,
            "integration": self.integration,
            "number": None,
            "businessId": None,
            "token": self.token,
            "clientName": "evolution",
            "disconnectionReasonCode": self.last_status_code,
            "disconnectionObject": disconnection_object(self.last_status_code),
            "disconnectionAt": iso_utc(self.closed_at) if self.closed_at else None,
            **stamps,
            **dict.fromkeys(("Chatwoot", "Proxy", "Rabbitmq", "Nats", "Sqs", "Websocket")),
            "Setting": self.settings_row(),
            "_count": {
                "Message": len(self.messages),
                "Contact": len(self.contacts),
                "Chat": len(self.chats()),
            },
        }

    def settings_row(self) -> dict[str, Any]:
        return {
            "id": row_id(f"setting-{self.name}"),
            **self.settings,
            "createdAt": iso_utc(self.created),
            "updatedAt": iso_utc(self.updated),
            "instanceId": self.id,
        }

    def webhook_row(self) -> dict[str, Any] | None:
        hook = self.webhook
        if hook is None:
            return None
        return {
            "id": row_id(f"webhook-{self.name}"),
            "url": hook.url,
            "headers": hook.headers,
            "enabled": hook.enabled,
            "events": list(hook.events),
            "webhookByEvents": hook.by_events,
            "webhookBase64": hook.base64,
            "createdAt": iso_utc(hook.created),
            "updatedAt": iso_utc(hook.updated),
            "instanceId": self.id,
        }

    def chats(self) -> dict[str, Stored]:
        """The newest message of each chat."""
        return {stored.key["remoteJid"]: stored for stored in self.messages.values()}


def disconnection_object(reason: int | None) -> str | None:
    """What Evolution keeps of Baileys' error, as text."""
    return None if reason is None else f'{{"error":{{"output":{{"statusCode":{reason}}}}}}}'


def invented_line(name: str, number: str = "") -> Line:
    """A business for an instance that some client created."""
    model = VERTICAL_LINES[dice("vertical", name).randrange(len(VERTICAL_LINES))]
    digits = number or f"55119000{dice('number', name).randrange(100_000):05d}"
    return Line(name, digits, model.profile_name, model.vertical)


class Store:
    """Every instance of one server; names are unique on it, as at Evolution."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.instances: dict[str, Instance] = {}
        self._contents = Contents(behaviour(version).family)

    def get(self, name: str) -> Instance:
        try:
            return self.instances[name]
        except KeyError:
            raise no_such_instance(name) from None

    def create(
        self, name: str, *, token: str = "", integration: str = BAILEYS, line: Line | None = None
    ) -> Instance:
        line = line or invented_line(name)
        bodies = Bodies(line, self.version, self._contents)
        instance = Instance(
            name=name,
            token=token or fixed_uuid(secrets.token_hex(8)).upper(),
            integration=integration,
            line=line,
            bodies=bodies,
            version=self.version,
        )
        if instance.is_cloud:
            instance.state = "open"
        self.instances[name] = instance
        return instance

    def rewire(self, instance: Instance, line: Line) -> None:
        """Another phone was paired under the same instance name."""
        instance.line = line
        instance.bodies = Bodies(line, self.version, self._contents)
