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
)


def register() -> None:
    for name, label, sentence in _ACTS:
        register_action(name, label, sentence)
