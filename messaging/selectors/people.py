"""Who somebody is, for a list: one name to show, and the number as far as the reader may see it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from evosense.core.phones import format_phone, mask_phone
from messaging.addresses import join_jid
from messaging.models import Contact, Identity

_PREFERENCE = {Identity.Kind.PHONE: 0, Identity.Kind.GROUP: 1, Identity.Kind.LID: 2}


@dataclass(frozen=True, slots=True)
class Person:
    """A contact as lists show it. `number` is masked and `jid` empty without `show_numbers`."""

    pk: int
    id: UUID
    kind: str
    name: str
    number: str
    jid: str
    avatar_url: str
    is_named: bool

    @property
    def is_group(self) -> bool:
        return self.kind == Contact.Kind.GROUP


def people(contact_pks: Iterable[int | None], *, show_numbers: bool) -> dict[int, Person]:
    """Return the persons of these contacts by key, in two queries however many they are."""
    wanted = {pk for pk in contact_pks if pk is not None}
    contacts = Contact.objects.filter(pk__in=wanted).prefetch_related("identities")
    return {contact.pk: person(contact, show_numbers=show_numbers) for contact in contacts}


def person(contact: Contact, *, show_numbers: bool) -> Person:
    """Return one person; the contact's identities should be prefetched."""
    main = main_identity(contact.identities.all())
    number = shown_number(main, show_numbers=show_numbers)
    known = contact.name or contact.push_name
    return Person(
        pk=contact.pk,
        id=contact.public_id,
        kind=contact.kind,
        name=known or number or _nameless(contact),
        number=number,
        jid=join_jid(main.kind, main.address) if main and show_numbers else "",
        avatar_url=contact.avatar_url,
        is_named=bool(known),
    )


def main_identity(identities: Collection[Identity]) -> Identity | None:
    """Return the address to show: a phone before a LID, the one seen last before older ones."""
    return min(
        identities,
        key=lambda one: (_PREFERENCE[Identity.Kind(one.kind)], -one.last_seen.timestamp(), one.pk),
        default=None,
    )


def shown_number(identity: Identity | None, *, show_numbers: bool) -> str:
    """Return a phone number for people, masked unless they may see it; '' for other addresses."""
    if identity is None or identity.kind != Identity.Kind.PHONE:
        return ""
    return (format_phone if show_numbers else mask_phone)(identity.address)


def _nameless(contact: Contact) -> str:
    return _("Group") if contact.kind == Contact.Kind.GROUP else _("Hidden number")
