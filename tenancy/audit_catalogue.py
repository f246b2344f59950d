"""The acts of this app in words. Other apps describe theirs with `register_action`."""

from django.utils.translation import gettext_lazy as _

from tenancy.audit_words import register_action


def register() -> None:
    _life()
    _people()
    _accounts()
    _company()
    _access()


def _people() -> None:
    register_action(
        "member.invited",
        _("Person invited"),
        _("%(who)s invited %(object)s as %(after)s"),
        field="role",
    )
    register_action(
        "member.joined", _("Person joined"), _("%(object)s joined as %(after)s"), field="role"
    )
    register_action(
        "member.role_changed",
        _("Role of a person changed"),
        _("%(who)s changed the role of %(object)s from %(before)s to %(after)s"),
        field="role",
    )
    register_action(
        "member.ownership_transferred",
        _("Ownership transferred"),
        _("%(who)s made %(object)s the owner"),
    )
    register_action(
        "member.deactivated", _("Person deactivated"), _("%(who)s deactivated %(object)s")
    )
    register_action(
        "member.reactivated", _("Person reactivated"), _("%(who)s let %(object)s come back")
    )
    register_action(
        "invitation.resent",
        _("Invitation sent again"),
        _("%(who)s sent the invitation of %(object)s again"),
    )
    register_action(
        "invitation.revoked",
        _("Invitation taken back"),
        _("%(who)s took back the invitation of %(object)s"),
    )
    register_action("role.created", _("Role created"), _("%(who)s created the role %(object)s"))
    register_action("role.changed", _("Role changed"), _("%(who)s changed the role %(object)s"))
    register_action("role.deleted", _("Role deleted"), _("%(who)s deleted the role %(object)s"))


def _accounts() -> None:
    register_action(
        "session.started",
        _("Log-in"),
        _("%(who)s logged in with %(after)s"),
        field="device",
    )
    register_action("session.failed", _("Log-in refused"), _("A log-in of %(object)s was refused"))
    register_action("session.ended", _("Session ended"), _("%(who)s ended a session of %(object)s"))
    register_action("mfa.enabled", _("Second step set up"), _("%(who)s set up a second step"))
    register_action(
        "mfa.disabled", _("Second step removed"), _("%(who)s removed a second step of %(object)s")
    )
    register_action(
        "mfa.codes_renewed", _("Recovery codes renewed"), _("%(who)s made new recovery codes")
    )
    register_action("passkey.added", _("Passkey added"), _("%(who)s added a passkey"))
    register_action("passkey.renamed", _("Passkey renamed"), _("%(who)s renamed a passkey"))
    register_action("passkey.removed", _("Passkey removed"), _("%(who)s removed a passkey"))
    register_action("password.changed", _("Password changed"), _("%(object)s has a new password"))
    register_action(
        "email.change_asked",
        _("New e-mail asked for"),
        _("%(who)s asked for another e-mail address"),
    )
    register_action("profile.changed", _("Profile changed"), _("%(who)s changed the own profile"))
    register_action("email.changed", _("E-mail changed"), _("%(who)s changed the e-mail address"))


def _company() -> None:
    register_action(
        "settings.changed", _("Company settings changed"), _("%(who)s changed the company's data")
    )
    register_action("brand.changed", _("Brand changed"), _("%(who)s changed the brand"))
    register_action("brand.reset", _("Brand reset"), _("%(who)s went back to the usual look"))
    register_action(
        "policy.changed", _("Security rules changed"), _("%(who)s changed the security rules")
    )


def _access() -> None:
    register_action(
        "key.created", _("API key created"), _("%(who)s created the API key %(object)s")
    )
    register_action("key.revoked", _("API key ended"), _("%(who)s ended the API key %(object)s"))
    register_action(
        "audit.purged",
        _("Old entries removed"),
        _("Entries up to number %(object)s were removed after two years"),
    )
    register_action(
        "audit.exported",
        _("Audit exported"),
        _("%(who)s exported the audit as %(after)s"),
        field="format",
    )
    register_action("support.ended", _("Support access ended"), _("%(who)s ended support access"))


def _life() -> None:
    register_action("tenant.created", _("Company created"), _("The company %(object)s was created"))
    register_action("tenant.suspended", _("Company suspended"), _("%(who)s suspended the company"))
    register_action("tenant.resumed", _("Company resumed"), _("%(who)s let the company work again"))
    register_action(
        "tenant.deletion_asked",
        _("Deletion asked for"),
        _("%(who)s asked for the deletion of the company"),
    )
    register_action(
        "tenant.deletion_cancelled",
        _("Deletion called off"),
        _("%(who)s called the deletion of the company off"),
    )
    register_action(
        "tenant.deletion_begun", _("Deletion begun"), _("The deletion of the company began")
    )
    register_action(
        "tenant.grace_ended", _("Grace ended early"), _("%(who)s had the deletion begin at once")
    )
    register_action("tenant.exported", _("Company exported"), _("%(who)s exported the company"))
    register_action("tenant.imported", _("Company imported"), _("%(who)s imported the company"))
    register_action(
        "tenant.restored_beside",
        _("Copy restored"),
        _("%(who)s restored a copy beside the company"),
    )
    register_action("tenant.swapped", _("Copy swapped in"), _("%(who)s swapped a copy in"))
    register_action(
        "archive.requested", _("Archive asked for"), _("%(who)s asked for an archive of all data")
    )
    register_action("archive.made", _("Archive made"), _("An archive of all data was made"))
    register_action(
        "archive.downloaded", _("Archive fetched"), _("%(who)s fetched an archive of all data")
    )
