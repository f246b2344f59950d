"""What people and programs may ask for: each checked before it waits."""

from uuid import UUID

from django.utils.translation import gettext as _

from analytics.errands.starting import start
from analytics.models import Errand
from evosense.core.errors import Conflict
from messaging.selectors.conversations import conversation_model
from messaging.selectors.wordings import ends_of, message_pk, wordings_of

Kind = Errand.Kind


def ask_judgement(message_id: UUID, *, asked_by: int | None = None) -> Errand:
    """Have a message judged now; the same words by the same analyser are not paid for twice.

    Raises NotFound, or Conflict `nothing_said` for a message without words.
    """
    if not wordings_of([message_pk(message_id)]):
        raise Conflict("nothing_said", _("There are no words to analyse in this message."))
    return start(Kind.JUDGE, subject=message_id, asked_by=asked_by)


def ask_analysis(conversation_id: UUID, *, asked_by: int | None = None) -> Errand:
    """Have a conversation analysed as far as it went; raises as `ask_judgement`."""
    return start(Kind.CONVERSATION, subject=_spoken(conversation_id), asked_by=asked_by)


def ask_replies(conversation_id: UUID, *, asked_by: int | None = None, agent: str = "") -> Errand:
    """Have replies suggested; `agent` is who would send them. Raises as `ask_judgement`."""
    request = {"agent": agent}
    subject = _spoken(conversation_id)
    return start(Kind.REPLIES, subject=subject, request=request, asked_by=asked_by)


def ask_probe(provider_id: UUID, *, asked_by: int | None = None) -> Errand:
    """Have a provider of one's own tested; whose it is was checked by the caller."""
    return start(Kind.PROBE, subject=provider_id, asked_by=asked_by)


def _spoken(conversation_id: UUID) -> UUID:
    """Return the id of the conversation that counts, once something was said in it."""
    talk = conversation_model(conversation_id)
    _first, said, _total = ends_of(talk.pk, first=0, last=1)
    if not said:
        raise Conflict("nothing_said", _("Nothing was said in this conversation yet."))
    return talk.public_id
