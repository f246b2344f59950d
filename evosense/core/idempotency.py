"""`Idempotency-Key`: a POST that is sent again gets the answer of the first time.

The row is written in the transaction of the work itself, so there is no moment in which one exists
without the other; a second request at the same time waits at the unique index. Answers may hold
secrets that are shown once, so they are encrypted and kept for a day.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.crypto import decrypt, encrypt
from evosense.core.errors import Conflict, Invalid
from evosense.core.models import AnsweredRequest
from evosense.core.schema import current_tenant

KEPT = timedelta(days=1)
HEADER = "Idempotency-Key"
PLACE = "core_answeredrequest|answer"
_VALID = re.compile(r"[\x21-\x7e]{1,200}\Z")
_SWEPT = 100


def answer_once(
    *, key: str, caller: int, request: tuple[str, str, Any], work: Callable[[], Any]
) -> tuple[Any, bool]:
    """Do `work` and return (its answer, False), or (the answer of the first time, True).

    `request` is (method, path, parsed body); another one under the same key is a Conflict. Without
    a key the work is simply done. A refusal rolls everything back and may be tried again.
    """
    if not key:
        with transaction.atomic():
            return work(), False
    _check(key)
    digest = hashlib.sha256(orjson.dumps(request, option=orjson.OPT_SORT_KEYS)).digest()
    with transaction.atomic():
        if not _claim(key, caller, digest):
            return _remembered(key, caller, digest), True
        answer = work()
        _remember(key, caller, answer)
        return answer, False


def was_answered(*, key: str, caller: int) -> bool:
    """Tell whether a request under this key has its answer; another request's counts as well.

    Raises Invalid for what can be no key, before anything is done under it.
    """
    _check(key)
    return bool(key) and _row(key, caller).filter(created_at__gt=timezone.now() - KEPT).exists()


def _check(key: str) -> None:
    if key and not _VALID.match(key):
        message = _("Use 1 to 200 printable characters without spaces.")
        raise Invalid("invalid", message, field=HEADER)


def _forget_old_answers() -> None:
    """Drop a few of the answers that nobody may ask for any more."""
    old = AnsweredRequest.objects.filter(created_at__lt=timezone.now() - KEPT)
    AnsweredRequest.objects.filter(pk__in=old.order_by("pk").values("pk")[:_SWEPT]).delete()


def _claim(key: str, caller: int, digest: bytes) -> bool:
    _forget_old_answers()
    # The conflicting insert of an open transaction is waited for, whichever way that one ends.
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.core_answeredrequest (tenant_id, caller, key, digest)"
            " VALUES (%s, %s, %s, %s) ON CONFLICT (tenant_id, caller, key) DO NOTHING",
            [current_tenant().id, caller, key, digest],
        )
        return bool(cursor.rowcount)


def _row(key: str, caller: int) -> Any:
    return AnsweredRequest.objects.filter(tenant_id=current_tenant().id, caller=caller, key=key)


def _remember(key: str, caller: int, answer: Any) -> None:
    sealed = encrypt(orjson.dumps(answer).decode(), PLACE)
    _row(key, caller).update(answer=sealed)


def _remembered(key: str, caller: int, digest: bytes) -> Any:
    row = _row(key, caller).get()
    if bytes(row.digest) != digest:
        message = _("This key was already used for another request.")
        raise Conflict("idempotency_key_reused", message, field=HEADER)
    return orjson.loads(decrypt(row.answer, PLACE))
