"""Django's own `migrate`, for the shared schema.

django_tenants replaces it by a walk through every schema; tenants are migrated by `setup`.
"""

from django.core.management.commands.migrate import Command

__all__ = ["Command"]
