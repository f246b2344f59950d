"""Rules of the house that no linter knows."""

import re
import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from django.template import engines

ROOT = Path(settings.BASE_DIR)
LONGEST_FILE = 400


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_no_python_file_is_longer_than_400_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in tracked("*.py")
        if "/migrations/" not in str(path)
        for count in [path.read_text().count("\n")]
        if count > LONGEST_FILE
    }
    assert long == {}


@pytest.mark.parametrize(
    "pattern",
    [
        r"<script(?![^>]*\bsrc=)[^>]*>(?!\s*</script>)",
        r"\son[a-z]+=[\"']",
        r"\sstyle=[\"']",
        r"<style\b",
        r"\bhx-on",
        r"javascript:",
    ],
)
def test_templates_hold_nothing_inline_that_the_policy_would_block(pattern) -> None:
    guilty = [
        str(path.relative_to(ROOT))
        for path in tracked("templates/*.html", "templates/**/*.html")
        if "emails" not in path.parts and re.search(pattern, path.read_text())
    ]
    assert guilty == []


def test_every_template_compiles() -> None:
    engine = engines["django"]
    for path in tracked("templates/*.html", "templates/**/*.html"):
        if "/cotton/" not in str(path):
            engine.get_template(str(path.relative_to(ROOT / "templates")))


def test_nothing_names_a_machine_a_tool_or_a_registry() -> None:
    words = ["/work/" + "main", "/work/" + "shared", "helper" + "-", ".lib" + "rary/"]
    guilty = [
        (str(path.relative_to(ROOT)), word)
        for path in tracked(
            "*.py", "*.md", "*.html", "*.toml", "*.txt", "*.yml", "Makefile", ".ci/run"
        )
        for word in words
        if word in path.read_text(errors="replace")
    ]
    assert guilty == []
