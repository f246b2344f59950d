"""Workers that are killed while they judge: nothing is lost, and nothing is judged twice."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from analytics.analysis.enqueue import note_messages
from analytics.analysis.worker import work_off
from analytics.models import AnalysisJob, Inference
from evosense.testing.house import database_url
from messaging.models import Message
from messaging.tests.factories import make_conversation, make_message

pytestmark = pytest.mark.chaos
# Batches of ten, of which the third never ends; the stub needs no model.
WORKER = """
import time, django
django.setup()
from analytics.analysis import embedded_arm, worker
from analytics.tests.analysis.conftest import StubAnalyser
from evosense.core.schema import tenant_scope
from evosense.testing.databases import ALPHA

class Slow(StubAnalyser):
    def judge(self, texts, contexts=None):
        if len(self.asked) == 2:
            time.sleep(600)
        return super().judge(texts, contexts)

stub = Slow()
embedded_arm.the_analyser = lambda: stub
worker.EMBEDDED_BATCH = 10
with tenant_scope(ALPHA):
    worker.work_off(seconds=600)
"""


def _start_worker() -> "subprocess.Popen[bytes]":
    environment = os.environ | {
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"],
    }
    return subprocess.Popen([sys.executable, "-c", WORKER], cwd=settings.BASE_DIR, env=environment)


def test_killed_in_the_middle_each_message_is_judged_once(committed, tenant) -> None:
    talk = make_conversation()
    ids = [make_message(talk, text=f"muito bom {number}").pk for number in range(60)]
    note_messages(ids)
    workers = [_start_worker(), _start_worker()]
    try:
        deadline = time.monotonic() + 90
        # Both have written two batches and hold a third one.
        while Inference.objects.count() < 40 or AnalysisJob.objects.filter(claim=None).exists():
            assert all(worker.poll() is None for worker in workers)
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        for worker in workers:
            worker.send_signal(signal.SIGKILL)
            worker.wait(20)
    assert AnalysisJob.objects.filter(claimed_until__gt=timezone.now()).count() == 20
    assert work_off() is False
    assert Inference.objects.count() == 40
    AnalysisJob.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert work_off() is False
    # The event comes again, as after a crash of the relay.
    assert note_messages(ids) == 0
    assert Inference.objects.count() == 60
    assert set(Inference.objects.values_list("message_id", flat=True)) == set(ids)
    assert not AnalysisJob.objects.exists()
    assert Message.objects.filter(judged_by="embedded", sentiment=0.8).count() == 60
