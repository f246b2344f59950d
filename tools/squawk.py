"""The gate for migrations that a running house could not take.

squawk reads the SQL of every migration newer than the baseline, shared and of companies, with the
rules and exceptions of tools/squawk.toml. docs/migrations.md says how to write one that passes.

.venv/bin/python tools/squawk.py [--record]     --record: everything on disk is the new baseline
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
CONFIG = PROJECT / "tools" / "squawk.toml"
BASELINE = PROJECT / "tools" / "squawk_baseline.json"
BINARY = Path(sys.executable).parent / "squawk"
# What only costs on a table with many rows.
SCANS = (
    "adding-foreign-key-constraint",
    "constraint-missing-not-valid",
    "disallowed-unique-constraint",
    "require-concurrent-index-creation",
    "require-concurrent-index-deletion",
)

# An index is named after its table.
_TABLE = re.compile(
    r"^(?:ALTER TABLE|CREATE (?:UNIQUE )?INDEX .*? ON|DROP INDEX(?: IF EXISTS)?) "
    r'(?:ONLY )?"?(?:public"?\.)?"?(\w+)',
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Script:
    """The SQL of one migration."""

    statements: tuple[str, ...]
    atomic: bool = True


@dataclass(frozen=True)
class Finding:
    """One line of a migration that breaks a rule."""

    migration: str
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.migration}: {self.rule}: {self.message}"


@dataclass
class Rules:
    """tools/squawk.toml."""

    pg_version: str = "16.0"
    # Rule -> why it is off.
    excluded: dict[str, str] = field(default_factory=dict)
    # Tables on which an index is built beside the work.
    big_tables: frozenset[str] = frozenset()
    # (migration, rule) -> why this one may.
    allowed: dict[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> Rules:
        raw: dict[str, Any] = tomllib.loads(text)
        allowed = {
            (each["migration"], each["rule"]): each["reason"] for each in raw.get("allowed", [])
        }
        reasons = [*raw["excluded"].values(), *allowed.values()]
        if not all(reason.strip() for reason in reasons):
            raise SystemExit(f"{CONFIG.name}: every exception needs its reason")
        return cls(raw["pg_version"], raw["excluded"], frozenset(raw["big_tables"]), allowed)


def main() -> int:
    """Lint what is newer than the baseline; 1 when anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    set_up()
    if options.record:
        BASELINE.write_text(json.dumps(sorted(names_on_disk()), indent=1) + "\n")
        return 0
    old = set(json.loads(BASELINE.read_text()))
    scripts = {name: script_of(name) for name in sorted(names_on_disk() - old)}
    findings = lint(scripts, Rules.read(CONFIG.read_text()))
    for finding in findings:
        sys.stdout.write(f"{finding}\n")
    sys.stdout.write(
        f"{len(scripts)} migrations newer than the baseline, {len(findings)} findings\n"
    )
    return 1 if findings else 0


def set_up() -> None:
    """Load Django unless somebody did."""
    sys.path.insert(0, str(PROJECT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evosense.settings.test")
    import django  # noqa: PLC0415

    django.setup()


def names_on_disk() -> set[str]:
    """Return every migration of our own apps as `app.name`."""
    from django.apps import apps  # noqa: PLC0415
    from django.db.migrations.loader import MigrationLoader  # noqa: PLC0415

    ours = {
        each.label for each in apps.get_app_configs() if Path(each.path).is_relative_to(PROJECT)
    }
    ours = {label for label in ours if ".venv" not in apps.get_app_config(label).path}
    nodes = MigrationLoader(None).graph.nodes
    return {f"{app}.{name}" for app, name in nodes if app in ours}


def script_of(migration: str) -> Script:
    """Return the SQL of one migration, in the kind of schema that it is for."""
    from django.apps import apps  # noqa: PLC0415
    from django.conf import settings  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415, TID251
    from django.db.migrations.loader import MigrationLoader  # noqa: PLC0415

    from evosense.core.ids import uuid7  # noqa: PLC0415
    from evosense.core.schema import TenantRef, public_scope, tenant_scope  # noqa: PLC0415

    label, name = migration.split(".", 1)
    of_tenants = apps.get_app_config(label).name in settings.TENANT_APPS
    nobody = TenantRef(id=uuid7(), schema_name="t_lint", slug="lint")
    loader: Any = MigrationLoader(None)
    # Loaded without one, because what is applied here is beside the point; printing needs it.
    loader.connection = connection
    node = loader.graph.nodes[label, name]
    with tenant_scope(nobody) if of_tenants else public_scope():
        lines = loader.collect_sql([(node, False)])
    statements = (line for line in lines if line.strip() and not line.startswith("--"))
    return Script(tuple(statements), node.atomic)


def lint(scripts: dict[str, Script], rules: Rules) -> list[Finding]:
    """Return what is wrong with these migrations, but for what the rules allow."""
    found: list[Finding] = []
    for atomic in (True, False):
        kind = {name: each for name, each in scripts.items() if each.atomic is atomic}
        found += _by_squawk(kind, rules, in_transaction=atomic) if kind else []
    return [each for each in found if (each.migration, each.rule) not in rules.allowed]


def _by_squawk(
    scripts: dict[str, Script], rules: Rules, *, in_transaction: bool
) -> Iterator[Finding]:
    with tempfile.TemporaryDirectory() as folder:
        for migration, script in scripts.items():
            text = "\n".join(_excused(script.statements, rules.big_tables)) + "\n"
            Path(folder, f"{migration}.sql").write_text(text)
        command = [
            *(str(BINARY), "--reporter=json", f"--pg-version={rules.pg_version}"),
            *(["--assume-in-transaction"] if in_transaction else []),
            *(f"--exclude={rule}" for rule in rules.excluded),
            *(str(path) for path in sorted(Path(folder).glob("*.sql"))),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in {0, 1} or not done.stdout.strip():
        raise SystemExit(f"squawk failed: {done.stderr.strip() or done.returncode}")
    for each in json.loads(done.stdout):
        name = Path(each["file"]).name.removesuffix(".sql")
        yield Finding(name, each["rule_name"], " ".join(each["message"].split()))


def _excused(statements: Iterable[str], big_tables: frozenset[str]) -> Iterator[str]:
    """Let what reads a whole table do so on small ones."""
    for statement in statements:
        found = _TABLE.match(statement)
        if found and not _is_big(found.group(1), big_tables):
            yield f"-- squawk-ignore {', '.join(SCANS)}"
        yield statement


def _is_big(name: str, big_tables: frozenset[str]) -> bool:
    return any(name == table or name.startswith(f"{table}_") for table in big_tables)


if __name__ == "__main__":
    sys.exit(main())
