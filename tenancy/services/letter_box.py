"""What operators do about letters that did not leave."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict
from evosense.core.schema import public_scope
from tenancy.models import Mail
from tenancy.services import audit
from tenancy.services.kick import kick


def retry(mail_id: UUID) -> None:
    """Give a failed letter all its attempts again."""
    with public_scope(), transaction.atomic():
        failed = Mail.objects.filter(pk=mail_id, state=Mail.State.FAILED)
        changed = failed.update(
            state=Mail.State.WAITING, attempts=0, next_attempt_at=timezone.now(), error=""
        )
        if not changed:
            raise Conflict("mail_not_failed", _("Only failed letters can be sent again."))
        kind = Mail.objects.values_list("kind", flat=True).get(pk=mail_id)
        audit.record("mail.retried", object_type="mail", object_id=mail_id, object_label=kind)
        kick("tenancy.deliver_mail", mail_id=str(mail_id))
