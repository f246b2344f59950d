"""The acts of operators and support in words, as a company's trail shows them."""

from django.utils.translation import gettext_lazy as _

from tenancy.audit_words import register_action


def register() -> None:
    _support()
    _plan()
    _domains()
    _house()


def _house() -> None:
    """The platform's own chain: what operators did to people, switches and work."""
    for action, label, sentence in (
        ("operator.created", _("Operator created"), _("%(who)s made %(object)s an operator")),
        ("user.deactivated", _("Account closed"), _("%(who)s closed the account %(object)s")),
        ("user.reactivated", _("Account reopened"), _("%(who)s reopened the account %(object)s")),
        (
            "user.factors_reset",
            _("Second step reset"),
            _("%(who)s reset the second step of %(object)s"),
        ),
        ("user.reset_sent", _("Password letter sent"), _("%(who)s sent %(object)s a letter")),
        ("feature.set", _("Switch set"), _("%(who)s set the switch %(object)s")),
        ("feature.removed", _("Switch removed"), _("%(who)s removed the switch %(object)s")),
        ("announcement.made", _("Announcement made"), _("%(who)s announced %(object)s")),
        (
            "announcement.changed",
            _("Announcement changed"),
            _("%(who)s changed the announcement %(object)s"),
        ),
        (
            "announcement.withdrawn",
            _("Announcement withdrawn"),
            _("%(who)s withdrew the announcement %(object)s"),
        ),
        ("mail.retried", _("Letter sent again"), _("%(who)s had a letter sent again")),
        ("work.revived", _("Work queued again"), _("%(who)s had work queued again")),
        ("fleet.resumed", _("Fleet run resumed"), _("%(who)s had the fleet run go on")),
        ("tenant.deleted", _("Company deleted"), _("%(object)s was deleted with everything")),
    ):
        register_action(action, label, sentence)


def _support() -> None:
    register_action(
        "support.opened",
        _("Support access opened"),
        _("%(who)s opened support access: %(object)s"),
        field="until",
    )
    register_action(
        "support.entered",
        _("Support came in"),
        _("%(who)s came in for support: %(object)s"),
    )
    register_action(
        "support.acted",
        _("Support changed something"),
        _("%(who)s did: %(after)s"),
        field="request",
    )
    register_action(
        "support.read", _("Support read an event"), _("%(who)s read the raw %(object)s")
    )
    register_action(
        "events.replayed",
        _("Events replayed"),
        _("%(who)s had %(after)s events read again"),
        field="events",
    )


def _plan() -> None:
    register_action(
        "tenant.plan_changed",
        _("Plan changed"),
        _("%(who)s changed the plan from %(before)s to %(after)s"),
        field="plan",
    )
    register_action(
        "tenant.trial_extended",
        _("Trial extended"),
        _("%(who)s extended the trial to %(after)s"),
        field="trial_ends_at",
    )
    register_action(
        "tenant.entitlement_set", _("Limit set"), _("%(who)s gave the company a limit of its own")
    )
    register_action(
        "tenant.entitlement_dropped",
        _("Limit dropped"),
        _("%(who)s let the plan decide a limit again"),
    )
    register_action(
        "tenant.provisioning_retried",
        _("Preparation retried"),
        _("%(who)s had the company prepared again"),
    )
    register_action(
        "tenant.migration_started",
        _("Migration started"),
        _("%(who)s had the tables of the company brought up to date"),
    )


def _domains() -> None:
    register_action("domain.added", _("Address added"), _("%(who)s added the address %(object)s"))
    register_action("domain.verified", _("Address proved"), _("The proof of %(object)s was found"))
    register_action("domain.lost", _("Address lost"), _("The proof of %(object)s is gone"))
    register_action(
        "domain.removed", _("Address removed"), _("%(who)s removed the address %(object)s")
    )
