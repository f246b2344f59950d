"""The commands: one JSON object, or one line; and the file opens without EvoSense."""

import json
import os
import stat
import subprocess
import sys
import tarfile
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from evosense.core.schema import public_scope, tenant_scope
from evosense.testing.databases import ALPHA
from evosense.testing.installations import another_installation
from messaging.models import Contact
from messaging.selectors.search import contacts_like
from messaging.tests import factories
from messaging.tests.portable.test_round_trip import leave_no_alpha
from tenancy.models import Tenant
from tenancy.tests.factories import make_member

PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def filled(tenant, committed, monkeypatch):
    monkeypatch.setenv("EVOSENSE_ARCHIVE_PASSPHRASE", PASSPHRASE)
    factories.make_contact("Ana", address="5511987654321")
    factories.make_message(text="olá")
    make_member("owner")


def run(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return json.loads(out.getvalue())


def test_export_import_verify_delete_and_come_back(filled, tmp_path):
    file = str(tmp_path / "alpha.evoa")
    told = run("tenant_export", "--tenant=alpha", f"--to={file}")
    assert told["rows"] > 5
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["alpha.evoa"]
    assert run("tenant_compare", "--tenant=alpha", f"--archive={file}")["different"] == 0
    with another_installation():
        leave_no_alpha()
        told = run("tenant_import", file, "--slug=nova", "--verify")
        assert (told["slug"], told["origin"]) == ("nova", str(ALPHA.id))
        assert told["verified"]["different"] == 0
        gone = run("tenant_delete", "--tenant=nova", "--yes-delete=nova", "--now")
        assert gone["state"] == "deleted"
        with pytest.raises(CommandError, match="slug: "):
            run("tenant_create", "--slug=nova", "--name=Somebody else")
        # The company itself may come back to its name.
        assert run("tenant_import", file, "--slug=nova", "--verify")["slug"] == "nova"
        with public_scope():
            ref = Tenant.objects.get(slug="nova").ref
        with tenant_scope(ref):
            assert Contact.objects.filter(contacts_like("11987654321")).get().name == "Ana"


def test_a_difference_is_told_and_exits_with_three(filled, tmp_path, capsys):
    file = str(tmp_path / "alpha.evoa")
    run("tenant_export", "--tenant=alpha", f"--to={file}")
    Contact.objects.filter(name="Ana").update(name="Bia")
    out = StringIO()
    with pytest.raises(SystemExit) as raised:
        call_command("tenant_compare", "--tenant=alpha", f"--archive={file}", stdout=out)
    assert raised.value.code == 3
    told = json.loads(out.getvalue())
    assert told["tables"] == {"messaging_contact": {"left": 2, "right": 2, "different": 1}}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tenant_export", "--tenant=nobody", "--to=x"], "tenant: "),
        (["tenant_export", "--tenant=alpha", "--to=/nowhere/x"], "--to: "),
        (["tenant_export", "--tenant=alpha", "--to="], "--to: "),
        (["tenant_export", "--tenant=alpha", "--to=x", "--passphrase-env=NO_SUCH"], "NO_SUCH"),
        (["tenant_export", "--tenant=alpha", "--to=x", "--passphrase-env=SHORT"], "passphrase: "),
        (["tenant_import", "/nowhere/x"], "file: "),
        (["tenant_compare", "--tenant=alpha"], "either"),
        (["tenant_swap", "--tenant=alpha", "--with=beta", "--wait=0"], "with: "),
        (["tenant_delete", "--tenant=alpha", "--yes-delete=beta"], "--yes-delete"),
        (["tenant_delete", "--tenant=alpha", "--yes-delete=alpha", "--grace-days=400"], "grace"),
    ],
)
def test_refusals_are_one_line(filled, monkeypatch, tmp_path, arguments, said):
    monkeypatch.setenv("SHORT", "short")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError) as raised:
        run(*arguments)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_an_existing_file_is_never_replaced(filled, tmp_path):
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(CommandError, match="exists already"):
        run("tenant_export", "--tenant=alpha", f"--to={tmp_path / 'mine'}")
    assert (tmp_path / "mine").read_text() == "precious"


def test_the_documented_script_opens_it(filled, tmp_path):
    file, opened = tmp_path / "alpha.evoa", tmp_path / "alpha.tar"
    run("tenant_export", "--tenant=alpha", f"--to={file}")
    script = settings.BASE_DIR / "tools" / "open_archive.py"
    command = [sys.executable, str(script), str(file), str(opened)]
    wrong = subprocess.run(
        command,
        env={**os.environ, "EVOSENSE_ARCHIVE_PASSPHRASE": "another one"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (wrong.returncode, wrong.stderr) == (1, "wrong passphrase\n")
    opened.unlink(missing_ok=True)
    subprocess.run(command, check=True)
    with tarfile.open(opened) as tar:
        names = tar.getnames()
        assert (names[0], names[-1]) == ("head.json", "manifest.json")
        head = json.load(tar.extractfile("head.json"))
    assert head["tenant"]["slug"] == "alpha"
