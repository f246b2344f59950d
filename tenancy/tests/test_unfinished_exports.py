"""Exports that were killed leave nothing for ever, and nothing that looks whole."""

import io
import signal
import subprocess
import sys

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from evosense.core.schema import public_scope
from evosense.testing.databases import ALPHA
from tenancy.archive.importing import open_archive
from tenancy.management.archives import writing
from tenancy.models import TenantArchive
from tenancy.services import archives

PASSPHRASE = "correct horse battery"
# An export in the middle of its work, in a process of its own.
_AT_WORK = """
import sys, time
import django
django.setup()
from tenancy.management.archives import writing
with writing(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    print("here", flush=True)
    time.sleep(60)
"""


def at_work(path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", _AT_WORK, str(path)]
    process = subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    return process


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_next_export_removes_what_a_killed_one_left(tmp_path) -> None:
    killed, alive = at_work(tmp_path / "a.evoa"), at_work(tmp_path / "b.evoa")
    try:
        killed.send_signal(signal.SIGKILL)
        killed.wait(10)
        assert len(names(tmp_path)) == 2
        (tmp_path / ".other.1.part").write_bytes(b"somebody else's")
        with writing(str(tmp_path / "c.evoa")) as file:
            file.write(b"whole")
        left = f".b.evoa.{alive.pid}.evoa-part"
        assert names(tmp_path) == [left, ".other.1.part", "c.evoa"]
        assert (tmp_path / "c.evoa").read_bytes() == b"whole"
    finally:
        alive.kill()
        alive.wait(10)


def test_an_archive_begun_again_is_whole_and_alone(tenant, committed) -> None:
    asked = archives.request(passphrase=PASSPHRASE, asked_by="a@b.co")
    folder = f"tenants/{ALPHA.id}/archives"
    # What tests before left in this process's storage.
    others = set(default_storage.listdir(folder)[1]) if default_storage.exists(folder) else set()
    for left in (f"{asked.pk}.evoa", f"{asked.pk}-0123abcd.evoa", "other.evoa"):
        default_storage.save(f"{folder}/{left}", ContentFile(b"half"))
    assert archives.make(asked.pk)
    with public_scope():
        made = TenantArchive.objects.get()
    assert set(default_storage.listdir(folder)[1]) - others == {
        made.file.rpartition("/")[2],
        "other.evoa",
    }
    with default_storage.open(made.file) as file:
        content = file.read()
    assert len(content) == made.size
    head, _members = open_archive(io.BytesIO(content), PASSPHRASE)
    assert head.tenant["slug"] == "alpha"
