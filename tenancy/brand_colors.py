"""From one chosen colour to all that pages need, each checked against what it lies on.

The ladder of lightness is that of `static/css/tokens.css`; only the hue and a part of the chroma
are the company's. A step that would be hard to read moves until it is not: text 4.5 to 1, controls
3 to 1, in both schemes. A test reads the real tokens and repeats the check.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from evosense.core.colors import Oklch, contrast, from_oklch, to_oklch

TEXT, CONTROL = 4.5, 3.0
SCHEMES = ("light", "dark")
# Beyond the pass mark: hexadecimal rounding must not take it back.
_MARGIN = 0.05


@dataclass(frozen=True, slots=True)
class Step:
    """Lightness and chroma of one token in the house's own colours."""

    light: float
    chroma: float


_LADDER: dict[str, dict[str, Step]] = {
    "light": {
        "brand": Step(0.5, 0.1),
        "brand-hover": Step(0.45, 0.092),
        "brand-active": Step(0.405, 0.083),
        "brand-on": Step(0.995, 0.004),
        "brand-text": Step(0.445, 0.09),
        "brand-soft": Step(0.96, 0.02),
        "brand-softer": Step(0.978, 0.012),
        "brand-line": Step(0.855, 0.062),
        "bubble-out": Step(0.955, 0.022),
    },
    "dark": {
        "brand": Step(0.745, 0.125),
        "brand-hover": Step(0.79, 0.122),
        "brand-active": Step(0.7, 0.12),
        "brand-on": Step(0.19, 0.03),
        "brand-text": Step(0.8, 0.115),
        "brand-soft": Step(0.268, 0.032),
        "brand-softer": Step(0.232, 0.02),
        "brand-line": Step(0.42, 0.062),
        "bubble-out": Step(0.268, 0.034),
    },
}
# The surfaces n-1 to n-3 and the greys that lie on tinted ground, as the tokens have them.
_GREYS: dict[str, dict[str, tuple[float, float, float]]] = {
    "light": {
        "n-1": (0.98, 0.003, 85),
        "n-2": (0.998, 0.001, 85),
        "n-3": (0.963, 0.004, 84),
        "n-8": (0.51, 0.01, 78),
        "n-9": (0.43, 0.01, 76),
        "n-10": (0.285, 0.009, 74),
        "n-11": (0.195, 0.008, 72),
    },
    "dark": {
        "n-1": (0.17, 0.004, 80),
        "n-2": (0.205, 0.005, 80),
        "n-3": (0.242, 0.006, 80),
        "n-8": (0.69, 0.009, 82),
        "n-9": (0.765, 0.008, 84),
        "n-10": (0.905, 0.005, 85),
        "n-11": (0.97, 0.003, 85),
    },
}
# Tinted grounds and what must stay readable on them.
_GROUNDS: dict[str, tuple[str, ...]] = {
    "brand-soft": ("n-8", "n-10"),
    "brand-softer": ("n-8",),
    "bubble-out": ("n-9", "n-11"),
}
_SURFACES = ("n-1", "n-2", "n-3")
# They are as vivid as the chosen colour; tints are not.
_FILLS = ("brand", "brand-hover", "brand-active")


@dataclass(frozen=True, slots=True)
class Palette:
    """Token → hex for each scheme, and the schemes in which the chosen colour had to move."""

    light: dict[str, str]
    dark: dict[str, str]
    adjusted: tuple[str, ...]

    def css(self) -> str:
        """Return the stylesheet that overrides the house's tokens."""
        lines = [
            f"--{name}: light-dark({self.light[name]}, {self.dark[name]})" for name in self.light
        ]
        return ":root {" + "; ".join(lines) + "}\n"


def palette_of(color: str) -> Palette:
    """Return everything that pages draw with, from one hex colour."""
    light, chroma, hue = to_oklch(color)
    vivid = min(chroma / 0.1, 1.6)
    schemes = {
        "light": _scheme("light", (light, chroma, hue), vivid),
        "dark": _scheme("dark", (light, chroma, hue), vivid),
    }
    moved = tuple(scheme for scheme in SCHEMES if not _near(schemes[scheme]["brand"], color))
    return Palette(schemes["light"], schemes["dark"], moved)


def _scheme(scheme: str, chosen: Oklch, vivid: float) -> dict[str, str]:
    start, own_chroma, hue = chosen
    ladder = _LADDER[scheme]
    greys = {name: from_oklch(*grey) for name, grey in _GREYS[scheme].items()}
    away = -1 if scheme == "light" else 1
    found: dict[str, str] = {}

    def settle(name: str, light: float, against: Sequence[tuple[str, float]], way: int) -> str:
        chroma = own_chroma if name in _FILLS else ladder[name].chroma * vivid
        return _settle(light, chroma, hue, against, way)

    for name, readers in _GROUNDS.items():
        against = [(greys[reader], TEXT) for reader in readers]
        found[name] = settle(name, ladder[name].light, against, -away)
    found["brand-on"] = from_oklch(ladder["brand-on"].light, ladder["brand-on"].chroma, hue)
    surfaces = [(greys[name], CONTROL) for name in _SURFACES]
    fill = [(found["brand-on"], TEXT), *surfaces]
    # Near the chosen colour where it can be read, else as near as reading allows.
    begin = min(start, 0.6) if scheme == "light" else max(start, 0.6)
    found["brand"] = settle("brand", begin, fill, away)
    base = to_oklch(found["brand"])[0]
    on_fill = [(found["brand-on"], TEXT)]
    for name in ("brand-hover", "brand-active"):
        distance = ladder[name].light - ladder["brand"].light
        found[name] = settle(name, base + distance, on_fill, away)
    text = [(found[name], TEXT) for name in ("brand-soft", "bubble-out")]
    text += [(greys[name], TEXT) for name in _SURFACES]
    found["brand-text"] = settle("brand-text", ladder["brand-text"].light, text, away)
    line = ladder["brand-line"]
    found["brand-line"] = from_oklch(line.light, line.chroma * vivid, hue)
    return {name: found[name] for name in ladder}


def _settle(
    light: float, chroma: float, hue: float, against: Sequence[tuple[str, float]], way: int
) -> str:
    """Return the colour nearest to `light`, going `way`, that is far enough from all others."""
    for step in range(200):
        color = from_oklch(light + way * step * 0.005, chroma, hue)
        if all(contrast(color, other) >= ratio + _MARGIN for other, ratio in against):
            return color
    return from_oklch(0.0 if way < 0 else 1.0, 0, hue)


def _near(first: str, second: str) -> bool:
    one, two = to_oklch(first), to_oklch(second)
    return abs(one[0] - two[0]) < 0.03 and abs(one[1] - two[1]) < 0.04
