"""What each Evolution release does differently, as far as a client can see it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

DEFAULT_VERSION = "2.3.7"
SUPPORTED = ("2.2.3", "2.3.2", "2.3.6", "2.3.7", "2.4.0-rc2")

BASE_EVENTS = (
    "APPLICATION_STARTUP",
    "QRCODE_UPDATED",
    "MESSAGES_SET",
    "MESSAGES_UPSERT",
    "MESSAGES_EDITED",
    "MESSAGES_UPDATE",
    "MESSAGES_DELETE",
    "SEND_MESSAGE",
    "SEND_MESSAGE_UPDATE",
    "CONTACTS_SET",
    "CONTACTS_UPSERT",
    "CONTACTS_UPDATE",
    "PRESENCE_UPDATE",
    "CHATS_SET",
    "CHATS_UPSERT",
    "CHATS_UPDATE",
    "CHATS_DELETE",
    "GROUPS_UPSERT",
    "GROUP_UPDATE",
    "GROUP_PARTICIPANTS_UPDATE",
    "CONNECTION_UPDATE",
    "LABELS_EDIT",
    "LABELS_ASSOCIATION",
    "CALL",
    "TYPEBOT_START",
    "TYPEBOT_CHANGE_STATUS",
    "REMOVE_INSTANCE",
    "LOGOUT_INSTANCE",
)
NEWER_EVENTS = ("INSTANCE_CREATE", "INSTANCE_DELETE", "STATUS_INSTANCE")
NEWEST_EVENTS = ("MESSAGING_HISTORY_SET",)


class Family(StrEnum):
    """How bytes, 64-bit integers and enums are written inside `data.message`."""

    A = "A"
    B = "B"
    C = "C"


class LidStyle(StrEnum):
    """Which key fields tie a LID to a phone."""

    RAW = "raw"
    PREVIOUS = "previous"
    ALT = "alt"
    SWAPPED = "swapped"
    PHONE = "phone"


class PollStyle(StrEnum):
    UPDATE = "update"
    LOST = "lost"
    UPSERT = "upsert"


@dataclass(frozen=True, slots=True)
class Version:
    name: str
    number: tuple[int, int, int]
    family: Family
    lid: LidStyle
    polls: PollStyle
    edit_update_status: str | None
    """Status made up for a status-less update; None leaves the key out."""
    edit_update_is_sent: bool
    edit_update_has_message: bool
    delete_has_status: bool
    revoke_is_an_edit: bool
    update_participant_is_real: bool
    update_carries_participant: bool
    history_has_progress: bool
    retries_grow: bool
    """Exponential waits; before 2.3.0 every wait is 30 seconds."""
    has_request_timeout: bool
    keeps_lids: bool
    """The database holds the LID form of keys whose webhook shows the phone."""
    needs_license: bool
    honours_message_id: bool
    logout_is_idempotent: bool
    names_itself_in_headers: bool
    events: tuple[str, ...]


def _number(name: str) -> tuple[int, int, int]:
    head = name.split("-", 1)[0].split(".")
    major, minor, patch = (int(part) for part in head)
    return major, minor, patch


def _family(number: tuple[int, int, int]) -> Family:
    if number <= (2, 3, 2):
        return Family.A
    return Family.B if number <= (2, 3, 5) else Family.C


def _lid_style(number: tuple[int, int, int]) -> LidStyle:
    if number < (2, 3, 1):
        return LidStyle.RAW
    if number <= (2, 3, 4):
        return LidStyle.PREVIOUS
    if number >= (2, 4, 0):
        return LidStyle.PHONE
    return LidStyle.ALT if number <= (2, 3, 6) else LidStyle.SWAPPED


def _poll_style(number: tuple[int, int, int]) -> PollStyle:
    if number < (2, 3, 0):
        return PollStyle.UPDATE
    return PollStyle.LOST if number <= (2, 3, 6) else PollStyle.UPSERT


def _edit_status(number: tuple[int, int, int]) -> str | None:
    if number < (2, 3, 0):
        return None
    return "DELETED" if number <= (2, 3, 4) else "SERVER_ACK"


@lru_cache
def behaviour(name: str = DEFAULT_VERSION) -> Version:
    """Describe one release; unknown patch levels behave like their neighbours."""
    number = _number(name)
    grown, licensed = number >= (2, 3, 0), number >= (2, 4, 0)
    return Version(
        name=name,
        number=number,
        family=_family(number),
        lid=_lid_style(number),
        polls=_poll_style(number),
        edit_update_status=_edit_status(number),
        edit_update_is_sent=not (2, 3, 5) <= number <= (2, 3, 6),
        edit_update_has_message=number >= (2, 3, 7),
        delete_has_status=number >= (2, 3, 7),
        revoke_is_an_edit=number >= (2, 3, 1),
        update_participant_is_real=number >= (2, 3, 5),
        update_carries_participant=grown,
        history_has_progress=number >= (2, 3, 7),
        retries_grow=grown,
        has_request_timeout=grown,
        keeps_lids=(2, 3, 7) <= number < (2, 4, 0),
        needs_license=licensed,
        honours_message_id=licensed,
        logout_is_idempotent=licensed,
        names_itself_in_headers=licensed,
        events=BASE_EVENTS + (NEWER_EVENTS if grown else ()) + (NEWEST_EVENTS if licensed else ()),
    )
