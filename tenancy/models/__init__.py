from tenancy.models.api_key import ApiKey
from tenancy.models.route import WebhookRoute
from tenancy.models.schema_script import SchemaScript
from tenancy.models.tenant import Domain, Tenant
from tenancy.models.user import Membership, User

__all__ = ["ApiKey", "Domain", "Membership", "SchemaScript", "Tenant", "User", "WebhookRoute"]
