"""The acts of messaging in words, for the audit of a company."""

from django.utils.translation import gettext_lazy as _

from tenancy.audit_words import register_action

# Name, title and sentence.
_ACTS = (
    (
        "connection.not_created",
        _("Connection not created"),
        _("The server refused the connection %(object)s, which was taken back"),
    ),
    (
        "connection.pairing_started",
        _("Pairing started"),
        _("%(who)s asked for a code to connect %(object)s"),
    ),
    (
        "connection.session_recreated",
        _("Session recreated"),
        _("%(who)s recreated the session of %(object)s on its server"),
    ),
    (
        "connection.number_accepted",
        _("Other number accepted"),
        _("%(who)s made the number that was paired the number of %(object)s"),
    ),
    (
        "connection.restarted",
        _("Session restarted"),
        _("%(who)s restarted the session of %(object)s"),
    ),
    (
        "connection.logged_out",
        _("Phone unpaired"),
        _("%(who)s logged the connection %(object)s out"),
    ),
    ("connection.removed", _("Connection removed"), _("%(who)s removed the connection %(object)s")),
    (
        "connection.made_default",
        _("Default connection chosen"),
        _("%(who)s made %(object)s the connection that messages are sent from"),
    ),
    (
        "connection.bulk_changed",
        _("Automated sending changed"),
        _("%(who)s changed whether %(object)s may be used for automated sending"),
    ),
    (
        "connection.settings_changed",
        _("Settings of a connection changed"),
        _("%(who)s changed the settings of the connection %(object)s"),
    ),
    (
        "connection.muted",
        _("Alerts muted"),
        _("%(who)s muted the alerts of the connection %(object)s"),
    ),
    (
        "connection.unmuted",
        _("Alerts no longer muted"),
        _("%(who)s let the alerts of the connection %(object)s sound again"),
    ),
    (
        "connection.webhook_repaired",
        _("Webhook repaired"),
        _("%(who)s repaired the webhook of the connection %(object)s on its server"),
    ),
    ("connection.created", _("Connection created"), _("%(who)s created the connection %(object)s")),
    (
        "connection.renamed",
        _("Connection renamed"),
        _("%(who)s renamed the connection %(before)s to %(after)s"),
    ),
    (
        "connection.token_rotated",
        _("Token of a connection renewed"),
        _("%(who)s made a new token for the connection %(object)s"),
    ),
    (
        "connection.closed",
        _("Connection refuses events"),
        _("%(who)s made the connection %(object)s refuse all events"),
    ),
    (
        "connection.opened",
        _("Connection takes events again"),
        _("%(who)s let the connection %(object)s take events again"),
    ),
    (
        "connection.sending_paused",
        _("Sending paused"),
        _("%(who)s paused the sending of the connection %(object)s"),
    ),
    (
        "connection.sending_resumed",
        _("Sending resumed"),
        _("%(who)s let the connection %(object)s send again"),
    ),
    ("server.created", _("Server added"), _("%(who)s added the server %(object)s")),
    ("server.changed", _("Server changed"), _("%(who)s changed the server %(object)s")),
    ("server.removed", _("Server removed"), _("%(who)s removed the server %(object)s")),
    (
        "connection.number_registered",
        _("Number of a connection registered"),
        _("%(who)s put the number of the connection %(object)s on record"),
    ),
    (
        "connection.repair_asked",
        _("Search for missed messages"),
        _("%(who)s had missed messages of the connection %(object)s searched for"),
    ),
    (
        "connection.silence_rule_set",
        _("Silence rule changed"),
        _("%(who)s set the silence rule of the connection %(object)s to %(after)s minutes"),
    ),
    (
        "incident.seen",
        _("Incident seen"),
        _("%(who)s noted an incident of the connection %(object)s as seen"),
    ),
    ("contact.merged", _("Contacts merged"), _("%(who)s merged two contacts (%(object)s)")),
    (
        "contact.unmerged",
        _("Merge of contacts undone"),
        _("%(who)s undid a merge of contacts (%(object)s)"),
    ),
    (
        "message.resolved",
        _("Outcome of a message decided"),
        _("%(who)s said what became of a message: %(before)s is now %(after)s"),
    ),
    (
        "events.replayed",
        _("Raw events replayed"),
        _("%(who)s let %(after)s raw events of %(object)s be read again"),
    ),
    (
        "messages.replayed",
        _("Failed messages sent again"),
        _("%(who)s let %(after)s failed messages of %(object)s be sent again"),
    ),
)
_WEBHOOKS = (
    ("webhook.created", _("Webhook created"), _("%(who)s created the webhook %(object)s")),
    ("webhook.changed", _("Webhook changed"), _("%(who)s changed the webhook %(object)s")),
    ("webhook.removed", _("Webhook removed"), _("%(who)s removed the webhook %(object)s")),
    (
        "webhook.secret_renewed",
        _("Secret of a webhook renewed"),
        _("%(who)s made a new secret for the webhook %(object)s"),
    ),
    (
        "webhook.disabled",
        _("Webhook switched off"),
        _("The webhook %(object)s was switched off, because nothing could be delivered"),
    ),
    (
        "webhook.tested",
        _("Webhook tested"),
        _("%(who)s sent a test to the webhook %(object)s"),
    ),
    (
        "webhook.replayed",
        _("Delivery repeated"),
        _("%(who)s had a delivery to the webhook %(object)s repeated"),
    ),
)
# The field whose change the sentence tells, where it tells one.
_FIELDS = {
    "connection.renamed": "name",
    "connection.silence_rule_set": "silence_minutes",
    "message.resolved": "state",
    "events.replayed": "events",
    "messages.replayed": "messages",
}


def register() -> None:
    for name, title, words in (*_ACTS, *_WEBHOOKS):
        register_action(name, title, words, field=_FIELDS.get(name, ""))
