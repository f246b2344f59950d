"""Columns of the shared schema whose ciphertexts are sealed by hand; `reencrypt` walks them too."""

from evosense.core.crypto import SENDER_KEY_PLACE
from evosense.core.sealed import SealedColumn, register_sealed
from tenancy.allauth_adapter import SECRET_PLACE
from tenancy.services.archives import PASSPHRASE_PLACE

# The entries of an authenticator's JSON that allauth hands to our adapter.
MFA_KEYS = ("secret", "seed", "migrated_codes")


def register_sealed_columns() -> None:
    register_sealed(SealedColumn("tenancy.Tenant", "sender_key", SENDER_KEY_PLACE, owner="id"))
    register_sealed(
        SealedColumn("tenancy.TenantArchive", "passphrase", PASSPHRASE_PLACE, owner="tenant_id")
    )
    register_sealed(SealedColumn("mfa.Authenticator", "data", SECRET_PLACE, keys=MFA_KEYS))
