"""The demonstration tenant: a furniture shop with four numbers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from messaging.simulator.generator import History, Strain, World
from messaging.simulator.people import Line
from messaging.simulator.versions import DEFAULT_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from messaging.simulator.generator import GeneratedEvent

DEMO_SEED = 20
DEMO_CHATS = 360
DEMO_DAYS = 90
DEMO_RATE = 0.35
"""Live events per second."""
DEMO_STRAIN_DAYS = 18
"""Late deliveries: ever more customers are furious until the day of the installation."""

DEMO_LINES = (
    Line("evs-demo-loja-centro", "5541900122210", "Móveis Aurora", "furniture", ("loja",), 1.2),
    Line(
        "evs-demo-assistencia",
        "5541900184470",
        "Móveis Aurora Assistência",
        "furniture",
        ("assistencia",),
    ),
    Line(
        "evs-demo-vendas-online",
        "5541900883025",
        "Móveis Aurora Online",
        "furniture",
        ("online",),
        1.5,
    ),
    Line("evs-demo-atacado-sp", "5511900455563", "Aurora Atacado", "furniture", ("atacado",), 0.6),
)
DEMO_NAMES = {
    "evs-demo-loja-centro": "Loja Centro",
    "evs-demo-assistencia": "Assistência",
    "evs-demo-vendas-online": "Vendas online",
    "evs-demo-atacado-sp": "Atacado SP",
}


def demo_world() -> World:
    return World(DEMO_SEED, DEMO_CHATS, DEMO_LINES)


def demo_history(start: datetime, end: datetime) -> Iterator[GeneratedEvent]:
    """Yield what the demonstration's numbers received before it was installed, oldest first.

    Without chaos: a message that comes after its read mark would be unread for ever.
    """
    strain = Strain(end - timedelta(days=DEMO_STRAIN_DAYS), end, share=1.1)
    world = World(DEMO_SEED, DEMO_CHATS, DEMO_LINES, strain)
    history = History(world, start.timestamp(), end.timestamp(), DEFAULT_VERSION, chaos=0.0)
    return history.events(density=1.0)
