"""Where a message goes: a conversation that exists, or the first one with an address."""

from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict, Invalid, NotFound
from evosense.core.phones import br_variants, parse_phone
from messaging.addresses import identity_hmac, number_hmac, split_jid
from messaging.ingest.apply import lock_key
from messaging.ingest.envelope.jids import jid_kind, norm_jid
from messaging.models import Connection, Contact, Conversation, Identity
from messaging.selectors.connections import connection_model
from messaging.selectors.conversations import conversation_to_write
from messaging.services.identities import add_identity
from messaging.services.merges import lock_identities
from messaging.services.sending.requests import SendRequest
from messaging.sql import Sql

_LOCK = """
SELECT id FROM messaging_conversation WHERE id = %s::bigint AND is_live FOR NO KEY UPDATE
"""


def recipient_of(request: SendRequest) -> tuple[Connection, Conversation]:
    """Return the connection and the conversation, made where this is the first word.

    Raises Invalid or NotFound. Runs inside the caller's transaction.
    """
    if request.conversation is None:
        if not request.to:
            message = _("Say where it goes: a conversation, or a number.")
            raise Invalid("required", message, field="to")
        connection = connection_for(request.connection)
        return connection, conversation_with(connection, request.to)
    if request.to:
        message = _("Give a conversation or a number, not both.")
        raise Invalid("invalid", message, field="to")
    conversation = conversation_to_write(request.conversation)
    if request.connection not in (None, conversation.connection.public_id):
        raise Invalid(
            "invalid",
            _("This conversation belongs to another connection."),
            field="connection_id",
        )
    if conversation.kind == Conversation.Kind.BROADCAST:
        raise Invalid(
            "invalid", _("Nothing can be sent to a broadcast list."), field="conversation_id"
        )
    return conversation.connection, conversation


def connection_for(public_id: UUID | None) -> Connection:
    """Return the connection asked for, else the default one, else the only one."""
    if public_id is not None:
        return connection_model(public_id)
    rows = list(
        Connection.objects.filter(removed_at=None, is_active=True).order_by("-is_default", "pk")[:2]
    )
    if not rows:
        raise NotFound("connection_not_found", _("There is no connection yet."))
    if len(rows) > 1 and not rows[0].is_default:
        raise Invalid("required", _("Say which connection sends."), field="connection_id")
    return rows[0]


def conversation_with(connection: Connection, to: str) -> Conversation:
    """Return the live conversation with an address; creates contact and conversation if need be."""
    jid = read_address(to)
    if _is_own(connection, jid):
        raise Invalid("own_number", _("This is the connection's own number."), field="to")
    sql = Sql()
    # Apply opens conversations too; under its lock nobody opens the same one twice.
    sql.rows("SELECT pg_advisory_xact_lock(%s)", [lock_key(connection.public_id)])
    contact = _contact_of(sql, jid)
    live = Conversation.objects.filter(connection=connection, contact=contact, is_live=True)
    found = live.select_related("connection", "contact").first()
    if found is not None:
        return found
    return Conversation.objects.create(
        connection=connection, contact=contact, kind=contact.kind, last_message_at=timezone.now()
    )


def read_address(to: str) -> str:
    """Return a JID of what somebody typed: a number in any form, or a JID."""
    if "@" in to:
        jid = norm_jid(to)
        if jid_kind(jid) in ("pn", "lid", "group"):
            return jid
    elif digits := parse_phone(to):
        return f"{digits}@s.whatsapp.net"
    message = _("Use a number with country and area code, such as 55 11 91234-5678.")
    raise Invalid("invalid", message, field="to")


def _is_own(connection: Connection, jid: str) -> bool:
    kind, address = split_jid(jid)
    own = {bytes(key) for key in (connection.own_hmac, connection.own_lid_hmac) if key}
    forms = br_variants(address) if kind == "pn" else (address,)
    if any(identity_hmac(kind, form) in own for form in forms):
        return True
    return kind == "pn" and connection.number in forms


def _contact_of(sql: Sql, jid: str) -> Contact:
    kind, address = split_jid(jid)
    found = _known(kind, address)
    if found is None:
        if kind == "group":
            raise Invalid("unknown_group", _("This group is not known here."), field="to")
        lock_identities(sql)
        found = _known(kind, address)
    if found is None:
        found = Contact.objects.create(kind=Contact.Kind.PERSON)
        add_identity(found.pk, jid)
    return found


def _known(kind: str, address: str) -> Contact | None:
    """Find who has an address; of a Brazilian number either form, the one seen last first."""
    rows = Identity.objects.select_related("contact")
    exact = rows.filter(hmac=identity_hmac(kind, address)).first()
    if exact is None and kind == "pn":
        exact = rows.filter(br_hmac=number_hmac(address)).order_by("-last_seen").first()
    return exact.contact if exact else None


def lock_conversation(conversation: Conversation) -> None:
    """Lock the row before its messages change, as apply does; raises Conflict once merged."""
    if not Sql().often(_LOCK, [conversation.pk]):
        raise Conflict("conversation_moved", _("This conversation became part of another one."))
