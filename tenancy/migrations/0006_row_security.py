"""Put every shared table with a tenant column behind row-level security."""

from django.db import migrations

from evosense.core.rowsecurity import protect

TABLES = [
    "tenancy_domain",
    "tenancy_apikey",
    "tenancy_auditentry",
    "tenancy_tenantmigration",
    "tenancy_tenantarchive",
    "tenancy_retiredname",
    "tenancy_role",
    "tenancy_invitation",
    "tenancy_signup",
    "tenancy_securitypolicy",
    "tenancy_supportgrant",
    "tenancy_entitlement",
    "tenancy_feature_tenants",
    "tenancy_announcement_tenants",
    "tenancy_brand",
    "tenancy_mail",
    "tenancy_webhookroute",
    "tenancy_tenantusage",
    "tenancy_membership",
    "core_outboxevent",
    "core_answeredrequest",
    "webhook_events",
]


class Migration(migrations.Migration):
    dependencies = [
        ("tenancy", "0005_archive_and_life"),
        ("core", "0002_remember_answered_requests"),
        ("ingest", "0001_bronze_log"),
    ]

    operations = [operation for table in TABLES for operation in protect(table)]
