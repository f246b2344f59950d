"""`tenants`: look at the schemas of all companies, migrate them, repair one."""

import json
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError, CommandParser

from tenancy.archive.restore import interrupted_swaps
from tenancy.db.fleet.check import check_fleet
from tenancy.db.fleet.group import Orders
from tenancy.db.fleet.plan import plan_groups
from tenancy.db.fleet.report import CheckReport, RunReport
from tenancy.db.fleet.run import migrate_fleet
from tenancy.db.fleet.survey import survey
from tenancy.management.output import TerseCommand, refusals_as_one_line
from tenancy.management.verdicts import named, stopped
from tenancy.services import tenants


class Command(TerseCommand):
    help = (
        "check: name the companies whose schema lacks or differs; plan: say what migrate would do;"
        " migrate: do it; retry: make the schema of a company whose provisioning failed."
        " Exit code 1 when something is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True, parser_class=type(parser))
        for name in ("check", "plan", "migrate"):
            self._common(acts.add_parser(name), name)
        retry = acts.add_parser("retry")
        retry.add_argument("slug")
        retry.add_argument("--json", action="store_true", help="Answer on one line.")

    def _common(self, parser: CommandParser, name: str) -> None:
        parser.add_argument("--json", action="store_true", help="Answer on one line.")
        parser.add_argument("--tenant", default="", metavar="SLUG", help="Only this company.")
        if name != "plan":
            parser.add_argument("--workers", type=_positive, default=Orders.workers)
        if name == "migrate":
            parser.add_argument("--stop-after", type=_positive, default=Orders.stop_after)
            parser.add_argument("--resume", action="store_true", help="Go on with the last run.")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        acts: dict[str, Callable[..., tuple[dict[str, Any], str]]] = {
            "check": _check,
            "plan": _plan,
            "migrate": _migrate,
            "retry": _retry,
        }
        with refusals_as_one_line():
            answer, wrong = acts[options["act"]](options)
        indent = None if options["json"] else 2
        self.stdout.write(json.dumps(answer, default=str, indent=indent, ensure_ascii=False))
        if wrong:
            raise CommandError(wrong)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError("a whole number from 1 on")
    return int(text)


def _check(options: dict[str, Any]) -> tuple[dict[str, Any], str]:
    report = check_fleet(slug=options["tenant"], workers=options["workers"])
    halted = [one for one in interrupted_swaps() if options["tenant"] in {"", one}]
    answer = report.as_dict() | {"interrupted_swaps": halted}
    answer["ok"] = answer["ok"] and not halted
    return answer, _wrong_in(report, halted)


def _wrong_in(report: CheckReport, halted: list[str]) -> str:
    pending = [slug for group in report.pending for slug in group["tenants"]]
    found = {
        "lack migrations": pending,
        "broken": list(report.broken),
        "differ from a new company": list(report.differs),
        "schemas of no company": report.strays,
        "stand still, repeat tenant_swap": halted,
    }
    return "; ".join(f"{what}: {named(slugs)}" for what, slugs in found.items() if slugs)


def _plan(options: dict[str, Any]) -> tuple[dict[str, Any], str]:
    found = survey(slug=_known(options["tenant"]))
    plans = plan_groups(found.groups, found.broken)
    groups = [
        {
            "migrations": plan.migrations,
            "method": "django" if plan.obstacle else "replay",
            "because": plan.obstacle,
            "tenants": [tenant.slug for tenant in plan.tenants],
        }
        for plan in plans
    ]
    return {"tenants": len(found.tenants), "groups": groups, "broken": found.broken}, ""


def _migrate(options: dict[str, Any]) -> tuple[dict[str, Any], str]:
    report = migrate_fleet(
        orders=Orders(workers=options["workers"], stop_after=options["stop_after"]),
        slug=options["tenant"],
        resume=options["resume"],
    )
    return report.as_dict(), _wrong_with(report)


def _wrong_with(report: RunReport) -> str:
    if report.stopped:
        return stopped(report)
    found = {
        "not migrated": [*report.failed, *report.broken],
        "differ from a new company": list(report.differs),
    }
    return "; ".join(f"{what}: {named(slugs)}" for what, slugs in found.items() if slugs)


def _retry(options: dict[str, Any]) -> tuple[dict[str, Any], str]:
    tenant = tenants.find_tenant(slug=options["slug"])
    tenants.retry_provisioning(tenant.id)
    tenant = tenants.provision_now(tenant.id)
    return {"tenant": tenant.slug, "state": tenant.state}, ""


def _known(slug: str) -> str:
    return tenants.find_tenant(slug=slug).slug if slug else ""
