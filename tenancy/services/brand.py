"""A company's name, colour and logo on its pages and letters."""

import re
from typing import BinaryIO
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from evosense.core.colors import is_hex
from evosense.core.errors import Invalid
from evosense.core.schema import after_commit, public_scope
from tenancy.models import Brand
from tenancy.selectors.brand import forget_looks
from tenancy.services import audit, pictures

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def change_brand(
    *,
    tenant_id: UUID,
    name: str,
    color: str,
    logo: BinaryIO | None = None,
    drop_logo: bool = False,
) -> Brand:
    """Keep the look; without `logo` the one before stays, unless it is dropped."""
    name, color = _checked_name(name), _checked_color(color)
    # Decoding takes its time: before the transaction, not in it.
    picture = pictures.clean_logo(logo) if logo else None
    with transaction.atomic():
        with public_scope():
            row, _new = Brand.objects.select_for_update().get_or_create(tenant_id=tenant_id)
            before = {"name": row.name, "color": row.color, "logo": row.logo_digest}
            row.name, row.color = name, color
            if picture:
                row.logo, row.logo_digest = picture.png, picture.digest
            elif drop_logo:
                row.logo, row.logo_digest = None, ""
            row.save()
        after = {"name": row.name, "color": row.color, "logo": row.logo_digest}
        changes = {key: [before[key], after[key]] for key in after if before[key] != after[key]}
        if changes:
            audit.record("brand.changed", object_type="brand", changes=changes, tenant_id=tenant_id)
        after_commit(forget_looks)
    return row


def reset_brand(*, tenant_id: UUID) -> None:
    """Go back to the look of the house."""
    with transaction.atomic():
        with public_scope():
            gone, _rows = Brand.objects.filter(pk=tenant_id).delete()
        if gone:
            audit.record("brand.reset", object_type="brand", tenant_id=tenant_id)
        after_commit(forget_looks)


def _checked_name(name: str) -> str:
    text = " ".join(name.split())
    if len(text) > 60 or _CONTROL.search(text):
        raise Invalid("invalid", _("Use at most 60 characters on one line."), field="name")
    return text


def _checked_color(color: str) -> str:
    text = color.strip().lower()
    if text and not is_hex(text):
        raise Invalid("color_invalid", _("Use a colour such as #0b7a5b."), field="color")
    return text
