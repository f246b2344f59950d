"""Tenant schemas on several PostgreSQL nodes: Citus, an extension, does the work.

Each tenant schema is a distributed schema, all of it on one node; `public` stays on the
coordinator, where every process connects. Nothing of the application changes. What is
asked of the schemas is in `tenancy.db.readiness`.

Names and signatures are those of Citus 12.1 and newer. The extension is not in the registries that
this project builds from: the tests put functions of the same names in its place, so they prove what
is sent and in which order, not what Citus answers. `docs/scaling.md` has the steps of the first
real run with the answers to expect.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection

from evosense.core.errors import Conflict, NotFound
from evosense.core.schema import TenantRef, public_scope
from tenancy.db.readiness import problems
from tenancy.models import Tenant

# A move is worth its load only when the fullest node has this much more than the emptiest.
UNEVEN = 1.2
_PLACEMENTS = """
    SELECT s.schemaid::regnamespace::text, min(n.nodename || ':' || n.nodeport),
           coalesce(sum(citus_total_relation_size(p.logicalrelid, false)), 0)::bigint
    FROM pg_dist_schema s
    JOIN pg_dist_partition p ON p.colocationid = s.colocationid
    JOIN pg_dist_shard h ON h.logicalrelid = p.logicalrelid
    JOIN pg_dist_placement l ON l.shardid = h.shardid
    JOIN pg_dist_node n ON n.groupid = l.groupid AND n.noderole = 'primary'
    GROUP BY s.schemaid
"""


@dataclass(frozen=True, slots=True)
class Node:
    """A server that may hold schemas."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one schema is, and its size in bytes."""

    schema_name: str
    node: str
    size: int


@dataclass(frozen=True, slots=True)
class Move:
    schema_name: str
    source: str
    target: str
    size: int


def node_of(text: str) -> Node:
    """Return the node written as host or host:port."""
    host, _colon, port = text.partition(":")
    if not host or (port and not port.isdigit()):
        raise Conflict("node_invalid", f"{text} is not host:port")
    return Node(host, int(port or 5432))


def citus_version() -> str:
    """Return the version of the extension in this database, or an empty text."""
    return _one("SELECT extversion FROM pg_extension WHERE extname = 'citus'") or ""


def missing_settings() -> list[str]:
    """Return the server settings that must change before `enable`, each with the reason."""
    found = []
    if _one("SELECT current_setting('wal_level')") != "logical":
        found.append("wal_level=logical: a schema could otherwise only move standing still")
    if int(_one("SELECT current_setting('max_prepared_transactions')") or 0) == 0:
        found.append("max_prepared_transactions=200: transactions over several nodes need them")
    if "citus" not in str(_one("SELECT current_setting('shared_preload_libraries')")):
        found.append("shared_preload_libraries=citus: the extension works only when preloaded")
    return found


def nodes() -> list[Node]:
    """Return the active nodes that may hold schemas."""
    rows = _all(
        "SELECT nodename, nodeport FROM pg_dist_node"
        " WHERE isactive AND shouldhaveshards AND noderole = 'primary' ORDER BY nodeid"
    )
    return [Node(host, port) for host, port in rows]


def placements() -> list[Placement]:
    """Return every distributed schema with its node, largest first."""
    rows = [Placement(*row) for row in _all(_PLACEMENTS)]
    return sorted(rows, key=lambda row: (-row.size, row.schema_name))


def enable(*, coordinator: Node, workers: list[Node]) -> list[str]:
    """Make this database a coordinator and every tenant schema a distributed one; safe to repeat.

    Each step commits by itself, as Citus wants it: a step that fails is begun again by repeating
    the command. Returns the schemas that were distributed now.
    """
    if found := [*problems(), *missing_settings()]:
        raise Conflict("not_ready", f"{len(found)} things to put right, first: {found[0]}")
    if not citus_version():
        _do("CREATE EXTENSION IF NOT EXISTS citus")
    _do("SELECT citus_set_coordinator_host(%s, %s)", coordinator.host, coordinator.port)
    known = {str(node) for node in nodes()}
    for worker in workers:
        if str(worker) not in known:
            _do("SELECT citus_add_node(%s, %s)", worker.host, worker.port)
    _do("SELECT citus_set_node_property(%s, %s, 'shouldhaveshards', false)",
        coordinator.host, coordinator.port)  # fmt: skip
    database = connection.ops.quote_name(str(connection.settings_dict["NAME"]))
    _do(f"ALTER DATABASE {database} SET citus.enable_schema_based_sharding = on")
    schemas = _regular_schemas()
    for schema in schemas:
        _do("SELECT citus_schema_distribute(%s)", schema)
    return schemas


def balance_plan(rows: list[Placement], among: list[Node]) -> list[Move]:
    """Return the moves that even the nodes out, each schema at most once.

    Each move takes, from the fullest node to the emptiest, the schema whose size comes nearest to
    half of their difference: few moves, and none that only turns the difference around.
    """
    load = dict.fromkeys(map(str, among), 0)
    for row in rows:
        load[row.node] = load.get(row.node, 0) + row.size
    still, moves = list(rows), list[Move]()
    while load:
        source, target = max(load, key=load.__getitem__), min(load, key=load.__getitem__)
        gap = load[source] - load[target]
        fitting = [row for row in still if row.node == source and 0 < row.size < gap]
        if load[source] <= load[target] * UNEVEN or not fitting:
            break
        chosen = min(fitting, key=lambda row: abs(2 * row.size - gap))
        still.remove(chosen)
        moves.append(Move(chosen.schema_name, source, target, chosen.size))
        load[source] -= chosen.size
        load[target] += chosen.size
    return moves


def move(tenant: TenantRef, target: Node) -> Placement:
    """Move one tenant to a node while it works; writes wait only for the last moment.

    Logical replication carries the rows over. An interrupted move leaves the schema where it was.
    """
    if str(target) not in {str(node) for node in nodes()}:
        raise NotFound("node_not_found", f"{target} is not an active node", field="to")
    here = {row.schema_name: row for row in placements()}.get(tenant.schema_name)
    if here is None:
        raise Conflict("not_distributed", f"{tenant.slug} is not a distributed schema")
    if here.node != str(target):
        # force_logical: tables without a replica identity would otherwise be locked for the copy.
        _do(
            "SELECT citus_schema_move(%s::regnamespace, %s, %s, 'force_logical')",
            tenant.schema_name, target.host, target.port,
        )  # fmt: skip
    return replace(here, node=str(target))


def tenants_by_schema(moves: list[Move]) -> list[TenantRef]:
    """Return the tenants whose schemas are to move."""
    names = [each.schema_name for each in moves]
    with public_scope():
        return [tenant.ref for tenant in Tenant.objects.filter(schema_name__in=names)]


def by_node() -> dict[str, dict[str, int]]:
    """Return for each node how many schemas it has and their bytes."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: {"schemas": 0, "bytes": 0})
    for node in nodes():
        found[str(node)]["schemas"] += 0
    for row in placements():
        found[row.node]["schemas"] += 1
        found[row.node]["bytes"] += row.size
    return dict(found)


def _regular_schemas() -> list[str]:
    """Return the schemas of tenants that are not distributed yet."""
    with public_scope():
        ours = set(Tenant.objects.values_list("schema_name", flat=True))
    rows = _all(
        "SELECT n.nspname FROM pg_namespace n"
        " LEFT JOIN pg_dist_schema s ON s.schemaid = n.oid::regnamespace"
        " WHERE s.schemaid IS NULL ORDER BY n.nspname"
    )
    return [row[0] for row in rows if row[0] in ours]


def _one(statement: str, *values: Any) -> str | None:
    rows = _all(statement, *values)
    return rows[0][0] if rows else None


def _all(statement: str, *values: Any) -> list[Any]:
    with public_scope(), connection.cursor() as cursor:
        cursor.execute(statement, list(values))
        return list(cursor.fetchall())


def _do(statement: str, *values: Any) -> None:
    with public_scope(), connection.cursor() as cursor:
        cursor.execute(statement, list(values))
