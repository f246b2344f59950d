"""What a company says about itself: name, time zone, language."""

import re
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Invalid
from evosense.core.schema import after_commit, public_scope
from tenancy.models import Tenant
from tenancy.selectors.hosts import forget_hosts
from tenancy.services import audit

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def change_company(*, tenant_id: UUID, name: str, timezone: str, locale: str) -> Tenant:
    """Keep what is right and audit what is different. Other processes see it within 30 seconds."""
    wanted = {"name": _checked_name(name), "timezone": timezone, "locale": locale}
    if timezone not in available_timezones():
        raise Invalid("timezone_unknown", _("There is no such time zone."), field="timezone")
    if locale not in dict(settings.LANGUAGES):
        raise Invalid("locale_unknown", _("There is no such language."), field="locale")
    with transaction.atomic():
        with public_scope():
            tenant: Tenant = Tenant.objects.select_for_update(no_key=True).get(pk=tenant_id)
            changes: dict[str, list[Any]] = {
                field: [getattr(tenant, field), value]
                for field, value in wanted.items()
                if getattr(tenant, field) != value
            }
            for field, value in wanted.items():
                setattr(tenant, field, value)
            tenant.save(update_fields=[*wanted, "updated_at"])
        if changes:
            audit.record(
                "settings.changed",
                object_type="tenant",
                object_id=tenant.pk,
                object_label=tenant.name,
                changes=changes,
                tenant_id=tenant_id,
            )
        after_commit(forget_hosts)
    return tenant


def _checked_name(name: str) -> str:
    text = " ".join(name.split())
    if not 1 <= len(text) <= 160 or _CONTROL.search(text):
        raise Invalid("name_invalid", _("Use 1 to 160 characters on one line."), field="name")
    return text
