"""docs/security.md names tests; each must exist, or the page promises what nobody checks."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(test_\w+)`", PAGE)))


def test_every_named_test_exists() -> None:
    assert len(NAMED) > 70
    missing = [
        f"{path}::{name}"
        for path, name in NAMED
        if not (ROOT / path).exists()
        or not re.search(rf"^\s*(async )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE)
    ]
    assert missing == []


def test_every_line_of_the_list_names_a_test_or_says_why_not() -> None:
    rows = [line for line in PAGE.splitlines() if re.match(r"\| (\d|N\d)", line)]
    assert len(rows) > 45
    assert [row for row in rows if "::test_" not in row and "not yet" not in row] == []
