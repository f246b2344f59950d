"""A repair whose process is killed while it reads goes on where it stopped."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from evosense.testing.house import database_url
from messaging.models import GapRepair, Message
from messaging.services.gaps import request_repair, run, run_repair
from messaging.tests.health.rig import Simulator, make_server, open_line

pytestmark = pytest.mark.chaos
# Pages of two, so that there is a middle to be killed in.
WORKER = """
import sys, django
django.setup()
from evosense.core.schema import tenant_scope
from evosense.testing.databases import ALPHA
from messaging.services.gaps import run
run.PAGE_SIZE = 2
with tenant_scope(ALPHA):
    run.run_repair(int(sys.argv[1]))
"""


def test_killed_in_the_middle_nothing_is_lost_and_nothing_comes_twice(
    committed, tenant, sim: Simulator, monkeypatch
) -> None:
    line = open_line(sim, make_server(sim.url))
    sim.write(line.instance, 60, ago=3600, every=30)
    fault = {"kind": "delay", "seconds": 0.2, "instance": line.instance}
    sim.post("/_sim/faults", fault)
    repair = request_repair(line.public_id, since=timezone.now() - timedelta(hours=2))
    environment = os.environ | {
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"],
    }
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(repair.pk)], cwd=settings.BASE_DIR, env=environment
    )
    try:
        deadline = time.monotonic() + 60
        while GapRepair.objects.get().page < 4:
            assert worker.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait(20)
    stopped = GapRepair.objects.get()
    assert stopped.state == "running"
    assert stopped.recovered == Message.objects.count() < 60
    sim.call("DELETE", "/_sim/faults")
    GapRepair.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    monkeypatch.setattr(run, "PAGE_SIZE", 2)
    assert run_repair(repair.pk) == "done"
    done = GapRepair.objects.get()
    assert (done.missing, done.recovered, Message.objects.count()) == (60, 60, 60)
