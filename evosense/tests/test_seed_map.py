"""docs/seed-map.md names only fields that exist."""

import re
from pathlib import Path

from django.apps import apps
from django.conf import settings

ROW = re.compile(r"^\| (?P<source>[^|]+) \| (?P<ours>[^|]+) \| (?P<remark>[^|]*)\|$")
FIELD = re.compile(r"^(?P<app>[a-z]+)\.(?P<model>[A-Za-z]+)\.(?P<field>[a-z_0-9]+)$")


def rows() -> list[re.Match[str]]:
    text = Path(settings.BASE_DIR, "docs", "seed-map.md").read_text()
    mapped = text.split("## What later releases bring")[0]
    found = [ROW.match(line) for line in mapped.splitlines()]
    return [row for row in found if row and row["source"] not in {"source", "---"}]


def test_every_field_named_in_the_seed_map_exists() -> None:
    named = [FIELD.match(row["ours"].strip()) for row in rows() if row["ours"].strip() != "-"]
    assert len(named) > 90
    for match in named:
        assert match, "the second column is app.Model.field or -"
        apps.get_model(match["app"], match["model"])._meta.get_field(match["field"])


def test_a_field_that_went_away_says_why() -> None:
    gone = [row for row in rows() if row["ours"].strip() == "-"]
    assert gone
    assert all(row["remark"].strip() for row in gone)
