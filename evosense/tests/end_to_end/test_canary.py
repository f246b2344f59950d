"""Marked numbers, texts and secrets go through the real house; nothing of them leaks.

Allowed places are few and named: the text of messages, the raw log for its days, the encrypted
columns. Logs, metrics, Redis and every other table hold nothing.
"""

import re
import subprocess
import time
from pathlib import Path

import orjson
import pytest
from django.db import connection
from prometheus_client import generate_latest

from evosense.core.schema import public_scope, tenant_scope
from evosense.core.streams import redis_client
from evosense.local.postgres import binaries
from evosense.testing.databases import ALPHA
from evosense.testing.marks import (
    INSTANCE_KEY,
    NUMBER,
    PASSWORD,
    TEXT,
    TOKEN,
    found_in,
    redis_contents,
)

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(500)]
# Where what customers wrote may be read in a dump, and why.
HOLDS_TEXTS = {
    # The product itself.
    "t_test1.messaging_message",
    "t_test1.messaging_conversation",
    "t_test1.messaging_contact",
    # Raw events, dropped by the day after RAW_EVENT_RETENTION_DAYS.
    "public.webhook_events",
}

_COPY = re.compile(r"^COPY (\S+) .*?;\n(.*?)^\\\.$", re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True, scope="module")
def _log_as_in_production():
    """Give the house, which starts afterwards, the log format of production from INFO on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOG_JSON", "1")
        patch.setenv("LOG_LEVEL", "INFO")
        yield


def dump() -> str:
    parameters = connection.get_connection_params()
    done = subprocess.run(
        [
            str(binaries() / "pg_dump"),
            "--data-only",
            f"--host={parameters['host']}",
            f"--port={parameters['port']}",
            f"--username={parameters['user']}",
            str(parameters["dbname"]),
        ],
        env={"PGPASSWORD": str(parameters.get("password") or "")},
        capture_output=True,
        check=True,
        text=True,
    )
    return done.stdout


def tables_of(dumped: str) -> dict[str, str]:
    """Return each table's rows as pg_dump wrote them; daily partitions under their parent."""
    found: dict[str, str] = {}
    for name, rows in _COPY.findall(dumped):
        parent = re.sub(r"(webhook_(?:events|blobs))_\w+$", r"\1", name)
        found[parent] = found.get(parent, "") + rows
    return found


def knock(line, path: str, body: bytes, **headers: str) -> None:
    line.house.post(path, body, **headers)


def send_the_marks(line) -> None:
    """Good and bad events, each with a mark."""
    now = int(time.time())
    token = {"X-EvoSense-Token": line.token}
    assert line.say(TEXT, provider_id="MARK1", at=now, chat=NUMBER, pushName=TEXT) == 200
    wait_for_the_message()
    connection_id = line.path.rsplit("/", 1)[-1]
    knock(line, f"/hooks/evo/{connection_id}/{TOKEN}", b"{}")
    knock(line, f"/hooks/evo/{TEXT}/{TOKEN}/{NUMBER}", b"{}")
    knock(line, line.path, b"{}", **{"X-EvoSense-Token": TOKEN})
    knock(line, line.path, f'{{"event": "{TEXT}", "data": '.encode(), **token)
    knock(line, f"{line.path}?q={TEXT}&token={TOKEN}", b"[]", **token)
    envelope = {"instance": line.instance, "apikey": INSTANCE_KEY, "sender": NUMBER}
    for event, data in [
        ("messages.upsert", {"key": TEXT, "message": [NUMBER]}),
        ("messages.upsert", {"key": {"id": TEXT, "remoteJid": NUMBER}, "messageTimestamp": TEXT}),
        ("messages.update", [{"keyId": {"x": TEXT}, "status": NUMBER}]),
        ("contacts.update", [{"remoteJid": f"{NUMBER}@s.whatsapp.net", "pushName": [TEXT]}]),
        (TEXT, {"text": TEXT}),
    ]:
        body = orjson.dumps({**envelope, "event": event, "data": data, "apikey": INSTANCE_KEY})
        knock(line, line.path, body, **token)
    # Time for workers and relay to take what was sent, and to say something about it.
    time.sleep(3)


def wait_for_the_message() -> None:
    from messaging.models import Message

    until = time.monotonic() + 120
    while time.monotonic() < until:
        with tenant_scope(ALPHA):
            if Message.objects.filter(provider_id="MARK1").exists():
                return
        time.sleep(0.1)
    raise AssertionError("the marked message never arrived")


def test_no_mark_leaves_the_places_that_may_hold_it(line, api_key) -> None:
    from allauth.mfa.models import Authenticator
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    from messaging.models import Connection
    from tenancy.services import mfa
    from tenancy.tests import factories

    with tenant_scope(ALPHA):
        Connection.objects.update(api_key=INSTANCE_KEY)
    member = factories.make_member("owner")
    with public_scope():
        seed = mfa.shown_secret(sealed := mfa.new_secret())
        Authenticator.objects.create(
            user=member.user, type=mfa.TOTP, data={"secret": sealed, "counter": 0}
        )
        member.user.set_password(PASSWORD)
        member.user.save()
        codes = RecoveryCodes.activate(member.user).get_unused_codes()
    send_the_marks(line)

    log = Path(line.house.log).read_bytes()
    assert found_in([("log of the house", log)]) == []
    assert found_in(redis_contents(redis_client())) == []
    assert found_in([("metrics", generate_latest())]) == []

    tables = tables_of(dump())
    assert set(tables) >= HOLDS_TEXTS
    secrets = [line.token, api_key, INSTANCE_KEY, TOKEN, PASSWORD, seed, *codes]
    places = [(name, rows.encode()) for name, rows in tables.items()]
    assert found_in(places, secrets) == []
    others = [(name, rows) for name, rows in places if name not in HOLDS_TEXTS]
    assert found_in(others) == []
    # The dump is of this house, or none of the above would mean anything.
    assert TEXT in tables["t_test1.messaging_message"]
