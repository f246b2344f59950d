"""Cache keys. The tenant comes from the context variable, never from a connection.

The stock key function reads `connection.schema_name`, which is `public` on an event loop: one
tenant was measured to read another's value.
"""

from evosense.core.schema import current_tenant


def tenant_key(key: str, prefix: str, version: int) -> str:
    """Return a key that only the active tenant can produce; raises NoTenantError without one."""
    return f"t:{current_tenant().id}:cache:{prefix}:{version}:{key}"


def shared_key(key: str, prefix: str, version: int) -> str:
    """Return a key of the installation, for data that belongs to no tenant."""
    return f"g:cache:{prefix}:{version}:{key}"
