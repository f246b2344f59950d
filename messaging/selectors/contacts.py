"""The contact list and one contact with its addresses, merges and groups."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import NotFound
from evosense.core.pagination import newest_first
from evosense.core.phones import format_phone, mask_phone
from messaging.addresses import join_jid
from messaging.models import Contact, ContactMerge, GroupMember, Identity
from messaging.selectors.conversations import ConversationRow, conversations_of_contact
from messaging.selectors.people import Person, people, person
from messaging.selectors.search import contacts_like, contacts_of_jid

PAGE = 30
MOST_MEMBERS = 200


@dataclass(frozen=True, slots=True)
class ContactFilter:
    """What to list; a field left at its default does not narrow the list."""

    q: str = ""
    kind: str = ""
    chat: str = ""


@dataclass(frozen=True, slots=True)
class IdentityView:
    """One address. `address` is masked and `jid` empty for readers who may not see numbers."""

    kind: str
    address: str
    jid: str
    sender: str
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class ContactRow:
    person: Person
    name_source: str
    push_name: str
    identities: list[IdentityView]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ContactPage:
    rows: list[ContactRow]
    next: str | None


@dataclass(frozen=True, slots=True)
class MergeView:
    """One merge into this contact, newest first; undoing is possible once."""

    pk: int
    loser: Person | None
    reason: str
    actor_user_id: int | None
    created_at: datetime
    undone_at: datetime | None

    @property
    def is_undoable(self) -> bool:
        return self.undone_at is None


@dataclass(frozen=True, slots=True)
class MembershipView:
    """The other side of a membership: the group of a person, or the person in a group."""

    other: Person
    role: str
    is_present: bool
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class ContactDetail:
    row: ContactRow
    conversations: list[ConversationRow]
    merges: list[MergeView]
    groups: list[MembershipView]
    members: list[MembershipView]

    @property
    def person(self) -> Person:
        return self.row.person

    @property
    def since(self) -> datetime:
        """When we first met; an imported contact is older than its row."""
        return min([self.row.created_at, *(one.started_at for one in self.conversations)])


def contact_page(
    filters: ContactFilter,
    *,
    cursor: str | None = None,
    limit: int = PAGE,
    show_numbers: bool,
) -> ContactPage:
    """Return contacts, the one changed last first; merged ones appear as what they became."""
    rows = Contact.objects.filter(merged_into=None).prefetch_related("identities")
    if filters.kind:
        rows = rows.filter(kind=filters.kind)
    if filters.q.strip():
        rows = rows.filter(contacts_like(filters.q))
    if filters.chat:
        rows = rows.filter(pk__in=contacts_of_jid(filters.chat))
    page = newest_first(rows, field="updated_at", limit=limit, cursor=cursor)
    return ContactPage([_row(one, show_numbers=show_numbers) for one in page.rows], page.next)


def contact_model(public_id: UUID) -> Contact:
    """Return the stored contact; an id that was merged leads to the one that remained."""
    rows = Contact.objects.prefetch_related("identities")
    found = rows.filter(public_id=public_id).first()
    while found is not None and found.merged_into_id is not None:
        found = rows.filter(pk=found.merged_into_id).first()
    if found is None:
        raise NotFound("contact_not_found", _("This contact does not exist."))
    return found


def contact_row(public_id: UUID, *, show_numbers: bool) -> ContactRow:
    """Return one contact with its addresses; raises NotFound."""
    return _row(contact_model(public_id), show_numbers=show_numbers)


def contact_detail(public_id: UUID, *, show_numbers: bool) -> ContactDetail:
    """Return one contact with all that its page shows; raises NotFound."""
    contact = contact_model(public_id)
    return ContactDetail(
        row=_row(contact, show_numbers=show_numbers),
        conversations=conversations_of_contact(contact.pk, show_numbers=show_numbers),
        merges=_merges(contact, show_numbers=show_numbers),
        groups=_memberships(contact.groups.all(), other="group_id", show_numbers=show_numbers),
        members=_memberships(contact.members.all(), other="member_id", show_numbers=show_numbers),
    )


def _row(contact: Contact, *, show_numbers: bool) -> ContactRow:
    ordered = sorted(contact.identities.all(), key=lambda one: (one.kind != "pn", one.pk))
    return ContactRow(
        person=person(contact, show_numbers=show_numbers),
        name_source=contact.name_source,
        push_name=contact.push_name,
        identities=[_identity(one, show_numbers=show_numbers) for one in ordered],
        created_at=contact.created_at,
        updated_at=contact.updated_at,
    )


def _identity(one: Identity, *, show_numbers: bool) -> IdentityView:
    if not show_numbers:
        shown = mask_phone(one.address)
    elif one.kind == Identity.Kind.PHONE:
        shown = format_phone(one.address)
    else:
        shown = one.address
    return IdentityView(
        kind=one.kind,
        address=shown,
        jid=join_jid(one.kind, one.address) if show_numbers else "",
        sender=bytes(one.hmac).hex(),
        first_seen=one.first_seen,
        last_seen=one.last_seen,
    )


def _merges(contact: Contact, *, show_numbers: bool) -> list[MergeView]:
    found = list(ContactMerge.objects.filter(winner=contact).order_by("-created_at", "-pk")[:50])
    losers = people((one.loser_id for one in found), show_numbers=show_numbers)
    return [
        MergeView(
            pk=one.pk,
            loser=losers.get(one.loser_id),
            reason=one.reason,
            actor_user_id=one.actor_user_id,
            created_at=one.created_at,
            undone_at=one.undone_at,
        )
        for one in found
    ]


def _memberships(
    rows: QuerySet[GroupMember], *, other: str, show_numbers: bool
) -> list[MembershipView]:
    found = list(rows.order_by("-is_present", "pk")[:MOST_MEMBERS])
    known = people((getattr(one, other) for one in found), show_numbers=show_numbers)
    return [
        MembershipView(known[getattr(one, other)], one.role, one.is_present, one.changed_at)
        for one in found
        if getattr(one, other) in known
    ]
