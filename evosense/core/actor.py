"""Who acts now, for the audit: set at the edge (page, API key, command), read by services."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, an API key, support staff inside a tenant, an operator, or the house itself."""

    kind: Literal["user", "key", "support", "operator", "system"] = "system"
    id: str = ""
    label: str = ""
    address: str = ""
    request_id: str = ""


SYSTEM = Actor()
_actor: ContextVar[Actor] = ContextVar("actor", default=SYSTEM)


def current_actor() -> Actor:
    """Return who acts; the house itself when nobody was named."""
    return _actor.get()


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Name who acts inside the block."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


def name_actor(actor: Actor) -> None:
    """Name who acts for the rest of this context; for authenticators, which cannot wrap a call."""
    _actor.set(actor)
