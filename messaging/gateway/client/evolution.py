"""The Evolution API, 2.2.3 to 2.4, as the house uses it. Call it outside transactions.

Sends answer with an `Outcome` and never raise; all else raises `EvolutionError`. One client serves
all threads of a process.
"""

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from evosense.core.http import Egress, EgressError
from messaging.gateway.capabilities import BAILEYS, Capabilities, Refusal
from messaging.gateway.client import answers, classify
from messaging.gateway.client.bodies import Draft, Payload, ReadMedia, request_of
from messaging.gateway.client.errors import EvolutionError
from messaging.gateway.client.instance import Instance
from messaging.gateway.client.outcome import Outcome
from messaging.gateway.client.timing import (
    CALL_SECONDS,
    LONGEST_TYPING_MS,
    SLOW_CALL_SECONDS,
    send_seconds,
)
from messaging.gateway.client.transport import (
    Request,
    ask,
    exchange,
    new_door,
    new_send_door,
    parse,
)

LONGEST_MEDIA_ANSWER = 140 * 1024 * 1024
# These refusals end when somebody changes the server; the message itself is fine.
_WAITS_FOR_SERVER = frozenset({"license_required", "version_unknown", "unsupported_version"})


class Evolution:
    """Safe to share by threads; `door` is for tests."""

    def __init__(self, door: Egress | None = None) -> None:
        self._door = door or new_door()
        self._send_door = door or new_send_door()

    # Sending

    def send(
        self,
        instance: Instance,
        *,
        kind: str,
        payload: Payload,
        to: str,
        read_media: ReadMedia,
        preset_id: str = "",
        quote: Payload | None = None,
        not_after: float | None = None,
    ) -> Outcome:
        """Send one thing of `Outgoing.Kind` and tell what is known to have become of it.

        `to` is a JID, or digits for a first contact. Acts (reaction, edit, delete) are about
        `payload["target"]` or else about `quote`. Nothing is written after `not_after`, a time of
        the monotonic clock. `read_media` raises OSError when it cannot read.
        """
        refusal = instance.capabilities.can_send(kind)
        if refusal is not None:
            return _refused(refusal)
        chosen = preset_id if instance.capabilities.honours_message_id else ""
        try:
            request = request_of(Draft(kind, payload, to, read_media, chosen, quote))
        except FileNotFoundError:
            return Outcome("permanent", "media_missing")
        except OSError:
            return Outcome("not_sent", "media_unreadable")
        except (KeyError, TypeError, ValueError) as error:
            # Our own mistake: the payload lacks what its kind needs.
            return Outcome("permanent", "bad_payload", type(error).__name__)
        seconds = send_seconds(dict(payload))
        started = time.monotonic()
        outcome = self._deliver(instance, kind, request, seconds, not_after)
        return replace(outcome, milliseconds=int((time.monotonic() - started) * 1000))

    def _deliver(
        self,
        instance: Instance,
        kind: str,
        request: Request,
        seconds: float,
        not_after: float | None,
    ) -> Outcome:
        try:
            answer = exchange(
                self._send_door,
                instance,
                request,
                seconds=seconds,
                write_by=not_after,
                # The answer may repeat the file.
                longest=LONGEST_MEDIA_ANSWER,
                purpose="evolution_send",
            )
        except EgressError as error:
            return classify.of_failure(error)
        return classify.of_answer(kind, answer.status, parse(answer.body))

    def presence(self, instance: Instance, *, to: str, state: str, ms: int = 1200) -> None:
        """Show `composing`, `recording`, `paused`, … to one chat; blocks for `ms` (≤ 5,000)."""
        delay = max(0, min(ms, LONGEST_TYPING_MS))
        body = {"number": to, "presence": state, "delay": delay}
        path = "/chat/sendPresence/{name}"
        ask(self._door, instance, "POST", path, body, seconds=CALL_SECONDS + delay / 1000)

    def mark_read(self, instance: Instance, *, jid: str, provider_ids: Iterable[str]) -> None:
        """Tell the other side that messages were read. 2.3.7 and older skip LIDs in silence."""
        keys = [{"id": one, "fromMe": False, "remoteJid": jid} for one in provider_ids]
        path = "/chat/markMessageAsRead/{name}"
        ask(self._door, instance, "POST", path, {"readMessages": keys})

    # The life of an instance

    def server_info(self, url: str) -> answers.ServerInfo:
        """Ask a server who it is; raises EvolutionError `not_evolution` when it is another."""
        found = ask(self._door, _nobody(url), "GET", "/", seconds=SLOW_CALL_SECONDS)
        version = found.get("version") if isinstance(found, dict) else None
        if not isinstance(version, str) or not version[:1].isdigit():
            raise EvolutionError("not_evolution")
        return answers.ServerInfo(version[:40], str(found.get("whatsappWebVersion") or "")[:40])

    def create_instance(
        self,
        admin: Instance,
        *,
        name: str,
        webhook_url: str,
        webhook_headers: Mapping[str, str],
        settings: Mapping[str, Any],
        number: str = "",
        token: str = "",
    ) -> answers.CreatedInstance:
        """Create an instance with its webhook and no code yet, so that we can store it first."""
        body: dict[str, Any] = {
            "instanceName": name,
            "integration": BAILEYS,
            "qrcode": False,
            **answers.settings_body(dict(settings)),
            "webhook": _webhook(admin, webhook_url, webhook_headers),
        }
        if number:
            body["number"] = number
        if token:
            body["token"] = token
        found = ask(self._door, admin, "POST", "/instance/create", body, seconds=SLOW_CALL_SECONDS)
        return answers.created_instance(found)

    def connect(self, instance: Instance, *, number: str = "") -> answers.ConnectAnswer:
        """Ask for a code to be read; with `number` also for one to be typed on the phone."""
        query = f"?{urlencode({'number': number})}" if number else ""
        path = f"/instance/connect/{{name}}{query}"
        return answers.connect_answer(
            ask(self._door, instance, "GET", path, seconds=SLOW_CALL_SECONDS)
        )

    def connection_state(self, instance: Instance, *, seconds: float = CALL_SECONDS) -> str:
        """Return open, connecting or close as the server's memory has it; "" when it has nothing.

        A dead socket can say open, and Meta's channel always does.
        """
        path = "/instance/connectionState/{name}"
        found = ask(self._door, instance, "GET", path, seconds=seconds)
        return answers.connect_answer(found).state

    def fetch_instances(
        self, admin: Instance, *, name: str = "", seconds: float = CALL_SECONDS
    ) -> list[answers.RemoteInstance]:
        """List instances with their tokens; with an instance's own key only that one."""
        query = f"?{urlencode({'instanceName': name})}" if name else ""
        path = f"/instance/fetchInstances{query}"
        try:
            found = ask(self._door, admin, "GET", path, seconds=seconds)
        except EvolutionError as error:
            if error.http_status == 404:
                return []
            raise
        return answers.remote_instances(found)

    def stored_messages(self, instance: Instance, *, seconds: float = CALL_SECONDS) -> int | None:
        """Return how many messages the server has of an instance; None when it does not tell."""
        found = self.fetch_instances(instance, name=instance.name, seconds=seconds)
        return next((one.messages for one in found if one.name == instance.name), None)

    def restart(self, instance: Instance) -> answers.ConnectAnswer:
        """End the socket and open it again; look at `connection_state` afterwards."""
        path = "/instance/restart/{name}"
        found = ask(self._door, instance, "POST", path, seconds=SLOW_CALL_SECONDS)
        return answers.connect_answer(found)

    def logout(self, instance: Instance) -> None:
        """Unpair the phone; one that is not paired is fine."""
        try:
            ask(self._door, instance, "DELETE", "/instance/logout/{name}")
        except EvolutionError as error:
            if error.code not in {"not_connected", "never_connected"}:
                raise

    def delete(self, instance: Instance) -> None:
        """Delete the instance with all that the server stored of it; one that is gone is fine."""
        try:
            ask(self._door, instance, "DELETE", "/instance/delete/{name}")
        except EvolutionError as error:
            if error.code != "missing_instance":
                raise

    def set_webhook(self, instance: Instance, *, url: str, headers: Mapping[str, str]) -> None:
        """Point the instance's events to `url`: all of ours, in one stream, without media."""
        body = {"webhook": _webhook(instance, url, headers)}
        ask(self._door, instance, "POST", "/webhook/set/{name}", body)

    def clear_webhook(self, instance: Instance) -> None:
        """Let the instance post nowhere; a server wants an address even to switch it off."""
        body = {"enabled": False, "url": "https://localhost", "events": []}
        ask(self._door, instance, "POST", "/webhook/set/{name}", {"webhook": body})

    def find_webhook(self, instance: Instance) -> answers.RemoteWebhook | None:
        """Return where the instance posts to; None when nothing was ever set."""
        return answers.remote_webhook(ask(self._door, instance, "GET", "/webhook/find/{name}"))

    def set_settings(self, instance: Instance, settings: Mapping[str, Any]) -> None:
        """Set every setting of the instance; those that are missing get our defaults."""
        body = answers.settings_body(dict(settings))
        ask(self._door, instance, "POST", "/settings/set/{name}", body)

    def find_settings(self, instance: Instance) -> dict[str, Any]:
        """Return the instance's settings in our words; {} when it has none."""
        return answers.settings_of(ask(self._door, instance, "GET", "/settings/find/{name}"))

    # What the server knows

    def whatsapp_numbers(
        self, instance: Instance, numbers: Iterable[str]
    ) -> list[answers.NumberAnswer]:
        """Ask which digits are on WhatsApp. Many at a time are a reason to be banned: ≤ 20."""
        digits = [number.lstrip("+") for number in numbers]
        path = "/chat/whatsappNumbers/{name}"
        try:
            found = ask(self._door, instance, "POST", path, {"numbers": digits})
        except EvolutionError as error:
            if error.http_status == 400 and error.code == "refused":
                # The raw error object of the library, often just {}.
                raise EvolutionError("check_failed", http_status=400, can_retry=True) from error
            raise
        return answers.number_answers(found)

    def find_messages(
        self,
        instance: Instance,
        *,
        jid: str | None,
        since: datetime,
        until: datetime,
        page: int = 1,
        size: int = 50,
        provider_id: str = "",
        from_me: bool = False,
    ) -> answers.MessagesPage:
        """Read the server's own store, newest first. Slow on big ones: always give a time range.

        `jid` is compared exactly, and the stored one may be the LID of the same person.
        """
        wanted = {"remoteJid": jid, "id": provider_id, "fromMe": from_me}
        where: dict[str, Any] = {
            # Both bounds, as ISO texts, or the filter is ignored.
            "messageTimestamp": {"gte": _iso(since), "lte": _iso(until)}
        }
        if key := {name: value for name, value in wanted.items() if value}:
            where["key"] = key
        body = {"where": where, "page": page, "offset": size}
        path = "/chat/findMessages/{name}"
        found = ask(self._door, instance, "POST", path, body, seconds=SLOW_CALL_SECONDS)
        return answers.messages_page(found)

    def find_chats(self, instance: Instance, *, take: int, skip: int = 0) -> list[dict[str, Any]]:
        """Return chats as the server lists them, which it builds from its stored messages."""
        body = {"where": {}, "take": take, "skip": skip}
        path = "/chat/findChats/{name}"
        found = ask(self._door, instance, "POST", path, body, seconds=SLOW_CALL_SECONDS)
        return [row for row in found or [] if isinstance(row, dict)]

    def media_base64(
        self,
        instance: Instance,
        *,
        provider_id: str = "",
        raw: Mapping[str, Any] | None = None,
        as_mp4: bool = False,
        longest: int = LONGEST_MEDIA_ANSWER,
    ) -> answers.MediaAnswer:
        """Return the file of a message, by its id, or from its stored raw body.

        Raises EvolutionError: not_found (try the raw body), bad_decrypt, not_media, too_large.
        """
        message = {"key": {"id": provider_id}} if raw is None else dict(raw)
        body = {"message": message, "convertToMp4": as_mp4}
        path = "/chat/getBase64FromMediaMessage/{name}"
        return answers.media_answer(
            ask(
                self._door,
                instance,
                "POST",
                path,
                body,
                seconds=SLOW_CALL_SECONDS * 2,
                longest=longest,
            )
        )

    def profile_picture(self, instance: Instance, number: str) -> str | None:
        """Return the address of a profile picture, good for days; None when it is private."""
        path = "/chat/fetchProfilePictureUrl/{name}"
        found = ask(self._door, instance, "POST", path, {"number": number})
        address = found.get("profilePictureUrl") if isinstance(found, dict) else None
        return address if isinstance(address, str) and address else None


@lru_cache(maxsize=1)
def evolution() -> Evolution:
    """Return the client of this process."""
    return Evolution()


# A child must not speak on its parent's connections.
os.register_at_fork(after_in_child=evolution.cache_clear)


def _refused(refusal: Refusal) -> Outcome:
    if refusal.code in _WAITS_FOR_SERVER:
        return Outcome("not_sent", refusal.code, effect="trip_lane")
    return Outcome("permanent", refusal.code)


def _webhook(instance: Instance, url: str, headers: Mapping[str, str]) -> dict[str, Any]:
    return {
        "enabled": True,
        "url": url,
        "headers": dict(headers),
        "byEvents": False,
        "base64": False,
        # Without a list a server fails; with an empty one it posts everything.
        "events": list(instance.capabilities.webhook_events),
    }


def _nobody(url: str) -> Instance:
    """Return who asks before anything is known, without a key."""
    return Instance(UUID(int=0), url, "", "", Capabilities(""))


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
