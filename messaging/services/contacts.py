"""What people change about a contact. Merging and undoing are in `merges`."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Invalid
from evosense.core.schema import after_commit, current_tenant
from messaging.addresses import search_form
from messaging.hints import send_hint
from messaging.models import Contact
from messaging.selectors.contacts import contact_model
from messaging.selectors.search import clean

LONGEST = 200


def rename_contact(public_id: UUID, *, name: str) -> Contact:
    """Give a contact a name that WhatsApp no longer replaces; an empty one gives it back."""
    name = " ".join(clean(name).split())
    if len(name) > LONGEST:
        raise Invalid("invalid", _("Use at most 200 characters."), field="name")
    contact = contact_model(public_id)
    with transaction.atomic():
        row = Contact.objects.select_for_update(no_key=True).get(pk=contact.pk)
        row.updated_at = timezone.now()
        _set_name(row, name)
        row.save(update_fields=["name", "name_source", "name_at", "search_name", "updated_at"])
        tenant_id, payload = current_tenant().id, {"contact_ids": [row.pk]}
        after_commit(lambda: send_hint(tenant_id, "messaging.contacts_merged", payload))
    return row


def _set_name(row: Contact, name: str) -> None:
    if name:
        row.name, row.name_source = name, Contact.NameSource.AGENT
        row.name_at = row.updated_at
    else:
        source = Contact.NameSource.PROFILE if row.push_name else Contact.NameSource.NONE
        row.name, row.name_source = row.push_name, source
        row.name_at = row.push_name_at
    row.search_name = search_form(row.name)
