"""A worker that is killed in the middle of a run, for real."""

import os
import signal
import time

import pytest
from django.db import connections

from analytics.experiments import worker
from analytics.models import ExperimentRun, Inference, SampleItem
from analytics.tests.experiments.factories import FakeJudge, make_messages, make_run
from evosense.core.schema import current_tenant, tenant_scope

pytestmark = [pytest.mark.usefixtures("committed", "tenant")]
DEADLINE = 60


def test_another_worker_ends_what_a_killed_one_began(monkeypatch):
    make_messages(12)
    run = make_run(status="running", start_date="2025-11-15T12:00:00Z")
    tenant = current_tenant()
    monkeypatch.setattr(worker, "EMBEDDED_BATCH", 4)
    connections.close_all()
    child = os.fork()
    if not child:
        with tenant_scope(tenant):
            _judge_slowly(run.pk)
        os._exit(0)
    _wait_for(lambda: Inference.objects.filter(run_id=run.run_id).count() >= 5)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    held = ExperimentRun.objects.get(pk=run.pk)
    assert held.worker_until is not None
    before = Inference.objects.filter(run_id=run.run_id).count()
    assert before < 24

    fake = FakeJudge()
    monkeypatch.setattr(worker, "judge_items", fake)
    assert worker.take_turn(run.pk) is False
    assert fake.calls == []
    # The dead worker's lease ends by itself; waiting three minutes for it shows nothing more.
    ExperimentRun.objects.filter(pk=run.pk).update(worker_until="2025-11-15T12:00:00Z")
    worker.take_turn(run.pk)

    run.refresh_from_db()
    assert (run.status, run.processed_messages) == ("completed", 12)
    assert Inference.objects.filter(run_id=run.run_id).count() == 24
    assert not SampleItem.objects.filter(run=run, done_at=None).exists()
    assert sum(len(items) for _arm, items in fake.calls) == 24 - before


def _judge_slowly(run_pk):
    class Slow(FakeJudge):
        def __call__(self, items, arm, **mark):
            time.sleep(0.5)
            return super().__call__(items, arm, **mark)

    worker.judge_items = Slow()
    worker.take_turn(run_pk)


def _wait_for(holds):
    until = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)
