"""Letters: stored with the act, sent after it, at least once and with patience.

A `Mail` row says what the letter is about. Its text is made when it leaves, so a link is never
stored, a letter about something that is no longer true is dropped, and a retry days later is still
right. Claiming is one conditional UPDATE that takes a lease; a process that dies while sending
loses the lease and the letter goes out again, with the same Message-ID.
"""

import logging
import smtplib
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from evosense.core.logging import mask
from evosense.core.schema import public_scope
from tenancy.models import Mail
from tenancy.services import mail_text
from tenancy.services.kick import kick

logger = logging.getLogger(__name__)

Builder = Callable[[Mail], dict[str, Any] | None]

MAX_ATTEMPTS = 8
# After the first, second, … failure: about a day in all, so that a night without server is bridged.
PAUSES = tuple(timedelta(seconds=s) for s in (30, 300, 900, 3600, 10800, 21600, 43200))
# Longer than a slow server takes with its time-outs.
LEASE = timedelta(minutes=3)
SWEEP_AT_ONCE = 200
KEEP = timedelta(days=30)

_builders: dict[str, Builder] = {}


def register_mail(kind: str, builder: Builder) -> None:
    """Say how letters of `kind` come about; call it in `AppConfig.ready`.

    `builder(mail)` runs in the shared schema when the letter leaves. It returns the context of
    `templates/emails/<kind>.{subject.txt,txt,html}`, or None when the letter is no longer true.
    """
    _builders[kind] = builder


def post(
    kind: str, *, to: str, object_id: object = "", tenant_id: UUID | None = None, locale: str = ""
) -> Mail:
    """Store a letter in the transaction of the act and start its delivery after the commit."""
    if kind not in _builders:
        raise ValueError(f"{kind!r} is not a registered kind of letter.")
    with public_scope():
        mail = Mail.objects.create(
            kind=kind, to=to, object_id=str(object_id), tenant_id=tenant_id, locale=locale
        )
    kick("tenancy.deliver_mail", mail_id=str(mail.pk))
    return mail


def deliver(mail_id: UUID) -> str:
    """Send one letter if it is due and nobody else sends it; returns its state, "" if not ours.

    Call it outside of transactions: a mail server may take a minute to answer.
    """
    if not settings.EMAIL_READY:
        return ""
    mail = _claim(mail_id)
    if mail is None:
        return ""
    try:
        message = mail_text.compose(mail, _builders[mail.kind])
        if message is None:
            return _close(mail, Mail.State.DROPPED)
        message.send()
    except Exception as error:  # noqa: BLE001  a bug in one letter must not stop the others
        return _put_back(mail, error)
    return _close(mail, Mail.State.SENT)


def sweep() -> int:
    """Deliver what is due: letters whose kick was lost, retries, lost leases; returns how many."""
    if not settings.EMAIL_READY:
        _warn_about_waiting()
        return 0
    with public_scope():
        due = _due().order_by("next_attempt_at").values_list("pk", flat=True)[:SWEEP_AT_ONCE]
        ids = list(due)
    return sum(deliver(mail_id) == Mail.State.SENT for mail_id in ids)


def purge() -> int:
    """Forget letters that are done for 30 days; their addresses are personal data."""
    with public_scope():
        old = Mail.objects.filter(created_at__lt=timezone.now() - KEEP)
        return old.exclude(state=Mail.State.WAITING).delete()[0]


def _due() -> Any:
    return Mail.objects.filter(state=Mail.State.WAITING, next_attempt_at__lte=Now())


def _claim(mail_id: UUID) -> Mail | None:
    with public_scope():
        claimed = (
            _due()
            .filter(pk=mail_id)
            .update(attempts=F("attempts") + 1, next_attempt_at=timezone.now() + LEASE)
        )
        return Mail.objects.select_related("tenant").get(pk=mail_id) if claimed else None


def _close(mail: Mail, state: Mail.State) -> str:
    sent_at = timezone.now() if state == Mail.State.SENT else None
    return _settle(mail, state=state, sent_at=sent_at, error="")


def _put_back(mail: Mail, error: Exception) -> str:
    reason = mask(f"{type(error).__name__}: {error}")[:200]
    if not isinstance(error, (OSError, smtplib.SMTPException)):
        logger.error("letter %s cannot be made", mail.kind, exc_info=error)
    if mail.attempts >= MAX_ATTEMPTS or _is_final(error):
        logger.error("letter %s was given up: %s", mail.kind, reason)
        return _settle(mail, state=Mail.State.FAILED, error=reason)
    logger.warning("letter %s is tried again later: %s", mail.kind, reason)
    later = timezone.now() + PAUSES[mail.attempts - 1]
    return _settle(mail, state=Mail.State.WAITING, next_attempt_at=later, error=reason)


def _settle(mail: Mail, **values: Any) -> str:
    """Write the outcome unless the lease was lost meanwhile and somebody else writes it."""
    with public_scope():
        ours = Q(pk=mail.pk, state=Mail.State.WAITING, attempts=mail.attempts)
        settled = Mail.objects.filter(ours).update(**values)
    return str(values["state"]) if settled else ""


def _is_final(error: Exception) -> bool:
    """Tell a refusal that will not change from a bad moment."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _reason in error.recipients.values())
    return isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500


def _warn_about_waiting() -> None:
    with public_scope():
        if _due().exists():
            logger.warning("letters are waiting, but EMAIL_URL is not set")
