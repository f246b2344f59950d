"""The acts of operators and support in words, as a company's trail shows them."""

from django.utils.translation import gettext_lazy as _

from tenancy.audit_words import register_action


def register() -> None:
    _support()
    _plan()
    _domains()


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
