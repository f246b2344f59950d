"""Measure how long a new tenant takes, by replay and by migrations, and what the fleet check costs.

    .venv/bin/python -m benchmarks.provision [--tenants 20] [--crowd 100]

Prints Markdown. A PostgreSQL of its own with fsync on. `--crowd` tenants exist before measuring,
because the cost of migrations used to grow with their number.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.stage import own_servers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenants", type=int, default=20)
    parser.add_argument("--crowd", type=int, default=100)
    options = parser.parse_args()
    with own_servers():
        print_table(**measure(options))


def measure(options: argparse.Namespace) -> dict[str, Any]:
    from evosense.core.schema import public_scope  # noqa: PLC0415
    from tenancy.db import migrate, provision  # noqa: PLC0415
    from tenancy.db.fleet.survey import pending_tenants  # noqa: PLC0415
    from tenancy.selectors.tenants import ready_tenants  # noqa: PLC0415

    migrate.migrate_public()
    with public_scope():
        recording = seconds(provision.schema_script)
        for _each in range(options.crowd):
            provision.provision(new_tenant())
        replayed = [
            seconds(lambda: provision.provision(new_tenant())) for _ in range(options.tenants)
        ]
        migrated = [seconds(migrate_new_schema) for _ in range(max(3, options.tenants // 4))]
        tenants = ready_tenants()
        check = seconds(lambda: pending_tenants(tenants))
    return {
        "recording": recording,
        "replayed": replayed,
        "migrated": migrated,
        "check": check,
        "tenants": len(tenants),
    }


def new_tenant() -> Any:
    from evosense.core.ids import random_base62  # noqa: PLC0415
    from tenancy.services.tenants import create_tenant  # noqa: PLC0415

    return create_tenant(name="Bench", slug=f"b{random_base62(12).lower()}").id


def migrate_new_schema() -> None:
    from evosense.core.ids import schema_name, uuid7  # noqa: PLC0415
    from evosense.core.schema import TenantRef  # noqa: PLC0415
    from tenancy.db.migrate import create_schema, migrate_tenant  # noqa: PLC0415

    ref = TenantRef(id=uuid7(), schema_name=schema_name(), slug="bench")
    create_schema(ref)
    migrate_tenant(ref)


def seconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def print_table(
    *, recording: float, replayed: list[float], migrated: list[float], check: float, tenants: int
) -> None:
    fast, slow = statistics.median(replayed), statistics.median(migrated)
    print(f"### Provisioning a tenant ({tenants} tenants in the database)\n")
    print("| step | median s | worst s |")
    print("|---|---|---|")
    print(f"| tenant by replay of recorded DDL, with its row | {fast:.3f} | {max(replayed):.3f} |")
    print(f"| tenant by Django's migrations | {slow:.3f} | {max(migrated):.3f} |")
    print(f"| recording the script, once a release | {recording:.3f} | |")
    print(f"| which of {tenants} tenants lack a migration | {check:.3f} | |")
    print(f"\nReplay is {slow / fast:.1f} times as fast (aim: at most 0.2 s).")


if __name__ == "__main__":
    main()
