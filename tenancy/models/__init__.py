from tenancy.models.api_key import ApiKey
from tenancy.models.audit import AuditEntry
from tenancy.models.fleet import FleetRun, RetiredName, TenantArchive, TenantMigration
from tenancy.models.people import (
    Invitation,
    LoginThrottle,
    Role,
    SecurityPolicy,
    SignUp,
    SupportGrant,
)
from tenancy.models.platform import (
    Announcement,
    AnnouncementSeen,
    Brand,
    Entitlement,
    Feature,
    Mail,
)
from tenancy.models.route import WebhookRoute
from tenancy.models.schema_script import SchemaScript
from tenancy.models.tenant import Domain, Tenant
from tenancy.models.usage import TenantUsage
from tenancy.models.user import Membership, User

__all__ = [
    "Announcement",
    "AnnouncementSeen",
    "ApiKey",
    "AuditEntry",
    "Brand",
    "Domain",
    "Entitlement",
    "Feature",
    "FleetRun",
    "Invitation",
    "LoginThrottle",
    "Mail",
    "Membership",
    "RetiredName",
    "Role",
    "SchemaScript",
    "SecurityPolicy",
    "SignUp",
    "SupportGrant",
    "Tenant",
    "TenantArchive",
    "TenantMigration",
    "TenantUsage",
    "User",
    "WebhookRoute",
]
