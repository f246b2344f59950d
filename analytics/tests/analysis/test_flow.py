"""The whole way with the real outbox, ring and tickets; celery only carries them."""

import pytest

from analytics.analysis import claims, tasks
from analytics.models import AnalysisJob, Inference
from evosense.celery import app
from evosense.core.backlog import backlog
from evosense.core.outbox import emit, relay
from evosense.core.schema import public_scope
from messaging.events import MessagesStored
from messaging.models import Message
from messaging.tests.factories import make_conversation, make_message
from tenancy.db.tickets import take_next, work_off


@pytest.fixture(autouse=True)
def _tickets_do_not_travel(monkeypatch) -> None:
    monkeypatch.setattr(take_next, "apply_async", lambda **_options: None)


def _store(number: int) -> list[int]:
    from django.db import transaction

    talk = make_conversation()
    with transaction.atomic():
        ids = [make_message(talk, text=f"muito bom {n}").pk for n in range(number)]
        emit(MessagesStored(talk.connection_id, ids, [talk.pk]))
    return ids


def _work() -> None:
    with public_scope():
        while relay():
            pass
        while work_off("ai"):
            pass


def test_a_stored_message_is_judged_without_anybody_asking(committed, tenant, monkeypatch) -> None:
    monkeypatch.setattr(tasks.fill_embeddings, "run", lambda **_event: None)
    ids = _store(30)
    _work()
    assert Message.objects.filter(pk__in=ids, judged_by="embedded").count() == 30
    assert Inference.objects.count() == 30
    assert backlog(tenant)["analysis"] == 0


def test_a_company_that_is_suspended_catches_up_later(committed, tenant, monkeypatch) -> None:
    from tenancy.db.tasks import TenantRefused

    monkeypatch.setattr(tasks.fill_embeddings, "run", lambda **_event: None)

    def refuse(**_arguments: object) -> None:
        raise TenantRefused

    with monkeypatch.context() as suspended:
        suspended.setattr(tasks.judge_waiting, "run", refuse)
        _store(3)
        _work()
    assert AnalysisJob.objects.count() == 3
    assert claims.waiting(tenant) == 3
    tasks.sweep_analysis()
    _work()
    assert Inference.objects.count() == 3


def test_sweeps_are_in_the_schedule_and_known_by_their_names() -> None:
    wanted = {
        "analytics.sweep_analysis",
        "analytics.sweep_conversations",
        "analytics.tidy_analysis",
    }
    scheduled = {entry.get("kwargs", {}).get("task") for entry in app.conf.beat_schedule.values()}
    assert wanted <= scheduled
    assert wanted <= set(app.tasks)
