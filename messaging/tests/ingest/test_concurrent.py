"""Several workers at once, with connections of their own, over shuffled and repeated deliveries."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from django.conf import settings

from evosense.core.schema import database_cursor, tenant_scope
from evosense.testing.threads import run_threads
from messaging.ingest.worker import Worker
from messaging.models import Contact, Conversation, Message
from messaging.tests.ingest.rig import (
    CLOUD,
    INSTANCE,
    MANIFEST,
    canonical,
    deliver,
    deliver_fixture,
    make_lines,
    work,
)

NAMES = [row["file"] for row in MANIFEST]


def pending():
    with database_cursor() as cursor:
        cursor.execute("SELECT count(*) FROM public.webhook_events WHERE status = 0")
        return cursor.fetchone()[0]


def test_four_workers_reach_the_state_of_one(committed, tenant):
    from evosense.testing.databases import truncate_everything

    lines = make_lines()
    for name in NAMES:
        deliver_fixture(lines, name)
    work()
    alone = canonical()
    truncate_everything()
    lines = make_lines()
    shuffled = NAMES * 3
    random.Random(5).shuffle(shuffled)
    for name in shuffled:
        deliver_fixture(lines, name)

    def drain():
        worker = Worker(turn_size=4)
        while worker.drain() or waiting():
            time.sleep(0.01)

    def waiting():
        with tenant_scope(tenant):
            return pending()

    run_threads([drain] * 4)
    assert pending() == 0
    together = canonical()
    for part, rows in alone.items():
        assert rows == together[part], part


def text(instance, number, chat):
    data = {
        "key": {
            "remoteJid": f"55119000{chat:05d}@s.whatsapp.net",
            "remoteJidAlt": f"7023{chat:05d}@lid",
            "fromMe": False,
            "id": f"{instance}{number}",
        },
        "message": {"conversation": f"oi {number}"},
        "messageTimestamp": 1763200000 + number,
        "pushName": f"Cliente {chat} {number % 3}",
    }
    return {"event": "messages.upsert", "instance": instance, "data": data}


def test_two_lines_that_meet_the_same_people_make_each_once(committed, tenant):
    lines = make_lines()
    dice = random.Random(3)
    for number in range(400):
        instance = dice.choice([INSTANCE, CLOUD])
        deliver(lines[instance], text(instance, number, dice.randrange(40)))

    def drain():
        worker = Worker(turn_size=10)
        while worker.drain():
            pass

    run_threads([drain] * 4)
    while pending():
        work()
    assert Message.objects.count() == 400
    assert Contact.objects.count() == 40
    assert Conversation.objects.filter(is_live=True).count() <= 80
    with database_cursor() as cursor:
        cursor.execute("SELECT max(attempts) FROM public.webhook_events")
        assert cursor.fetchone()[0] == 0


def test_process_stops_cleanly_in_the_middle_of_work(committed, tenant):
    lines = make_lines()
    for number in range(600):
        deliver(lines[INSTANCE], text(INSTANCE, number, number % 50))
    root = Path(settings.BASE_DIR)
    database = settings.DATABASES["default"]
    url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**database)
    environment = os.environ | {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "evosense.settings.test",
    }
    process = subprocess.Popen(
        [sys.executable, "manage.py", "ingest_worker", "--turn", "5", "--skip-checks"],
        cwd=root,
        env=environment,
        stderr=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 60
        while pending() in (0, 600) and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, errors.decode()
    stored = Message.objects.count()
    assert 0 < stored == 600 - pending()
    work()
    assert Message.objects.count() == 600
    assert json.dumps(canonical()["parked"]) == "[]"
