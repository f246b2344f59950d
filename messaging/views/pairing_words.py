"""What the connect page says in each state of a pairing: tone, sentence, and what happens next."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# While one of these lasts the page asks again by itself; all others wait for a person.
UNDER_WAY = frozenset({"creating", "waiting", "code_waiting", "scanned"})


@dataclass(frozen=True, slots=True)
class Said:
    """The words of one state. `act` is what its main button does, "" when nothing helps here."""

    tone: str
    icon: str
    badge: Promise
    title: Promise
    text: Promise
    act: str = ""
    act_label: Promise | str = ""


_AGAIN = ("start", _("Make a new code"))
_RETRY = ("start", _("Try again"))
SAID: dict[str, Said] = {
    "none": Said(
        "",
        "mobile",
        _("Not connected"),
        _("Have the phone of this number at hand"),
        _("A code lives for less than a minute, so it is only made when somebody asks for it."),
        "start",
        _("Show the code"),
    ),
    "creating": Said(
        "info",
        "",
        _("Preparing"),
        _("The server is preparing the code"),
        _("This takes a few seconds."),
    ),
    "waiting": Said(
        "info",
        "",
        _("Waiting to be read"),
        _("Read the code with the phone of this number"),
        _("This page tells by itself when it is connected."),
    ),
    "code_waiting": Said(
        "info",
        "",
        _("Waiting to be typed"),
        _("Type the code on the phone of this number"),
        _("This page tells by itself when it is connected."),
    ),
    "scanned": Said(
        "info",
        "",
        _("Read, synchronising"),
        _("The phone has read the code"),
        _(
            "WhatsApp is setting the session up; that may take some minutes. You can leave this"
            " page. Keep the phone on and online."
        ),
    ),
    "connected": Said(
        "ok",
        "check-circle",
        _("Connected"),
        _("This number is connected"),
        _("Messages come in and can be sent."),
    ),
    "lost": Said(
        "warn",
        "wifi-off",
        _("Interrupted"),
        _("The connection was interrupted"),
        _(
            "It is being connected again by itself, without a code. What comes in meanwhile is"
            " fetched afterwards. Keep the phone on and online."
        ),
        "start",
        _("Connect again now"),
    ),
    "expired": Said(
        "",
        "clock",
        _("Expired"),
        _("Nobody read the codes"),
        _("The number stays as it was. Make new codes when the phone is at hand."),
        *_AGAIN,
    ),
    "wrong_number": Said(
        "bad",
        "alert",
        _("Held back"),
        _("Another number read the code"),
        _(
            "Nothing was imported, so that the chats of two numbers do not mix. Remove this session"
            " and read the code with the right phone."
        ),
        "log_out",
        _("Remove this session"),
    ),
    "already_open": Said(
        "ok",
        "check-circle",
        _("Connected"),
        _("A phone is connected already"),
        _("Nobody had to read a code. If it is the wrong phone, log it out first."),
    ),
    "banned": Said(
        "bad",
        "ban",
        _("Blocked by WhatsApp"),
        _("WhatsApp blocked this number"),
        _(
            "It neither receives nor sends. The phone shows the reason and lets its owner ask for"
            " a review; after that the number can be connected again."
        ),
        *_RETRY,
    ),
    "refused": Said(
        "bad",
        "x-circle",
        _("Refused"),
        _("WhatsApp refused the session"),
        _(
            "Wait some minutes before you try again: many attempts in a row make WhatsApp refuse"
            " for longer."
        ),
        *_RETRY,
    ),
    "provider_error": Said(
        "bad",
        "alert",
        _("No code"),
        _("The server made no code"),
        _("Set the session up anew: history and settings of this connection stay."),
        "restart",
        _("Set the session up anew"),
    ),
    "server_down": Said(
        "bad",
        "wifi-off",
        _("Server unreachable"),
        _("The Evolution server does not answer"),
        _("Nothing was changed. It may be restarting; its address may also be wrong."),
        *_RETRY,
    ),
    "bad_key": Said(
        "bad",
        "key",
        _("Key refused"),
        _("The Evolution server refuses the key"),
        _("The key was changed on the server, or was typed with a mistake. Nothing was changed."),
        *_RETRY,
    ),
    "by_hand": Said(
        "",
        "info",
        _("Events only"),
        _("EvoSense does not know the server of this number"),
        _(
            "It was connected by hand: its events arrive here, but codes are read where the"
            " instance runs. Give it a server to pair and send from here."
        ),
    ),
}


def said_of(state: str) -> Said:
    """Return the words of a state."""
    return SAID[state]
