"""`scaling`: whether and where the schemas of companies live on several database nodes."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from evosense.core.errors import Conflict
from tenancy.db import cluster
from tenancy.db.readiness import problems
from tenancy.management.output import JsonCommand
from tenancy.services.tenants import find_tenant


class Command(JsonCommand):
    help = (
        "check: do the schemas keep the rules of Citus, and what is where; enable: make this"
        " database a coordinator and distribute every company; place: even the nodes out"
        " (--apply does it); move: bring one company to a node. See docs/scaling.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True, parser_class=type(parser))
        acts.add_parser("check")
        enable = acts.add_parser("enable")
        enable.add_argument("--coordinator", required=True, metavar="HOST[:PORT]")
        enable.add_argument("--worker", action="append", required=True, metavar="HOST[:PORT]")
        place = acts.add_parser("place")
        place.add_argument(
            "--apply", action="store_true", help="Move, instead of saying what would."
        )
        move = acts.add_parser("move")
        move.add_argument("--tenant", required=True, metavar="SLUG")
        move.add_argument("--to", required=True, metavar="HOST[:PORT]")

    def answer(self, **options: Any) -> dict[str, Any]:
        acts: dict[str, Callable[..., dict[str, Any]]] = {
            "check": _check,
            "enable": _enable,
            "place": _place,
            "move": _move,
        }
        return acts[options["act"]](options)


def _check(options: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    if broken := problems():
        raise CommandError("; ".join(broken))
    version, missing = cluster.citus_version(), cluster.missing_settings()
    return {
        "ready": not missing,
        "settings_missing": missing,
        "citus": version or None,
        "nodes": cluster.by_node() if version else {},
    }


def _enable(options: dict[str, Any]) -> dict[str, Any]:
    workers = [cluster.node_of(text) for text in options["worker"]]
    done = cluster.enable(coordinator=cluster.node_of(options["coordinator"]), workers=workers)
    return {"citus": cluster.citus_version(), "distributed": len(done), "nodes": cluster.by_node()}


def _place(options: dict[str, Any]) -> dict[str, Any]:
    _require_citus()
    moves = cluster.balance_plan(cluster.placements(), cluster.nodes())
    if options["apply"]:
        slugs = {tenant.schema_name: tenant for tenant in cluster.tenants_by_schema(moves)}
        for each in moves:
            cluster.move(slugs[each.schema_name], cluster.node_of(each.target))
    return {"moves": [asdict(each) for each in moves], "applied": bool(options["apply"])}


def _move(options: dict[str, Any]) -> dict[str, Any]:
    _require_citus()
    tenant = find_tenant(slug=options["tenant"])
    return asdict(cluster.move(tenant.ref, cluster.node_of(options["to"])))


def _require_citus() -> None:
    if not cluster.citus_version():
        message = "this database is not a Citus coordinator; see `scaling enable`"
        raise Conflict("no_citus", message)
