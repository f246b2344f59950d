"""When work over the fleet makes a command fail, and in which words."""

from collections.abc import Iterable

from django.core.management.base import CommandError

from tenancy.db.fleet.report import RunReport


def refuse_stopped(report: RunReport) -> None:
    """Fail when the run gave up: this release cannot serve the companies that it left behind."""
    if report.stopped:
        raise CommandError(stopped(report))


def stopped(report: RunReport) -> str:
    """Return the line that names those at fault and says how to go on."""
    return (
        f"not migrated: {named(sorted(report.failed))}; {report.left} companies are left;"
        " repair them, then: manage.py tenants migrate --resume"
    )


def named(slugs: Iterable[str], most: int = 5) -> str:
    """Return the first few names, and how many more there are."""
    names = list(slugs)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
