"""What the codes of looks, incidents and repairs mean, in words for people."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from messaging.models import Connection, Incident

SIGNALS: dict[str, Promise] = {
    "events": _("Connection events"),
    "probe": _("Active probe"),
    "acks": _("Receipts"),
    "traffic": _("Expected traffic"),
    "silence": _("Fixed silence rule"),
    "webhook": _("Webhook"),
    "store": _("Messages on the server"),
}
# What a server or the way to it can answer, whatever was asked.
_FAILURES: dict[str, Promise] = {
    "egress_busy": _("Too many requests to this server are under way. Try again in a moment."),
    "timed_out": _("The server did not answer in time."),
    "connect_failed": _("The server cannot be reached."),
    "name_unknown": _("The name of the server is not known any more."),
    "tls_failed": _("The server's certificate is not valid."),
    "broken_answer": _("The server answered something that cannot be read."),
    "too_large": _("The server's answer is larger than can be read."),
    "blocked": _("The address of the server may not be called."),
    "server_error": _("The server answered with an error."),
    "server_down": _("The server does not answer; it is tried again in a while."),
    "unauthorized": _("The server refuses the key."),
    "missing_instance": _("The server does not know this instance any more."),
    "license_required": _("The server waits for its licence."),
    "no_server": _("No server is set, so nothing can be asked."),
    "no_key": _("No key is set, so nothing can be asked."),
    "server_inactive": _("The server is switched off here."),
    "unsupported_version": _("This version of the server is read only."),
    "not_probed": _("The server has not told its version yet."),
    "never_connected": _("No phone was paired yet."),
    "not_connected": _("The session is closed."),
    "invalid": _("The server refused the question."),
}
_SAID: dict[tuple[str, str], Promise] = {
    ("events", "connected"): _("The last event says connected."),
    ("events", "initializing"): _("No event has come yet."),
    ("events", "qr_pending"): _("Waiting for the code to be read."),
    ("events", "connecting"): _("Connecting for %(value)s."),
    ("events", "degraded"): _("The connection is unstable."),
    ("events", "disconnected"): _("Disconnected for %(value)s."),
    ("events", "logged_out"): _("The device was removed on the phone."),
    ("events", "left"): _("The phone was unpaired from here."),
    ("events", "banned"): _("WhatsApp blocked this number."),
    ("events", "removed"): _("The instance was removed from the server."),
    ("events", "quarantined"): _("Another number was paired; nothing is taken in."),
    ("probe", "open"): _("The server says that the session is open."),
    ("probe", "close"): _("The server says that the session is closed."),
    ("probe", "connecting"): _("The server says that it is connecting."),
    ("probe", "proven"): _("WhatsApp answered through the session."),
    ("probe", "unproven"): _("The session says open, but WhatsApp did not answer through it."),
    ("probe", "fresh"): _("Events are coming in; there was no need to ask."),
    ("probe", "unasked"): _("Not asked while the number is not connected."),
    ("acks", "fine"): _("%(value)s %% of the last messages were confirmed within a minute."),
    ("acks", "late"): _("Only %(value)s %% of the last messages were confirmed within a minute."),
    ("acks", "none"): _("None of the last messages was confirmed."),
    ("acks", "few"): _("Too few messages were sent lately to judge."),
    ("traffic", "fine"): _("Messages come in as usual for this hour."),
    ("traffic", "few"): _("Little is expected at this hour."),
    ("traffic", "unknown"): _("There is no history of this hour yet."),
    ("traffic", "silent"): _("Nothing for %(value)s, although this hour usually has messages."),
    ("silence", "off"): _("Switched off."),
    ("silence", "fine"): _("There was activity within the time that was set."),
    ("silence", "silent"): _("No activity for %(value)s."),
    ("webhook", "ok"): _("Evolution posts its events here."),
    ("webhook", "repaired"): _("The address had been changed and was set again."),
    ("webhook", "unreachable"): _("The address could not be checked."),
    ("webhook", "foreign"): _("Evolution posts its events somewhere else."),
    ("webhook", "lost"): _("The server has messages whose events never came here."),
    ("store", "same"): _("The server has nothing that is not here."),
    ("store", "on_the_way"): _("The server has messages that may be on their way."),
    ("store", "fetched"): _("Single messages had not come and are being fetched."),
    ("store", "missing"): _("The server has messages whose events never came here."),
    ("store", "unasked"): _("Not compared: events are coming in, or the server was not asked."),
    ("store", "untold"): _("The server does not tell how many messages it has."),
    ("webhook", "unchecked"): _("Not checked yet."),
}
_CAUSES: dict[str, Promise] = {
    "disconnected": _("The session was closed."),
    "connecting": _("The session does not come up."),
    "qr_expired": _("The code was not read in time."),
    "logged_out": _("The device was removed on the phone. The number must be paired again."),
    "banned": _("WhatsApp blocked this number."),
    "removed": _("The instance was removed from the server."),
    "quarantined": _("Another number was paired. Nothing is taken in until a person decides."),
    "session_closed": _("The server says that the session is closed."),
    "unproven": _("Nothing comes in, and WhatsApp does not answer through the session."),
    "silent": _("There was no activity for the time that was set."),
    "late": _("Most messages are not confirmed within a minute."),
    "none": _("None of the last messages was confirmed."),
    "foreign": _("Evolution posts the events of this number somewhere else."),
    "lost": _("The server has messages whose events never came here."),
    "unreachable": _("The address for events could not be checked."),
}
_REASONS: dict[str, Promise] = {
    "reconnected": _("Reconnected"),
    "outage": _("End of an incident"),
    "silence": _("Suspicious silence"),
    "manual": _("Asked for by hand"),
}
_REPAIR_ERRORS: dict[str, Promise] = {
    "page_limit": _("The window was too large to read to its end."),
    "gone": _("The connection was removed."),
    "lost": _("The work was interrupted too often."),
}
_NO_WORDS = _("No further details.")


def state_words(state: str, mark: str = "", *, is_strange: bool = False) -> str:
    """Return a state in a word; `mark` is "left" where somebody here unpaired the phone."""
    if is_strange:
        return str(Incident.Kind.WRONG_NUMBER.label)
    if state == Connection.State.LOGGED_OUT and mark == "left":
        return str(_("Unpaired from here"))
    return str(Connection.State(state).label)


def signal_label(kind: str) -> str:
    return str(SIGNALS.get(kind, kind))


def signal_words(kind: str, code: str, value: Any = None) -> str:
    """Return a sentence for what one signal found; `value` is already in words or a number."""
    words = _SAID.get((kind, code)) or _FAILURES.get(code)
    return str(words or _NO_WORDS) % {"value": "-" if value is None else value}


def cause_words(code: str) -> str:
    """Return a sentence for the cause of an incident."""
    return str(_CAUSES.get(code) or _FAILURES.get(code) or _NO_WORDS)


def failure_words(code: str) -> str:
    """Return a sentence for what is wrong with a server."""
    return str(_FAILURES.get(code) or _NO_WORDS)


def reason_words(reason: str) -> str:
    return str(_REASONS.get(reason, reason))


def repair_error_words(code: str) -> str:
    """Return a sentence for why a repair stopped, "" when it did not."""
    if not code:
        return ""
    return str(_REPAIR_ERRORS.get(code) or _FAILURES.get(code) or _NO_WORDS)
