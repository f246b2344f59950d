"""Orders to an analyser hidden in a message, in Portuguese, English and Spanish.

The embedded analyser obeys nobody, but an order is no opinion either: it is set aside, and what
the customer said besides is judged as if it had never been there. The pipeline marks the message
for people. An order ends where its own words end: whoever writes it would have his complaint taken
away with it.
"""

import re
from collections.abc import Sequence

from analytics.embedded.orders import Span, orders_in
from analytics.embedded.text import clean

# Left behind where the order stood last.
_DANGLING = re.compile(r"(?:[\s,;:-]+(?:e|and|y))?[\s,;:-]*\Z", re.IGNORECASE)
_LOOSE = " \t\n,;:-\"'`()[]{}<>|#*=/"
# A message is read when it is judged and again when it is marked; older ones are forgotten.
_REMEMBERED = 2000
_known: dict[str, list[Span]] = {}


def looks_like_injection(text: str) -> bool:
    """Tell whether the text gives orders to whoever judges it."""
    return bool(_orders([clean(text)])[0])


def without_orders(texts: Sequence[str]) -> list[str]:
    """Return the texts with the orders to an analyser cut out; "" when nothing else is there."""
    cleaned = [clean(text) for text in texts]
    return [without(*pair) for pair in zip(cleaned, _orders(cleaned), strict=True)]


def _orders(texts: Sequence[str]) -> list[list[Span]]:
    known = {text: _known.get(text) for text in texts}
    new = [text for text, spans in known.items() if spans is None]
    fresh = dict(zip(new, orders_in(new), strict=True)) if new else {}
    if len(_known) + len(fresh) > _REMEMBERED:
        _known.clear()
    _known.update(fresh)
    return [fresh[text] if text in fresh else known[text] or [] for text in texts]


def without(text: str, spans: Sequence[Span]) -> str:
    """Return the text without what stands there, as one text."""
    if not spans:
        return text
    ends = [0, *(place for span in spans for place in span), len(text)]
    pieces = [text[ends[i] : ends[i + 1]] for i in range(0, len(ends), 2)]
    kept = [piece.lstrip(_LOOSE + ".!?" * (i > 0)) for i, piece in enumerate(pieces)]
    kept = [piece.rstrip(_LOOSE.replace(",", "")) for piece in kept]
    rest = " ".join(piece for piece in kept if any(c.isalnum() for c in piece))
    return _DANGLING.sub("", rest) if spans[-1][1] == len(text.rstrip()) else rest.rstrip(_LOOSE)
