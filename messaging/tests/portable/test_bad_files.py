"""Archives that were cut, changed or forged: one clear line, and nothing is stored."""

import errno
import gzip
import io
import json
import zlib

import pytest
from django.core.files.storage import default_storage

from evosense.core.crypto import DecryptionError
from evosense.core.errors import DomainError
from evosense.core.schema import database_cursor, public_scope
from evosense.testing.databases import ALPHA
from messaging.models import Contact
from messaging.tests import factories
from tenancy.archive import packing, sealed
from tenancy.archive.export import export_tenant
from tenancy.archive.packing import Packer, members
from tenancy.archive.restore import import_tenant
from tenancy.archive.sealed import OpeningReader, SealingWriter
from tenancy.models import RetiredName, Tenant

PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def archive(tenant, committed, monkeypatch):
    # Chunks as small as the test's data, so that there are several to cut, swap and repeat.
    monkeypatch.setattr(sealed, "CHUNK", 2048)
    monkeypatch.setattr(sealed, "_N", 1 << 10)
    for number in range(60):
        factories.make_message(text=f"mensagem {number}")
    file = io.BytesIO()
    export_tenant(ALPHA, file, passphrase=PASSPHRASE)
    return file.getvalue()


def refusal(content, passphrase=PASSPHRASE, slug="copia"):
    before = state()
    with pytest.raises(DomainError) as raised:
        import_tenant(io.BytesIO(content), passphrase, slug=slug)
    assert "\n" not in str(raised.value.message)
    assert state() == before
    return raised.value.code


def state():
    with public_scope(), database_cursor() as cursor:
        cursor.execute("SELECT array_agg(nspname ORDER BY 1) FROM pg_namespace")
        schemas = cursor.fetchone()[0]
        companies = list(Tenant.objects.order_by("pk").values_list("slug", flat=True))
    return [one for one in schemas if not one.startswith("pg_")], companies


def parts(archive):
    """Return every member as (name, bytes unpacked)."""
    found = []
    for member in members(OpeningReader(io.BytesIO(archive), PASSPHRASE)):
        is_json = member.name.endswith(".json")
        data = json.dumps(member.json()).encode() if is_json else b"".join(member.blocks())
        found.append((member.name, data))
    return found


def repack(found, *, raw=()):
    """Write members as an archive of ours would hold them, `raw` ones byte for byte."""
    file = io.BytesIO()
    writer = SealingWriter(file, PASSPHRASE)
    packer = Packer(writer)
    for name, data in found:
        packed = data if name.endswith(".json") or name in raw else gzip.compress(data)
        packer._member(name, packed)
    packer.finish()
    writer.finish()
    return file.getvalue()


def test_what_is_repacked_unchanged_is_good(archive):
    imported = import_tenant(io.BytesIO(repack(parts(archive))), PASSPHRASE, slug="copia")
    assert imported.rows > 120


def test_wrong_passphrase(archive):
    assert refusal(archive, "another passphrase") == "archive_passphrase_wrong"


def test_something_else(tenant):
    for content in (b"", b"PK\x03\x04zip", b"\0" * 5000, b"EVOSENSE ARCHIVE x\n"):
        assert refusal(content) == "archive_foreign"


def test_a_newer_format(archive):
    newer = archive.replace(b"EVOSENSE ARCHIVE 1\n", b"EVOSENSE ARCHIVE 2\n", 1)
    assert refusal(newer) == "archive_newer"
    found = parts(archive)
    head = json.loads(found[0][1])
    found[0] = ("head.json", json.dumps({**head, "format": 9}).encode())
    assert refusal(repack(found)) == "archive_newer"


def test_cut_off(archive):
    for share in (0.001, 0.01, 0.3, 0.5, 0.9, 0.999):
        code = refusal(archive[: int(len(archive) * share)])
        assert code in {"archive_truncated", "archive_altered", "archive_foreign"}, share


def test_cut_off_between_two_chunks(archive):
    top = archive.index(b"\n", 20) + 1
    assert refusal(archive[: top + 3 * (2048 + 16)]) == "archive_truncated"


def test_one_bit_flipped(archive):
    for share in (0.0005, 0.005, 0.02, 0.3, 0.6, 0.9, 0.9999):
        changed = bytearray(archive)
        changed[int(len(archive) * share)] ^= 1
        code = refusal(bytes(changed))
        assert code in {"archive_altered", "archive_passphrase_wrong", "archive_foreign"}, share


def test_chunks_exchanged_or_repeated(archive):
    top, size = archive.index(b"\n", 20) + 1, 2048 + 16
    one, two = archive[top : top + size], archive[top + size : top + 2 * size]
    rest = archive[top + 2 * size :]
    assert refusal(archive[:top] + two + one + rest) == "archive_altered"
    assert refusal(archive[:top] + one + one + two + rest) == "archive_altered"


def test_a_header_that_asks_for_the_whole_memory(archive):
    greedy = archive.replace(b'"n": 1024', b'"n": 1073741824', 1)
    assert refusal(greedy) == "archive_altered"


def test_names_that_lead_elsewhere(archive):
    found = parts(archive)
    for name in (
        "../../etc/passwd",
        "/etc/passwd",
        "tables/../x/000001.gz",
        "tables/messaging_contact/1.gz",
        "other/x/000001.gz",
        "tables/Messaging/000001.gz",
    ):
        assert refusal(repack([found[0], (name, b"x"), *found[1:]])) == "archive_content", name


def test_file_names_that_lead_elsewhere(archive):
    found = [part for part in parts(archive) if not part[0].startswith(("files/", "manifest"))]
    odd = ("../secret", "/etc/cron.d/x", "a/../../b", "archives/x", "a\\b", "./a", "a//b", "")
    for name in odd:
        index = json.dumps({"number": "00000001", "name": name}).encode() + b"\n"
        extra = [("files/index/000001.gz", index), ("files/00000001/000001.gz", b"x")]
        assert refusal(repack([*found, *extra])) == "archive_content", name
        assert not default_storage.exists("secret")


def test_links_and_folders(archive):
    import tarfile

    file = io.BytesIO()
    writer = SealingWriter(file, PASSPHRASE)
    info = tarfile.TarInfo("head.json")
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    writer.write(info.tobuf(tarfile.USTAR_FORMAT))
    writer.finish()
    assert refusal(file.getvalue()) == "archive_content"


def test_a_part_that_grows_without_end(archive, monkeypatch):
    monkeypatch.setattr(packing, "MOST_UNPACKED", 8 << 20)
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush()
    found = parts(archive)
    at = next(i for i, (name, _data) in enumerate(found) if name.startswith("tables/"))
    table = found[at][0]
    code = refusal(repack([*found[:at], (table, bomb)], raw={table}))
    assert code == "archive_content"


def test_tables_that_are_none_of_ours(archive):
    found = parts(archive)
    for table in ("pg_class", "messaging_nothing", "django_migrations"):
        forged = [found[0], (f"tables/{table}/000001.gz", b"1\n"), *found[1:]]
        assert refusal(repack(forged)) == "archive_content", table


def test_columns_that_are_none_of_ours(archive):
    found = parts(archive)
    head = json.loads(found[0][1])
    head["tables"]["messaging_contact"]["columns"][0] = "id\") FROM PROGRAM 'id'; --"
    found[0] = ("head.json", json.dumps(head).encode())
    assert refusal(repack(found)) == "archive_schema_differs"


def test_a_head_without_sense(archive):
    found = parts(archive)
    for value in (b"[]", b"{}", b'{"format": "1"}', b'{"format": 1}', b"nonsense"):
        assert refusal(repack([("head.json", value), *found[1:]])) == "archive_content", value


def test_a_row_less_than_the_manifest_says(archive):
    found = parts(archive)
    at = next(i for i, (name, _data) in enumerate(found) if "messaging_message/" in name)
    name, data = found[at]
    found[at] = (name, data.partition(b"\n")[2])
    assert refusal(repack(found)) == "archive_altered"


def test_a_changed_row(archive):
    found = parts(archive)
    at = next(i for i, (name, _data) in enumerate(found) if "messaging_message/" in name)
    found[at] = (found[at][0], found[at][1].replace(b"mensagem 7", b"mensagem 8", 1))
    assert refusal(repack(found)) == "archive_altered"


def test_no_manifest(archive):
    assert refusal(repack(parts(archive)[:-1])) == "archive_truncated"


def test_rows_that_the_database_refuses_are_not_quoted(archive):
    found = parts(archive)
    at = next(i for i, (name, _data) in enumerate(found) if "messaging_contact/" in name)
    found[at] = (found[at][0], found[at][1].replace(b"person", b"nobody and a secret", 1))
    before = state()
    with pytest.raises(DomainError) as raised:
        import_tenant(io.BytesIO(repack(found)), PASSPHRASE, slug="copia")
    assert raised.value.code == "archive_rows"
    assert "secret" not in str(raised.value.message)
    assert state() == before


def test_an_address_that_is_taken_reserved_or_retired(archive):
    assert refusal(archive, slug="alpha") == "slug_taken"
    assert refusal(archive, slug="admin") == "slug_reserved"
    assert refusal(archive, slug="Não") == "slug_invalid"
    with public_scope():
        RetiredName.objects.create(name="gone", tenant_id=None)
    assert refusal(archive, slug="gone") == "slug_taken"


def test_an_archive_of_a_newer_version_says_which_one_is_needed(archive):
    found = parts(archive)
    head = json.loads(found[0][1])
    head["migrations"].append(["messaging", "9999_from_the_future"])
    head["evosense"] = "7.7"
    found[0] = ("head.json", json.dumps(head).encode())
    with pytest.raises(DomainError) as raised:
        import_tenant(io.BytesIO(repack(found)), PASSPHRASE, slug="copia")
    assert raised.value.code == "archive_schema_newer"
    assert "7.7" in str(raised.value.message)
    assert "messaging.9999_from_the_future" in str(raised.value.message)


def test_other_tables_under_the_same_migrations_are_refused(archive):
    found = parts(archive)
    head = json.loads(found[0][1])
    head["fingerprint"] = "0" * 64
    found[0] = ("head.json", json.dumps(head).encode())
    assert refusal(repack(found)) == "archive_schema_differs"


def test_a_failure_in_the_middle_takes_the_files_back(archive, monkeypatch):
    from tenancy.archive import schemas

    assert Contact.objects.exists()
    index = json.dumps({"number": "00000001", "name": "media/a"}).encode() + b"\n"
    found = parts(archive)[:-1]
    extra = [("files/index/000001.gz", index), ("files/00000001/000001.gz", b"x")]
    monkeypatch.setattr(schemas, "bring_up", lambda *_a: (_ for _ in ()).throw(OSError("gone")))
    with public_scope():
        Tenant.objects.filter(pk=ALPHA.id).update(slug="alpha")
    content = repack([*found, *extra])
    before = state()
    with pytest.raises(DomainError):
        import_tenant(io.BytesIO(content), PASSPHRASE, slug="copia")
    assert state() == before
    try:
        folders, _files = default_storage.listdir("tenants")
    except FileNotFoundError:
        folders = []
    assert not [name for name in folders if default_storage.exists(f"tenants/{name}/media/a")]


class FullDisk(io.BytesIO):
    """Takes so many bytes and no more."""

    def write(self, data):
        if self.tell() > 8000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


@pytest.mark.parametrize("with_raw_events", [False, True])
def test_a_disk_that_fills_half_way_ends_the_export(archive, monkeypatch, with_raw_events):
    monkeypatch.setattr(packing, "PART", 512)
    with pytest.raises(OSError, match="No space"):
        export_tenant(ALPHA, FullDisk(), passphrase=PASSPHRASE, with_raw_events=with_raw_events)
    # The rollback did not wait for the rest of the COPY, and the connection is good.
    assert Contact.objects.count() > 0


def test_a_value_that_cannot_be_opened_ends_the_export(archive):
    with database_cursor() as cursor:
        cursor.execute("UPDATE messaging_identity SET address = '\\x01'")
    with pytest.raises(DecryptionError):
        export_tenant(ALPHA, io.BytesIO(), passphrase=PASSPHRASE)
    assert Contact.objects.count() > 0
