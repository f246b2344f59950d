"""Show the customer that somebody types. Best effort: nobody misses one that never came."""

from celery import shared_task
from django.core.cache import cache

from evosense.core.schema import enqueue
from messaging.addresses import join_jid
from messaging.gateway.client.errors import EvolutionError
from messaging.gateway.client.evolution import evolution
from messaging.gateway.servers import Unreachable, instance_of
from messaging.models import Conversation
from messaging.selectors.people import main_identity
from messaging.services.sending.refusals import refuse

# WhatsApp lets the sign go out after some ten seconds; pages tell while somebody types.
EVERY_SECONDS = 5
SHOWN_MS = 5_000


def tell(conversation: Conversation) -> None:
    """Let a worker show "typing…", at most once in `EVERY_SECONDS` however many pages ask.

    Raises Conflict where nothing could be sent now.
    """
    refuse(conversation.connection, "text", may_wait=False)
    if cache.add(f"typing:{conversation.pk}", 1, timeout=EVERY_SECONDS):
        enqueue(show_typing, conversation_pk=conversation.pk)


@shared_task(name="messaging.show_typing", expires=EVERY_SECONDS)
def show_typing(*, conversation_pk: int) -> None:
    """Ask the server for it; whatever goes wrong, the message itself will tell."""
    row = Conversation.objects.select_related("connection").get(pk=conversation_pk)
    identity = main_identity(row.contact.identities.all())
    if identity is None:
        return
    try:
        instance = instance_of(row.connection)
        to = join_jid(identity.kind, identity.address)
        evolution().presence(instance, to=to, state="composing", ms=SHOWN_MS)
    except (Unreachable, EvolutionError):
        return
