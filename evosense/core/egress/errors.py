"""Why a foreign server was not asked, or did not answer. Reasons are for people to read."""

from typing import Any

from django.utils.translation import gettext_lazy as _


class EgressError(Exception):
    """`code` never changes; `reason` is a lazy translation that names no internal address."""

    reasons: dict[str, Any] = {}

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    @property
    def reason(self) -> Any:
        return self.reasons[self.code]


class EgressBlocked(EgressError):  # noqa: N818  (read as a sentence where raised)
    """Our rules forbid it; trying again changes nothing."""

    reasons = {
        "url_invalid": _("This is not a complete address, such as https://example.com/path."),
        "scheme_refused": _("Use an address that starts with https://."),
        "userinfo_refused": _("Leave user name and password out of the address."),
        "port_refused": _("This port is not allowed. Use the standard port of https."),
        "address_refused": _("This address does not lead to a server on the public internet."),
    }


class EgressFailed(EgressError):  # noqa: N818
    """The other side or the way there failed; trying again later may help.

    `has_written` tells whether a part of the request may have left; only without it is it certain
    that the other side did nothing.
    """

    has_written = True
    reasons = {
        "name_unknown": _("There is no server with this name."),
        "connect_failed": _("The server does not accept connections."),
        "tls_failed": _("The server's certificate is not valid for this address."),
        "timed_out": _("The server took too long to answer."),
        "too_late": _("The time for this request was over before it could be sent."),
        "egress_busy": _("Too many requests to this server are under way. Try again in a moment."),
        "too_large": _("The server's answer is too long."),
        "broken_answer": _("The server's answer is not valid."),
    }
