"""Every page of this app on the operators' site; importing it registers them."""

from django.utils.translation import gettext_lazy as _

from tenancy.admin import access, house, people, switches, tenants
from tenancy.admin.navigation import add_group
from tenancy.admin.words import say_all

__all__ = ["access", "house", "people", "switches", "tenants"]

say_all()
add_group(
    _("Companies"),
    [
        (_("Companies"), "apartment", "admin:tenancy_tenant_changelist"),
        (_("Sign-ups"), "person_add", "admin:tenancy_signup_changelist"),
        (_("People"), "group", "admin:tenancy_user_changelist"),
        (_("Domains"), "language", "admin:tenancy_domain_changelist"),
        (_("Support access"), "support_agent", "admin:tenancy_supportgrant_changelist"),
        (_("Limits"), "tune", "admin:tenancy_entitlement_changelist"),
    ],
)
add_group(
    _("The house"),
    [
        (_("Fleet runs"), "upgrade", "admin:tenancy_fleetrun_changelist"),
        (_("Migrations"), "table", "admin:tenancy_tenantmigration_changelist"),
        (_("Letters"), "mail", "admin:tenancy_mail_changelist"),
        (_("Switches"), "toggle_on", "admin:tenancy_feature_changelist"),
        (_("Announcements"), "campaign", "admin:tenancy_announcement_changelist"),
        (_("Audit"), "history", "admin:tenancy_auditentry_changelist"),
    ],
)
