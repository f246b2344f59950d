"""What a server of one release can do. Read from the version that it told, never guessed later."""

import re
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

BAILEYS = "WHATSAPP-BAILEYS"
CLOUD = "WHATSAPP-BUSINESS"
_OLDEST_FOR_SENDING = (2, 2, 3)
_CHOOSES_IDS = (2, 4, 0)
_FIRST_UNKNOWN = (2, 5, 0)
_KNOWS_STATUS_EVENT = (2, 3, 0)
_NUMBER = re.compile(r"\d+")
# Meta's channel inside Evolution answers 400 "Method not available" to the rest.
_CLOUD_KINDS = frozenset(
    {
        "text",
        "image",
        "video",
        "audio",
        "voice",
        "document",
        "location",
        "contact",
        "list",
        "buttons",
        "template",
        "reaction",
    }
)
_BAILEYS_KINDS = (_CLOUD_KINDS - {"template"}) | {
    "video_note",
    "sticker",
    "poll",
    "status",
    "edit",
    "delete",
    "read",
}
_EVENTS = (
    "QRCODE_UPDATED",
    "CONNECTION_UPDATE",
    "LOGOUT_INSTANCE",
    "REMOVE_INSTANCE",
    "MESSAGES_UPSERT",
    "MESSAGES_UPDATE",
    "MESSAGES_EDITED",
    "MESSAGES_DELETE",
    "SEND_MESSAGE",
    "SEND_MESSAGE_UPDATE",
    "CALL",
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is not even tried; `message` is a lazy translation for people."""

    code: str
    message: Any


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`version` as `GET /` told it ("" when never asked); `integration` is of the instance."""

    version: str
    integration: str = BAILEYS
    # False when the server says that it was not activated (2.4 and newer ask for it).
    is_licensed: bool = True

    @property
    def is_supported_for_sending(self) -> bool:
        """Tell whether we send there: 2.2.3 to 2.4, the last only while its licence answers."""
        return _OLDEST_FOR_SENDING <= self._release < _FIRST_UNKNOWN and self.is_licensed

    @property
    def honours_message_id(self) -> bool:
        """Tell whether it sends under an id that we choose; elsewhere the key is ignored."""
        return self._release >= _CHOOSES_IDS and self.integration == BAILEYS

    @property
    def webhook_events(self) -> tuple[str, ...]:
        """Return the events that we subscribe to; one unknown word and a server refuses."""
        if self._release >= _KNOWS_STATUS_EVENT:
            return (*_EVENTS, "STATUS_INSTANCE")
        return _EVENTS

    def can_send(self, kind: str) -> Refusal | None:
        """Return why `kind` (of `Outgoing.Kind`) cannot be sent here; None when it can."""
        if not self.is_supported_for_sending:
            return self._unfit()
        if kind in (_CLOUD_KINDS if self.integration == CLOUD else _BAILEYS_KINDS):
            return None
        if self.integration == CLOUD:
            return Refusal(
                "kind_unsupported", _("Meta's official channel cannot send this kind of message.")
            )
        return Refusal(
            "kind_unsupported",
            _("Only Meta's official channel can send this kind of message."),
        )

    def _unfit(self) -> Refusal:
        if not self.version:
            return Refusal(
                "version_unknown", _("The server has not told its version yet. Test the server.")
            )
        if not self.is_licensed:
            return Refusal(
                "license_required", _("The server's licence is not active, so it sends nothing.")
            )
        return Refusal(
            "unsupported_version",
            _("Sending needs Evolution API from 2.2.3 to 2.4. This server has another version."),
        )

    @property
    def _release(self) -> tuple[int, int, int]:
        # A pre-release counts as its release: it already behaves like it.
        found = [int(one) for one in _NUMBER.findall(self.version.partition("-")[0])[:3]]
        major, minor, patch = [*found, 0, 0, 0][:3]
        return major, minor, patch
