"""Daily partitions of the bronze log: made ahead of time, dropped by retention.

A partition is built beside the table and attached, which locks nothing that the receiver needs;
`CREATE TABLE … PARTITION OF` would stop it. Rows that arrived without a partition are moved out of
the default one on the way.
"""

import logging
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError, transaction
from psycopg import sql

from evosense.core.schema import database_cursor, public_scope
from messaging.ingest.models import WebhookEvent

logger = logging.getLogger(__name__)

EVENTS, BLOBS = "webhook_events", "webhook_blobs"
TABLES = (EVENTS, BLOBS)
DAYS_AHEAD = 7
# The queue is updated and vacuumed all day; the other table is only inserted into.
STORAGE = {
    EVENTS: "WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02)",
    BLOBS: "",
}
# Dropping needs the whole table for a moment. Whoever cannot have it soon tries again tomorrow;
# the receiver would spool meanwhile, but should not have to.
LOCK_TIMEOUT = "500ms"


@dataclass
class PartitionReport:
    created: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    # Name and number of events that still wait in a partition past its retention.
    kept: dict[str, int] = field(default_factory=dict)
    busy: list[str] = field(default_factory=list)
    # Events that went away without having been applied: dead or kept raw for replay.
    unapplied_dropped: int = 0


def ensure_partitions(now: datetime | None = None, *, days_ahead: int = DAYS_AHEAD) -> list[str]:
    """Create the partitions of today and the days ahead; returns the names of new ones."""
    today = (now or datetime.now(UTC)).astimezone(UTC).date()
    created = []
    with public_scope():
        for table in TABLES:
            known = set(_partitions(table))
            days = {today + timedelta(days=number) for number in range(days_ahead + 1)}
            for day in sorted((days | _stray_days(table)) - known):
                _create(table, day)
                created.append(_name(table, day))
    return created


def drop_expired(now: datetime | None = None, *, days: int | None = None) -> PartitionReport:
    """Drop the partitions whose retention is over, but never one in which events still wait."""
    retention = settings.RAW_EVENT_RETENTION_DAYS if days is None else days
    today = (now or datetime.now(UTC)).astimezone(UTC).date()
    report = PartitionReport()
    with public_scope():
        for day in _partitions(EVENTS):
            if day < today - timedelta(days=retention):
                _drop_events(day, report)
        alive = set(_partitions(EVENTS))
        for day in _partitions(BLOBS):
            # Bodies name their blobs, so these live as long as the events of their day.
            if day < today - timedelta(days=retention) and day not in alive:
                _drop_blobs(day, report)
    _log(report)
    return report


def maintain(now: datetime | None = None) -> PartitionReport:
    """Do the daily work: partitions ahead, retention behind."""
    created = ensure_partitions(now)
    report = drop_expired(now)
    report.created = created
    return report


def _drop_events(day: date, report: PartitionReport) -> None:
    name = _name(EVENTS, day)
    if waiting := _count(name, [WebhookEvent.Status.PENDING]):
        report.kept[name] = waiting
        return
    unapplied = _count(name, [WebhookEvent.Status.KEPT, WebhookEvent.Status.DEAD])
    if _drop(EVENTS, name, unless_waiting=True, report=report):
        report.unapplied_dropped += unapplied


def _drop_blobs(day: date, report: PartitionReport) -> None:
    _drop(BLOBS, _name(BLOBS, day), unless_waiting=False, report=report)


def _drop(table: str, name: str, *, unless_waiting: bool, report: PartitionReport) -> bool:
    try:
        with transaction.atomic(), database_cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
            lock = sql.SQL("LOCK TABLE ONLY {} IN ACCESS EXCLUSIVE MODE")
            # The table before its partition, the order in which inserts lock them.
            cursor.execute(lock.format(_public(table)))
            cursor.execute(lock.format(_public(name)))
            # Again, now that nobody can add: the drainer of an old spool may just have done so.
            if unless_waiting and _count(name, [WebhookEvent.Status.PENDING]):
                report.kept[name] = _count(name, [WebhookEvent.Status.PENDING])
                return False
            cursor.execute(sql.SQL("DROP TABLE {}").format(_public(name)))
    except OperationalError:
        report.busy.append(name)
        return False
    report.dropped.append(name)
    return True


def _create(table: str, day: date) -> None:
    bounds = {
        "table": _public(table),
        "default": _public(f"{table}_default"),
        "name": _public(_name(table, day)),
        "first": sql.Literal(_midnight(day)),
        "last": sql.Literal(_midnight(day + timedelta(days=1))),
        "storage": sql.SQL(STORAGE[table]),
    }
    with transaction.atomic(), database_cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"partitions {table}"])
        cursor.execute("SELECT to_regclass(%s)", [f"public.{_name(table, day)}"])
        if cursor.fetchone()[0] is not None:
            return
        for statement in _CREATE:
            cursor.execute(sql.SQL(statement).format(**bounds))


# Row security of the table holds for who asks the table. A partition asked by its own name would
# show every company's rows, so nobody but its owner may.
_CREATE = (
    "CREATE TABLE {name} (LIKE {table}"
    " INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMPRESSION INCLUDING STORAGE) {storage}",
    "ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
    # Nothing may arrive in the default partition between the move and the attachment.
    "LOCK TABLE {default} IN ACCESS EXCLUSIVE MODE",
    "WITH stray AS (DELETE FROM {default}"
    " WHERE received_at >= {first} AND received_at < {last} RETURNING *)"
    " INSERT INTO {name} SELECT * FROM stray",
    "ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({last})",
)


def _stray_days(table: str) -> set[date]:
    """Return the days of rows that found no partition, at most a month's worth at a time.

    A clock that was wrong by years must not create thousands of tables.
    """
    query = sql.SQL(
        "SELECT DISTINCT (received_at AT TIME ZONE 'UTC')::date AS day FROM {}"
        " ORDER BY day LIMIT 31"
    )
    with database_cursor() as cursor:
        cursor.execute(query.format(_public(f"{table}_default")))
        return {row[0] for row in cursor.fetchall()}


def _partitions(table: str) -> list[date]:
    """Return the days that have a partition, oldest first."""
    with database_cursor() as cursor:
        cursor.execute(
            "SELECT child.relname FROM pg_inherits"
            " JOIN pg_class AS child ON child.oid = inhrelid"
            " WHERE inhparent = to_regclass(%s)",
            [f"public.{table}"],
        )
        names = [row[0] for row in cursor.fetchall()]
    prefix = f"{table}_p"
    days = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
    return sorted(datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).date() for day in days)


def _count(partition: str, statuses: list[int]) -> int:
    query = sql.SQL("SELECT count(*) FROM {} WHERE status = ANY(%s)").format(_public(partition))
    with database_cursor() as cursor:
        cursor.execute(query, [[int(status) for status in statuses]])
        return int(cursor.fetchone()[0])


def _name(table: str, day: date) -> str:
    return f"{table}_p{day:%Y%m%d}"


def _public(name: str) -> sql.Identifier:
    return sql.Identifier("public", name)


def _midnight(day: date) -> str:
    return f"{day.isoformat()} 00:00:00+00"


def _log(report: PartitionReport) -> None:
    for name, waiting in report.kept.items():
        logger.error("%s is past its retention but %d events in it still wait", name, waiting)
    for name in report.busy:
        logger.warning("%s was busy and is dropped next time", name)
    if report.unapplied_dropped:
        logger.warning("%d raw events left without being applied", report.unapplied_dropped)


def as_counts(report: PartitionReport) -> dict[str, Any]:
    """Return the report as numbers, for a task's log line."""
    return {
        "created": len(report.created),
        "dropped": len(report.dropped),
        "kept": len(report.kept),
        "busy": len(report.busy),
        "unapplied_dropped": report.unapplied_dropped,
    }
