"""Open event streams of a company or a person end when the right to look does; best effort."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

import redis

from evosense.core import streams
from evosense.core.schema import after_commit, public_scope
from tenancy.models import Membership

logger = logging.getLogger(__name__)


def close(tenant_id: UUID) -> None:
    """End every stream of a company, after the commit."""
    after_commit(partial(_with_redis, partial(streams.close, tenant_id)))


def reopen(tenant_id: UUID) -> None:
    """Let streams of a company be opened again, after the commit."""
    after_commit(partial(_with_redis, partial(streams.reopen, tenant_id)))


def show_out(tenant_id: UUID, user_id: int) -> None:
    """End one person's streams in a company, after the commit."""
    after_commit(partial(_with_redis, partial(streams.show_out, tenant_id, user_id)))


def let_in(tenant_id: UUID, user_id: int) -> None:
    """Undo `show_out`, after the commit."""
    after_commit(partial(_with_redis, partial(streams.let_in, tenant_id, user_id)))


def show_out_everywhere(user_id: int) -> None:
    """End one person's streams in all companies that the person works for."""
    for tenant_id in _companies_of(user_id):
        show_out(tenant_id, user_id)


def let_in_everywhere(user_id: int) -> None:
    """Undo `show_out_everywhere`."""
    for tenant_id in _companies_of(user_id):
        let_in(tenant_id, user_id)


def end_sessions(user_id: int, names: Sequence[str]) -> None:
    """End the streams of some log-ins of a person, wherever they were, after the commit."""
    for tenant_id in _companies_of(user_id):
        after_commit(partial(_with_redis, partial(streams.end_sessions, tenant_id, names)))


def _companies_of(user_id: int) -> list[UUID]:
    with public_scope():
        rows = Membership.objects.filter(user_id=user_id)
        return list(rows.values_list("tenant_id", flat=True))


def _with_redis(act: Callable[[], object]) -> None:
    try:
        act()
    except redis.RedisError:
        # Streams end by themselves after minutes, and no new ticket is given out.
        logger.warning("streams were not told: Redis is away")
