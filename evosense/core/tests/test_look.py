"""What the look promises: readable in both schemes, two weights, small files, no inline code."""

import re
from math import cos, radians, sin
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template

ROOT = Path(settings.BASE_DIR)
CSS, JS, TEMPLATES = ROOT / "static/css", ROOT / "static/js", ROOT / "templates"
KIB = 1024
SCHEMES = ("light", "dark")
SURFACES = ("n-1", "n-2", "n-3")
TONES = ("ok", "warn", "bad", "info")

TEXT_PAIRS = [
    *[(f"n-{step}", surface) for step in (8, 9, 10, 11) for surface in SURFACES],
    *[(f"n-{step}", "n-4") for step in (9, 10, 11)],
    *[(tone, f"{tone}-soft") for tone in TONES],
    *[(tone, surface) for tone in TONES for surface in ("n-1", "n-2")],
    *[("n-10", f"{tone}-soft") for tone in TONES],
    *[("brand-on", fill) for fill in ("brand", "brand-hover", "brand-active")],
    *[("brand-text", fill) for fill in ("brand-soft", "n-1", "n-2", "n-3", "bubble-out")],
    *[("n-8", fill) for fill in ("brand-soft", "brand-softer")],
    *[("n-11", fill) for fill in ("bubble-out", "note", "mark", "bad-soft")],
    ("n-9", "bubble-out"),
    ("n-10", "brand-soft"),
    ("warn", "note"),
    ("bad-on", "bad-solid"),
    ("n-2", "n-10"),
    ("tip-on", "tip"),
]
CONTROL_PAIRS = [
    *[(line, surface) for line in ("n-7", "brand") for surface in SURFACES],
    *[("bad-solid", surface) for surface in ("n-1", "n-2")],
    *[(f"s-{level}", "n-2") for level in range(1, 6)],
]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("text", "fill"), TEXT_PAIRS)
def test_text_is_readable(scheme, text, fill):
    assert contrast(text, fill, scheme) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("line", "fill"), CONTROL_PAIRS)
def test_controls_and_marks_stand_out(scheme, line, fill):
    assert contrast(line, fill, scheme) >= 3


def test_all_css_together_stays_small():
    assert sum(path.stat().st_size for path in CSS.glob("*.css")) <= 40 * KIB


def test_all_own_javascript_together_stays_small():
    assert sum(path.stat().st_size for path in JS.rglob("*.js")) <= 40 * KIB


def test_no_page_shows_more_than_two_weights():
    written = "".join(path.read_text() for path in CSS.glob("*.css"))
    weights = set(re.findall(r"font-weight: ?(\S+?)[;}]", written))
    weights |= set(re.findall(r"font: ?(\d+) ", written))
    assert weights == {"400", "600"}


def test_every_variable_is_defined():
    written = "".join(path.read_text() for path in CSS.glob("*.css"))
    defined = set(re.findall(r"(--[\w-]+):", written)) | {"--tone", "--soft"}
    assert set(re.findall(r"var\((--[\w-]+)", written)) <= defined


def test_every_symbol_that_a_template_draws_is_in_the_sprite():
    sprite = (ROOT / "static/icons.svg").read_text()
    known = set(re.findall(r'id="([\w-]+)"', sprite))
    drawn = {
        name
        for path in TEMPLATES.rglob("*.html")
        for pattern in (r'{% icon "([\w-]+)"', r'\bicon="([\w-]+)"')
        for name in re.findall(pattern, path.read_text())
    }
    assert drawn <= known


@pytest.mark.parametrize(
    "path",
    # Mail programs read no stylesheet; letters are never shown as pages of ours.
    [path for path in sorted(TEMPLATES.rglob("*.html")) if "emails" not in path.parts],
    ids=lambda path: path.name,
)
def test_templates_obey_the_content_security_policy(path):
    text = path.read_text()
    assert not re.search(r"\sstyle=", text)
    assert not re.search(r"\son[a-z]+=[\"']|hx-on", text)
    assert "<style" not in text
    assert "<script>" not in text


@pytest.mark.parametrize(
    "path", sorted((TEMPLATES / "cotton").rglob("*.html")), ids=lambda p: p.name
)
def test_components_escape_what_they_pass_on(path):
    assert "{{ attrs }}" not in path.read_text()
    # A file's last line break would be a space in the middle of a sentence.
    assert not path.read_text().endswith("\n")


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(TEMPLATES.rglob("*.html")) if "emails" not in path.parts],
    ids=lambda path: str(path.relative_to(TEMPLATES)),
)
def test_templates_compile(path):
    get_template(str(path.relative_to(TEMPLATES)))


def test_every_controller_is_known_to_the_page():
    app = (JS / "app.js").read_text()
    for path in (JS / "controllers").glob("*.js"):
        assert f"./controllers/{path.name}" in app


def contrast(one: str, other: str, scheme: str) -> float:
    light, dark = sorted((luminance(one, scheme), luminance(other, scheme)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(token: str, scheme: str) -> float:
    red, green, blue = linear_rgb(*oklch(token, scheme))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def oklch(token: str, scheme: str) -> tuple[float, float, float]:
    written = (CSS / "tokens.css").read_text()
    value = re.search(rf"--{token}: ([^;]+);", written)[1]
    colours = re.findall(r"oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)", value)
    return tuple(float(number) for number in colours[-1 if scheme == "dark" else 0])


def linear_rgb(light: float, chroma: float, hue: float) -> list[float]:
    """Return linear sRGB, cut to what a screen shows (Björn Ottosson's OKLab matrices)."""
    a, b = chroma * cos(radians(hue)), chroma * sin(radians(hue))
    long = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (light - 0.0894841775 * a - 1.2914855480 * b) ** 3
    rgb = (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )
    return [min(max(part, 0), 1) for part in rgb]
