"""Orders to the analyser, each with the two halves of an honest message it may be put into."""

from pathlib import Path

_LINES = Path(__file__).with_name("injections.txt").read_text("utf-8").strip().splitlines()
ORDERS = [tuple(part.strip() for part in line.split(" | ")) for line in _LINES]
# The attack, and the same message without the order.
BEFORE = [(f"{order} {one} {two}", f"{one} {two}") for order, one, two in ORDERS]
BEHIND = [(f"{one} {two} {order}", f"{one} {two}") for order, one, two in ORDERS]
WITHIN = [(f"{one} {order} {two}", f"{one} {two}") for order, one, two in ORDERS]
PAIRS = [*BEFORE, *BEHIND, *WITHIN]
