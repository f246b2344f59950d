"""A change of data keys while the house runs: nothing is lost, and it says when it is done."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings as django_settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from evosense.core import crypto
from evosense.core.idempotency import answer_once
from evosense.core.ids import uuid7
from evosense.core.models import AnsweredRequest, Reencryption
from evosense.core.schema import public_scope, tenant_scope
from messaging.models import Connection
from messaging.tests.factories import make_connection
from tenancy.models import Tenant

ONE, TWO = ("k1", b"1" * 32), ("k2", b"2" * 32)


@pytest.fixture
def ring(settings):
    """Return a function that gives this process a key ring, as a restart would."""

    def use(*keys) -> None:
        settings.DATA_KEYS = list(keys)
        crypto._ring.cache_clear()

    yield use
    crypto._ring.cache_clear()


@pytest.fixture(autouse=True)
def _forget_the_ring():
    yield
    crypto._ring.cache_clear()


def run(**options):
    out = StringIO()
    call_command("reencrypt", stdout=out, **options)
    return json.loads(out.getvalue())


def test_every_kind_of_value_gets_the_new_key_and_reads_as_before(
    tenant, other_tenant, make_user, ring
) -> None:
    ring(ONE)
    made = make_connection(name="loja", instance="one", api_key="secret-a", number="5511900001234")
    with tenant_scope(other_tenant):
        make_connection(name="loja", instance="two", api_key="secret-b")
    answer_once(key="k", caller=1, request=("POST", "/", {}), work=lambda: {"token": "t"})
    sealed = crypto.seal_tenant_key(b"3" * 32)
    user = make_user()
    with public_scope():
        Tenant.objects.filter(pk=tenant.id).update(sender_key=sealed)
        TOTP.activate(user, "JBSWY3DPEHPK3PXP")
        codes = RecoveryCodes.activate(user).get_unused_codes()
    ring(TWO, ONE)
    told = run()
    assert told["renewed"] == 7
    assert told["values_by_key"] == {"k2": 7}
    assert (told["removable_keys"], told["needed_keys"], told["unreadable"]) == (["k1"], [], 0)
    assert "k1 may be removed" in told["advice"]
    ring(TWO)
    made.refresh_from_db()
    assert (made.api_key, made.number) == ("secret-a", "5511900001234")
    with tenant_scope(other_tenant):
        assert Connection.objects.get().api_key == "secret-b"
    repeated = answer_once(key="k", caller=1, request=("POST", "/", {}), work=lambda: None)
    assert repeated == ({"token": "t"}, True)
    with public_scope():
        brought = Tenant.objects.get(pk=tenant.id).ref
        held = Authenticator.objects.filter(user=user)
        assert TOTP(held.get(type="totp")).instance.data["secret"]
        seed = held.get(type="totp").wrap()
        assert crypto.tenant_key(brought) == b"3" * 32
        assert seed.validate_code("000000") in {True, False}
        assert RecoveryCodes(held.get(type="recovery_codes")).get_unused_codes() == codes


def test_a_second_run_finds_nothing_to_do(tenant, ring) -> None:
    ring(ONE)
    make_connection(api_key="secret")
    ring(TWO, ONE)
    assert run()["renewed"] >= 1
    with tenant_scope(tenant), connection.cursor() as cursor:
        cursor.execute("SELECT api_key FROM messaging_connection")
        before = bytes(cursor.fetchone()[0])
        assert run()["renewed"] == 0
        cursor.execute("SELECT api_key FROM messaging_connection")
        assert bytes(cursor.fetchone()[0]) == before
    with public_scope():
        assert not Reencryption.objects.filter(finished_at=None).exists()


def test_a_wrong_key_is_told_and_loses_nothing(tenant, ring) -> None:
    ring(ONE)
    lost = make_connection(name="a", instance="a", api_key="secret-a")
    ring(("k0", b"7" * 32))
    unknown = make_connection(name="b", instance="b", api_key="secret-b")
    ring(TWO, ("k1", b"9" * 32))
    out = StringIO()
    with pytest.raises(CommandError) as refusal:
        call_command("reencrypt", stdout=out)
    told = json.loads(out.getvalue())
    assert told["unreadable"] == 2
    assert told["needed_keys"] == ["k0", "k1"]
    assert told["removable_keys"] == []
    assert "2 values cannot be opened and were left as they are" in str(refusal.value)
    assert "messaging_connection|api_key" in str(refusal.value)
    assert "secret" not in str(refusal.value)
    ring(TWO, ONE, ("k0", b"7" * 32))
    assert run()["renewed"] == 2
    for row, text in ((lost, "secret-a"), (unknown, "secret-b")):
        row.refresh_from_db()
        assert row.api_key == text


def test_a_value_that_changes_meanwhile_is_not_undone(tenant, ring, monkeypatch) -> None:
    from tenancy.db.resealing import Shelf

    ring(ONE)
    made = make_connection(api_key="old")
    ring(TWO, ONE)
    replace = Shelf.replace

    def after_a_writer(shelf, row, value):
        if shelf._column.column == "api_key":
            Connection.objects.filter(pk=made.pk).update(api_key="new")
        return replace(shelf, row, value)

    monkeypatch.setattr(Shelf, "replace", after_a_writer)
    run()
    made.refresh_from_db()
    assert made.api_key == "new"


def test_a_batch_must_hold_something(tenant) -> None:
    with pytest.raises(CommandError):
        call_command("reencrypt", batch=0)


def process(*arguments: str, keys) -> "subprocess.Popen[str]":
    base, _slash, _name = os.environ["DATABASE_URL"].partition("?")
    address = base.rsplit("/", 1)[0] + "/" + str(connection.settings_dict["NAME"])
    query = os.environ["DATABASE_URL"][len(base) :]
    written = ",".join(f"{name}:{base64.b64encode(key).decode()}" for name, key in keys)
    return subprocess.Popen(
        [sys.executable, "manage.py", "reencrypt", *arguments],
        cwd=django_settings.BASE_DIR,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "evosense.settings.dev",
            "DATABASE_URL": address + query,
            "EVOSENSE_DATA_KEYS": written,
            "LOG_LEVEL": "ERROR",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def make_answers(count: int) -> None:
    tenant_id = uuid7()
    AnsweredRequest.objects.bulk_create(
        AnsweredRequest(
            tenant_id=tenant_id,
            caller=number,
            key="k",
            digest=b"d" * 32,
            answer=_sealed_for(tenant_id, number),
        )
        for number in range(count)
    )


def _sealed_for(tenant_id, number: int) -> bytes:
    from evosense.core.idempotency import PLACE
    from evosense.core.schema import TenantRef

    with tenant_scope(TenantRef(id=tenant_id, schema_name="t_test1", slug="x")):
        return crypto.encrypt(str(number), PLACE)


@pytest.mark.chaos
def test_killed_half_way_it_goes_on_while_an_old_process_writes(committed, public, ring) -> None:
    ring(ONE)
    make_answers(3000)
    runner = process("--batch", "2", keys=[TWO, ONE])
    progress = Reencryption.objects.filter(place="core_answeredrequest|answer", renewed__gt=20)
    until = time.monotonic() + 60
    while not progress.exists() and time.monotonic() < until and runner.poll() is None:
        time.sleep(0.02)
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    half = progress.get()
    assert 0 < half.renewed < 3000
    assert half.finished_at is None
    # A process from before the change: it knows both keys but writes with the old one.
    ring(ONE, TWO)
    late = make_late_answer()
    runner = process(keys=[TWO, ONE])
    out, problems = runner.communicate(timeout=120)
    assert runner.returncode == 0, problems
    told = json.loads(out)
    done = Reencryption.objects.get(pk=half.pk)
    assert done.finished_at is not None
    assert done.renewed == 3001
    assert told["renewed"] == 3001 - half.renewed
    assert told["removable_keys"] == ["k1"]
    make_late_answer()
    ring(TWO, ONE)
    assert crypto.key_id_of(AnsweredRequest.objects.get(pk=late).answer) == "k2"
    again = run()
    assert again["renewed"] == 1
    assert again["values_by_key"]["k2"] == 3002


def make_late_answer() -> int:
    tenant_id = uuid7()
    made = AnsweredRequest.objects.create(
        tenant_id=tenant_id,
        caller=1,
        key="late",
        digest=b"d" * 32,
        answer=_sealed_for(tenant_id, 1),
    )
    return int(made.pk)
