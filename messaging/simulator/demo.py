"""The demonstration tenant: a furniture shop with four numbers."""

from __future__ import annotations

from messaging.simulator.generator import World
from messaging.simulator.people import Line

DEMO_SEED = 20
DEMO_CHATS = 360
DEMO_DAYS = 90
DEMO_RATE = 0.35
"""Live events per second."""

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
