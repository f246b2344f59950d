"""The acts of messaging in words, for the audit of a company."""

from django.utils.translation import gettext_lazy as _

from tenancy.audit_words import register_action


def register() -> None:
    register_action(
        "connection.created",
        _("Connection created"),
        _("%(who)s created the connection %(object)s"),
    )
    register_action(
        "connection.renamed",
        _("Connection renamed"),
        _("%(who)s renamed the connection %(before)s to %(after)s"),
        field="name",
    )
    register_action(
        "connection.token_rotated",
        _("Token of a connection renewed"),
        _("%(who)s made a new token for the connection %(object)s"),
    )
    register_action(
        "connection.closed",
        _("Connection refuses events"),
        _("%(who)s made the connection %(object)s refuse all events"),
    )
    register_action(
        "connection.opened",
        _("Connection takes events again"),
        _("%(who)s let the connection %(object)s take events again"),
    )
    register_action(
        "connection.sending_paused",
        _("Sending paused"),
        _("%(who)s paused the sending of the connection %(object)s"),
    )
    register_action(
        "connection.sending_resumed",
        _("Sending resumed"),
        _("%(who)s let the connection %(object)s send again"),
    )
    register_action("server.created", _("Server added"), _("%(who)s added the server %(object)s"))
    register_action(
        "server.changed", _("Server changed"), _("%(who)s changed the server %(object)s")
    )
    register_action(
        "server.removed", _("Server removed"), _("%(who)s removed the server %(object)s")
    )
    register_action(
        "contact.merged", _("Contacts merged"), _("%(who)s merged two contacts (%(object)s)")
    )
    register_action(
        "contact.unmerged",
        _("Merge of contacts undone"),
        _("%(who)s undid a merge of contacts (%(object)s)"),
    )
    register_action(
        "message.resolved",
        _("Outcome of a message decided"),
        _("%(who)s said what became of a message: %(before)s is now %(after)s"),
        field="state",
    )
    register_action(
        "events.replayed",
        _("Raw events replayed"),
        _("%(who)s let %(after)s raw events of %(object)s be read again"),
        field="events",
    )
