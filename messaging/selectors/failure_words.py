"""What went wrong with a send, in words for people. Codes are ours and never change."""

from typing import Any

from django.utils.translation import gettext_lazy as _

_WORDS: dict[str, Any] = {
    # Decided here
    "cancelled": _("It was cancelled before it left."),
    "expired": _("Its time was over before it could leave."),
    "said_not_sent": _("Somebody looked and said that it was not sent."),
    "unresolved": _("For a day nobody could find out whether it was sent."),
    "worker_died": _("The sender stopped in the middle; we are finding out what became of it."),
    "behind_unknown": _(
        "It waits for the message before it, of which nobody knows yet whether it left."
    ),
    "no_address": _("This contact has no address that can be written to."),
    # The number
    "not_on_whatsapp": _("This number is not on WhatsApp."),
    "number_down": _("The number is not connected. It goes on when the number is back."),
    "not_connected": _("The number is not connected. It goes on when the number is back."),
    "never_connected": _("The number was never paired on the server."),
    "server_nack": _("WhatsApp refused it. Sending it again at once makes refusals more likely."),
    "connection_closed": _("The session closed while it was being sent."),
    # The server
    "unauthorized": _("The server refused our key."),
    "missing_instance": _("The server does not know this connection any more."),
    "license_required": _("The server's licence is not active."),
    "version_unknown": _("The server has not told its version yet."),
    "unsupported_version": _("Sending needs another version of the server."),
    "not_probed": _("The server is being asked who it is."),
    "no_server": _("No server is known for this connection."),
    "no_key": _("No key is known for the server of this connection."),
    "server_inactive": _("The server was switched off here."),
    "kind_unsupported": _("The server cannot send this kind of message."),
    "redirected": _("The server's address leads elsewhere."),
    "connect_failed": _("The server could not be reached."),
    "name_unknown": _("The server's name is not known."),
    "tls_failed": _("The connection to the server is not safe."),
    "egress_busy": _("Too many requests to this server are under way. Try again in a moment."),
    "overtaken": _("It did not leave, but later messages did. Send it if it still fits."),
    "not_begun": _("It could not be begun in time. It is tried again by itself."),
    "timed_out": _("The server did not answer in time."),
    "broken_answer": _("The server broke off its answer."),
    "server_error": _("The server answered with an error."),
    "unclear_refusal": _("The server answered something that does not say whether it was sent."),
    "no_message_id": _("The server confirmed nothing."),
    "too_many_requests": _("The server asked us to slow down."),
    # The content
    "bad_request": _("The server refused the form of this message."),
    "bad_payload": _("This message is not complete."),
    "bad_media": _("The server could not read the file."),
    "too_large": _("The file is too large for the server."),
    "media_missing": _("The file does not exist any more."),
    "media_unreadable": _("The file could not be read at the moment."),
    "act_refused": _("WhatsApp did not allow this change."),
    # The line
    "by_person": _("Sending of this number was paused."),
    "restored": _("This company came from an archive. Let sending go on once its origin rests."),
    "company_suspended": _("Sending is suspended for this company."),
}
_META = _("Meta refused it.")
_BLOCKED = _("The server's address leads to a network that is closed to us.")
_OTHER = _("It could not be sent.")


def failure_words(code: str) -> Any:
    """Return a sentence (lazy) for a failure's code."""
    if code.startswith("meta_"):
        return _META
    if code.startswith("blocked_"):
        return _BLOCKED
    return _WORDS.get(code, _OTHER)
