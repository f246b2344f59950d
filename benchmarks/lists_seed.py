"""A large tenant made by SQL within a minute or two."""

from typing import Any

from django.contrib.postgres.indexes import GinIndex
from django.db import connection  # noqa: TID251
from django.utils import timezone

from evosense.core.schema import TenantRef, public_scope
from messaging.addresses import identity_hmac, number_hmac, search_form, tail_hmac
from messaging.models import Connection, Contact, Identity, Message

NAMES = ("Ana", "João", "Maria", "José", "Bia", "Caio", "Rita", "Luís", "Davi", "Inês", "Otávio")
SURNAMES = ("Silva", "Souza", "Costa", "Ramos", "Alves", "Lima", "Gomes", "Rocha", "Dias", "Melo")
GROUP_EVERY = 20
LINES = 4

_CONVERSATIONS = """
INSERT INTO messaging_conversation (public_id, connection_id, contact_id, kind, status, is_live,
    is_archived_on_phone, last_message_at, preview, preview_type, preview_direction,
    preview_status, unread_count)
SELECT uuidv7(), lines.ids[1 + c.id %% %s], c.id, c.kind, 'open', true, false, now(),
    'Bom dia, tudo bem?', 'text', 'inbound', 'received',
    CASE WHEN c.id %% 10 = 0 THEN 3 ELSE 0 END
FROM messaging_contact c, (SELECT array_agg(id ORDER BY id) ids FROM messaging_connection) lines
"""
_MESSAGES = """
INSERT INTO messaging_message (public_id, connection_id, conversation_id, provider_id, direction,
    source, author_id, type, subtype, text, status, occurred_at, occurred_at_estimated,
    received_at, edited_text_unknown, reply_to_provider_id, view_once, is_forwarded,
    is_placeholder, is_hidden, is_history)
SELECT uuidv7(), v.connection_id, v.id, 'ID' || g, d.direction,
    CASE d.direction WHEN 'inbound' THEN 'customer' ELSE 'phone' END,
    CASE WHEN v.kind = 'group' AND d.direction = 'inbound'
        THEN 1 + (g * 7919) %% (SELECT max(id) FROM messaging_contact) END,
    CASE WHEN g %% 12 = 0 THEN 'image' WHEN g %% 2000 = 0 THEN 'location' ELSE 'text' END, '',
    words.list[1 + g %% 17] || ' ' || words.list[1 + (g * 31) %% 17] || ' '
        || words.list[1 + (g * 101) %% 17] || ' ' || 'w' || (g * 7919) %% 20000,
    CASE d.direction WHEN 'inbound' THEN 'received' ELSE 'read' END,
    now() - make_interval(secs => 90 * 86400.0 * (1 - g::float / %s)), false,
    now(), false, CASE WHEN g %% 20 = 0 THEN 'ID' || (g - 1) ELSE '' END, false, false,
    false, false, false
FROM generate_series(1::bigint, %s) g
CROSS JOIN LATERAL (SELECT (g * 7919 + 13) %% 3 = 0 AS mine) m
CROSS JOIN LATERAL (SELECT CASE WHEN mine THEN 'outbound' ELSE 'inbound' END AS direction) d
CROSS JOIN LATERAL (SELECT 1 + floor(%s * power(random() + 0 * g, 3))::int AS place) p
JOIN messaging_conversation v ON v.id = p.place
CROSS JOIN (SELECT ARRAY['bom dia','pagamento','boleto','entrega','pedido','obrigado','consulta',
    'horário','amanhã','contrato','orçamento','nota fiscal','garantia','troca','cartão','pix',
    'endereço'] AS list) words
"""
_REST = (
    "INSERT INTO messaging_reaction (message_id, author_id, emoji, reacted_at)"
    " SELECT id, NULL, '👍', now() FROM messaging_message WHERE id % 50 = 0",
    "INSERT INTO messaging_messageversion (message_id, text, written_at)"
    " SELECT id, 'antes', now() FROM messaging_message WHERE id % 100 = 0",
    "INSERT INTO messaging_messagemedia (message_id, status, kind, mime, size, name, storage_key,"
    " remote_url) SELECT id, 'stored', 'image', 'image/jpeg', 1000, '', '', ''"
    " FROM messaging_message WHERE type = 'image'",
    "UPDATE messaging_conversation v SET last_message_at = l.at, last_message_id = l.id,"
    " last_inbound_at = l.at FROM (SELECT DISTINCT ON (conversation_id) conversation_id, id,"
    " occurred_at AS at FROM messaging_message ORDER BY conversation_id, occurred_at DESC, id"
    " DESC) l WHERE l.conversation_id = v.id",
)
_INDEXES = Message._meta.indexes  # noqa: SLF001
_WORDS = next(index.name for index in _INDEXES if isinstance(index, GinIndex))


def make_tenant() -> TenantRef:
    from tenancy.db import migrate, provision  # noqa: PLC0415
    from tenancy.services.tenants import create_tenant  # noqa: PLC0415

    with public_scope():
        migrate.migrate_public()
        tenant = create_tenant(name="Bench", slug="bench")
        provision.provision(tenant.id)
        return tenant.ref


def seed(*, messages: int, conversations: int) -> None:
    for number in range(LINES):
        Connection.objects.create(name=f"linha {number}", instance=f"evs-{number}")
    _contacts(conversations)
    run(_CONVERSATIONS, [LINES])
    with connection.cursor() as cursor:
        # Built at once afterwards: a million single insertions take many times as long.
        cursor.execute("SELECT pg_get_indexdef(%s::regclass)", [_WORDS])
        (definition,) = cursor.fetchone()
    run(f"DROP INDEX {_WORDS}")
    run(_MESSAGES, [messages, messages, conversations])
    run(definition)
    for statement in _REST:
        run(statement)
    run("VACUUM ANALYZE")


def run(statement: str, params: list[Any] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def _contacts(count: int) -> None:
    step = 5_000
    for start in range(0, count, step):
        made = [_contact(number) for number in range(start, min(count, start + step))]
        contacts = Contact.objects.bulk_create(made)
        Identity.objects.bulk_create(
            [_identity(start + place, contact) for place, contact in enumerate(contacts)]
        )


def _contact(number: int) -> Contact:
    kind = "group" if number % GROUP_EVERY == 0 else "person"
    first, last = NAMES[number % len(NAMES)], SURNAMES[number // 7 % len(SURNAMES)]
    name = f"Grupo {number}" if kind == "group" else f"{first} {last} {number}"
    return Contact(kind=kind, name=name, search_name=search_form(name), updated_at=timezone.now())


def _identity(number: int, contact: Contact) -> Identity:
    if contact.kind == "group":
        address = f"1203630{number:011d}"
        return Identity(
            contact=contact, kind="group", address=address, hmac=identity_hmac("group", address)
        )
    address = f"55119{number:08d}"
    return Identity(
        contact=contact,
        kind="pn",
        address=address,
        hmac=identity_hmac("pn", address),
        br_hmac=number_hmac(address),
        tail_hmac=tail_hmac(address),
    )
