"""The acts of analytics in words, for the audit of a company."""

from django.utils.translation import gettext_lazy as _

from tenancy.audit_words import register_action

# Name, title and sentence.
_ACTS = (
    (
        "prompt.version_created",
        _("Version of a prompt written"),
        _("%(who)s wrote the version %(object)s"),
    ),
    ("prompt.label_moved", _("Label of a prompt moved"), _("%(who)s moved the label %(object)s")),
    (
        "prompt.label_protected",
        _("Protection of a label changed"),
        _("%(who)s changed how freely the label %(object)s may move"),
    ),
    (
        "provider.created",
        _("AI provider added"),
        _("%(who)s added the AI provider %(object)s"),
    ),
    (
        "provider.changed",
        _("AI provider changed"),
        _("%(who)s changed the AI provider %(object)s"),
    ),
    (
        "provider.key_saved",
        _("Key of an AI provider saved"),
        _("%(who)s saved a key for the AI provider %(object)s"),
    ),
    (
        "provider.key_removed",
        _("Key of an AI provider removed"),
        _("%(who)s removed the key of the AI provider %(object)s"),
    ),
    (
        "provider.removed",
        _("AI provider removed"),
        _("%(who)s removed the AI provider %(object)s"),
    ),
    (
        "provider.price_set",
        _("Price of a model set"),
        _("%(who)s set a price for %(object)s"),
    ),
    (
        "provider.price_removed",
        _("Price of a model removed"),
        _("%(who)s removed a price of %(object)s"),
    ),
    ("experiment.created", _("Experiment created"), _("%(who)s created the experiment %(object)s")),
    ("experiment.started", _("Experiment begun"), _("%(who)s began the experiment %(object)s")),
    ("experiment.paused", _("Experiment paused"), _("%(who)s paused the experiment %(object)s")),
    (
        "experiment.resumed",
        _("Experiment resumed"),
        _("%(who)s let the experiment %(object)s go on"),
    ),
    (
        "experiment.cancelled",
        _("Experiment cancelled"),
        _("%(who)s cancelled the experiment %(object)s"),
    ),
    ("experiment.ended", _("Experiment ended"), _("%(who)s ended the experiment %(object)s")),
    (
        "experiment.promoted",
        _("Candidate promoted"),
        _("%(who)s let a candidate of the experiment %(object)s judge from now on"),
    ),
    (
        "experiment.rolled_back",
        _("Promotion taken back"),
        _("%(who)s put back who judged before the experiment %(object)s"),
    ),
    (
        "experiment.review_asked",
        _("Disagreements sent to review"),
        _("%(who)s asked people about disagreements of the experiment %(object)s"),
    ),
    (
        "experiment.canary_stopped",
        _("Canary stopped"),
        _("The canary of the experiment %(object)s broke a guardrail and was stopped"),
    ),
    (
        "analysis.settings_changed",
        _("Settings of analysis changed"),
        _("%(who)s changed what is analysed, by whom and for how much"),
    ),
    (
        "analysis.redaction_off",
        _("Redaction switched off"),
        _("%(who)s lets personal data leave for the provider"),
    ),
    (
        "analysis.redaction_on",
        _("Redaction switched on"),
        _("%(who)s has personal data left out before texts leave for the provider"),
    ),
    (
        "analysis.corrected",
        _("Judgement corrected"),
        _("%(who)s corrected how a message was judged"),
    ),
    ("booster.trained", _("Booster trained"), _("%(who)s had the %(object)s trained")),
    ("gold_set.frozen", _("Gold set frozen"), _("%(who)s froze the set %(object)s")),
)


def register() -> None:
    for name, label, sentence in _ACTS:
        register_action(name, label, sentence)
