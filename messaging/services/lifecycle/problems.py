"""What servers answer when they do not do what was asked, in words for people."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict
from messaging.gateway.client.errors import EvolutionError
from messaging.gateway.servers import Unreachable
from messaging.models import Connection

SERVER_DOWN = frozenset(
    {
        "connect_failed",
        "timed_out",
        "name_unknown",
        "tls_failed",
        "broken_answer",
        "server_error",
        "not_evolution",
        "blocked",
        "redirected",
    }
)
BAD_KEY = frozenset({"unauthorized", "no_key"})
# The request did not even leave.
_NEVER_LEFT = frozenset({"connect_failed", "name_unknown", "tls_failed", "blocked", "egress_busy"})
# A session that ended because somebody here wanted it to.
LEFT = "left"
WORDS: dict[str, Any] = {
    "connect_failed": _("The Evolution server does not accept connections."),
    "timed_out": _("The Evolution server took too long to answer."),
    "egress_busy": _("Too many requests to this server are under way. Try again in a moment."),
    "name_unknown": _("There is no server with this name."),
    "tls_failed": _("The certificate of the Evolution server is not valid for its address."),
    "broken_answer": _("The Evolution server answered something that nobody can read."),
    "server_error": _("The Evolution server answered with an error of its own."),
    "not_evolution": _("There is another program at the address of the server."),
    "blocked": _("The address of the server is not allowed."),
    "redirected": _("The server sends its visitors to another address. Correct its address."),
    "unauthorized": _("The server does not accept the key."),
    "no_key": _("There is no key for this server."),
    "no_server": _("Choose the Evolution server of this connection first."),
    "server_inactive": _("The server is switched off here."),
    "missing_instance": _("The server does not know this instance any more."),
    "name_taken": _("The server already has an instance of this name."),
    "license_required": _("The licence of the Evolution server is not active."),
    "unsupported_version": _("The version of the Evolution server is not supported."),
    "not_probed": _("The server has not told its version yet. Test the server."),
    "unsupported": _("This version of the Evolution server cannot do that."),
    "invalid": _("The server does not accept what it was asked for."),
    "too_large": _("The Evolution server's answer is too long."),
    "provider_error": _("WhatsApp or the server refused without saying why. Try again."),
    "no_code": _("The server makes no code: WhatsApp refuses it, or the server is out of date."),
    "codes_stopped": _("No new code came. Ask for another one."),
    "qr_expired": _("Nobody read a code in time. Ask for new ones."),
    "pairing_refused": _("WhatsApp refused the pairing."),
    "pairing_needed": _("The phone has to be paired again."),
    "logged_out": _("The connection was removed on the phone."),
    LEFT: _("The phone was unpaired from here."),
    "banned": _("WhatsApp blocked this number."),
    "removed": _("The instance was removed from the server."),
    "closed": _("The connection was interrupted."),
    "other_number": _("Another number was paired than the one on record."),
    "creation_unfinished": _("The server has not confirmed the instance yet. Try again."),
}
_UNKNOWN = _("The server refused.")


class ServerRefused(Conflict):
    """The server, or the way to it, does not do what was asked; `detail` is what it said."""

    def __init__(self, code: str, *, detail: str = "", is_certain: bool = False) -> None:
        super().__init__(code, words_of(code))
        self.detail = detail
        # Nothing was done; otherwise nobody knows.
        self.is_certain = is_certain


def words_of(code: str) -> Any:
    """Return a code in words ("" for none)."""
    return WORDS.get(code, _UNKNOWN) if code else ""


def note(connection: Connection, code: str) -> None:
    """Remember what went wrong last; it is a code and never holds what a server said."""
    Connection.objects.filter(pk=connection.pk).update(
        last_error=code[:60], last_error_at=timezone.now()
    )


@contextmanager
def asking(connection: Connection | None = None) -> Iterator[None]:
    """Turn the troubles of a call into ServerRefused, and remember them on the connection."""
    try:
        yield
    except (EvolutionError, Unreachable) as error:
        code = _code(error)
        if connection is not None:
            note(connection, code)
        is_certain = isinstance(error, Unreachable) or _is_refusal(error)
        detail = getattr(error, "detail", "")
        raise ServerRefused(code, detail=detail, is_certain=is_certain) from error


def _is_refusal(error: EvolutionError) -> bool:
    return error.code in _NEVER_LEFT or (error.http_status or 500) < 500


def _code(error: EvolutionError | Unreachable) -> str:
    """Return the code; the two that say nothing are one for people."""
    return "provider_error" if error.code in {"refused", "not_found"} else error.code
