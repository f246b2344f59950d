"""Measure export, import and comparison of one company, beside a plain dump by the ORM.

    .venv/bin/python -m benchmarks.archive [--messages 200000] [--sample 4000]

Prints Markdown. The ORM's side is Django's own serializer, one object after the other as `dumpdata`
and `loaddata` do, measured on a sample of the same rows in the same run.
"""

import argparse
import io
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.stage import own_servers

PASSPHRASE = "a passphrase for measuring"  # noqa: S105
PEOPLE = 5_000
WORDS = "Bom dia, o pedido chegou mas falta uma cadeira, podem ver por favor? "


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--sample", type=int, default=4_000)
    options = parser.parse_args()
    with own_servers(), tempfile.TemporaryDirectory() as folder:
        print_table(**measure(options, Path(folder) / "bench.evoa"))


def measure(options: argparse.Namespace, path: Path) -> dict[str, Any]:
    from evosense.core.schema import tenant_scope  # noqa: PLC0415
    from tenancy.archive.compare import compare_archive  # noqa: PLC0415
    from tenancy.archive.export import export_tenant  # noqa: PLC0415
    from tenancy.archive.restore import import_tenant  # noqa: PLC0415
    from tenancy.services.tenants import find_tenant  # noqa: PLC0415

    company = make_company(options.messages)
    before = memory()
    with path.open("wb") as file:
        exported, export_s = timed(lambda: export_tenant(company, file, passphrase=PASSPHRASE))
    with path.open("rb") as file:
        imported, import_s = timed(lambda: import_tenant(file, PASSPHRASE, slug="copy"))
    grown = memory() - before
    with path.open("rb") as file:
        copy = find_tenant(slug="copy")
        compared, compare_s = timed(lambda: compare_archive(file, PASSPHRASE, copy))
    assert compared.different == 0
    with tenant_scope(company):
        dump_rate, load_rate = naive(options.sample)
    return {
        "rows": imported.rows,
        "bytes_": path.stat().st_size,
        "export_s": export_s,
        "import_s": import_s,
        "compare_s": compare_s,
        "tables": exported.tables,
        "grown": grown,
        "dump_rate": dump_rate,
        "load_rate": load_rate,
    }


def make_company(messages: int) -> Any:
    from evosense.core.schema import database_cursor, tenant_scope  # noqa: PLC0415
    from messaging.models import Connection  # noqa: PLC0415
    from tenancy.db.migrate import migrate_public  # noqa: PLC0415
    from tenancy.services.tenants import create_tenant, provision_now  # noqa: PLC0415

    migrate_public()
    company = provision_now(create_tenant(name="Bench", slug="bench").id).ref
    with tenant_scope(company), database_cursor() as cursor:
        line = Connection.objects.create(name="Loja", instance="evs")
        make_people()
        cursor.execute(
            "INSERT INTO messaging_conversation"
            " (public_id, connection_id, contact_id, kind, status, is_live,"
            " is_archived_on_phone, last_message_at, preview, preview_type,"
            " preview_direction, preview_status, unread_count)"
            " SELECT gen_random_uuid(), %s, id, 'person', 'open', true, false, now(), '', '', '',"
            " '', 0 FROM messaging_contact ORDER BY id",
            [line.pk],
        )
        cursor.execute(
            "INSERT INTO messaging_message (public_id, connection_id, conversation_id, provider_id,"
            " direction, source, sender, type, subtype, text, status, occurred_at,"
            " occurred_at_estimated, received_at, edited_text_unknown, reply_to_provider_id,"
            " view_once, is_forwarded, is_placeholder, is_hidden, is_history, extra)"
            " SELECT gen_random_uuid(), %s, c.id, md5(n::text), 'inbound', 'customer',"
            " sha256(n::text::bytea), 'text', '', repeat(%s, 1 + n %% 3) || n, 'received',"
            " now() - n * interval '1 minute', false, now(), false, '', false, false, false, false,"
            " false, CASE WHEN n %% 5 = 0 THEN jsonb_build_object('mentions', n) END"
            " FROM generate_series(1, %s) n JOIN messaging_conversation c"
            "  ON c.id = (SELECT min(id) FROM messaging_conversation) + n %% %s",
            [line.pk, WORDS, messages, PEOPLE],
        )
        cursor.execute("ANALYZE")
    return company


def make_people() -> None:
    from messaging.addresses import identity_hmac, number_hmac, tail_hmac  # noqa: PLC0415
    from messaging.models import Contact, Identity  # noqa: PLC0415

    people = Contact.objects.bulk_create(
        [Contact(name=f"Pessoa {n}", search_name=f"pessoa {n}") for n in range(PEOPLE)]
    )
    numbers = [f"55119{n:08d}" for n in range(PEOPLE)]
    Identity.objects.bulk_create(
        [
            Identity(
                contact=one,
                kind="pn",
                address=number,
                hmac=identity_hmac("pn", number),
                br_hmac=number_hmac(number),
                tail_hmac=tail_hmac(number),
            )
            for one, number in zip(people, numbers, strict=True)
        ]
    )


def naive(sample: int) -> tuple[float, float]:
    """Return rows a second of the ORM's dump and load; the load is rolled back."""
    from django.core import serializers  # noqa: PLC0415
    from django.db import transaction  # noqa: PLC0415

    from messaging.models import Message  # noqa: PLC0415

    rows = Message.objects.order_by("pk")[:sample]
    text = io.StringIO()
    _done, dump_s = timed(lambda: serializers.serialize("json", rows.iterator(), stream=text))
    with transaction.atomic():
        Message.objects.filter(pk__in=rows.values("pk")).delete()
        _done, load_s = timed(
            lambda: [each.save() for each in serializers.deserialize("json", text.getvalue())]
        )
        transaction.set_rollback(True)
    return sample / dump_s, sample / load_s


def timed(act: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    return act(), time.perf_counter() - started


def memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def print_table(**found: Any) -> None:
    rows = found["rows"]
    print(f"### Archive ({rows:,} rows of one company in {found['tables']} tables)\n")
    print("| what | seconds | rows/s | beside the ORM, one by one |")
    print("|---|---:|---:|---:|")
    for name, seconds, other in (
        ("export, encrypted", found["export_s"], found["dump_rate"]),
        ("import, with indexes and checks", found["import_s"], found["load_rate"]),
        ("comparison, row by row", found["compare_s"], None),
    ):
        ratio = f"{rows / seconds / other:.1f} times" if other else ""
        print(f"| {name} | {seconds:.1f} | {rows / seconds:,.0f} | {ratio} |")
    size, grown = found["bytes_"] / 1e6, found["grown"]
    print(f"\nThe file has {size:.1f} MB. Export and import together raised the peak of memory by")
    print(f"{grown:.0f} MB. The ORM dumps {found['dump_rate']:,.0f} rows/s and loads", end=" ")
    print(f"{found['load_rate']:,.0f}, measured on a sample.")


if __name__ == "__main__":
    main()
