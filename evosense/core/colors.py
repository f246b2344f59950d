"""Colours by numbers: OKLCH and back, and the contrast of WCAG. Nothing leaves the sRGB gamut."""

import re
from math import atan2, cos, degrees, hypot, radians, sin

_HEX = re.compile(r"#[0-9a-fA-F]{6}\Z")
Oklch = tuple[float, float, float]


def is_hex(text: str) -> bool:
    """Tell whether `text` is a colour such as #0b7a5b."""
    return bool(_HEX.match(text))


def contrast(first: str, second: str) -> float:
    """Return the contrast of two hex colours, from 1 to 21."""
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: str) -> float:
    """Return the relative luminance of a hex colour."""
    red, green, blue = _linear(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def to_oklch(color: str) -> Oklch:
    """Return lightness (0 to 1), chroma and hue (degrees) of a hex colour."""
    red, green, blue = _linear(color)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    light = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return light, hypot(a, b), degrees(atan2(b, a)) % 360


def from_oklch(light: float, chroma: float, hue: float) -> str:
    """Return the hex colour; chroma is taken back until the colour can be shown."""
    light = min(max(light, 0.0), 1.0)
    low, high = 0.0, max(chroma, 0.0)
    if _fits(_to_linear(light, high, hue)):
        return _hex(_to_linear(light, high, hue))
    for _step in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if _fits(_to_linear(light, middle, hue)) else (low, middle)
    return _hex(_to_linear(light, low, hue))


def _linear(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return _straight(red), _straight(green), _straight(blue)


def _straight(value: float) -> float:
    return float(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)


def _bent(value: float) -> float:
    value = min(max(value, 0.0), 1.0)
    return float(12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055)


def _to_linear(light: float, chroma: float, hue: float) -> tuple[float, float, float]:
    a, b = chroma * cos(radians(hue)), chroma * sin(radians(hue))
    long = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (light - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _fits(rgb: tuple[float, float, float]) -> bool:
    return all(-0.0005 <= part <= 1.0005 for part in rgb)


def _hex(rgb: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(_bent(part) * 255):02x}" for part in rgb)
