"""The whole way with the real outbox, ring and tickets; celery only carries them."""

import pytest

from analytics.analysis import claims, tasks, worker
from analytics.analysis.production import production_judge
from analytics.analysis.settings import ai_settings
from analytics.models import AnalysisJob, Inference
from evosense.celery import app
from evosense.core.backlog import backlog
from evosense.core.outbox import emit, relay
from evosense.core.schema import public_scope
from messaging.events import MessagesStored
from messaging.models import Message
from messaging.tests.factories import make_conversation, make_message
from tenancy.db import fair
from tenancy.db.tickets import LANES, take_next, work_off


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
        while work_off("ingest") or work_off("ai"):
            pass


def test_a_stored_message_is_judged_without_anybody_asking(committed, tenant, monkeypatch) -> None:
    monkeypatch.setattr(tasks.fill_embeddings, "run", lambda **_event: None)
    ids = _store(30)
    _work()
    assert Message.objects.filter(pk__in=ids, judged_by="embedded").count() == 30
    assert Inference.objects.count() == 30
    assert backlog(tenant)["analysis"] == 0


def test_a_new_message_overtakes_a_backlog_of_hundreds(committed, tenant, monkeypatch) -> None:
    monkeypatch.setattr(tasks.fill_embeddings, "run", lambda **_event: None)
    old = [pk for _talk in range(60) for pk in _store(10)]
    with public_scope():
        while relay():
            pass
        assert work_off("ingest") == 60
    # Not a look and a filling for each event: others of this ring would wait behind them all.
    assert fair.waiting("ai", tenant.id) <= 2 * LANES["ai"].cap
    worker.judge_claim(claims.claim(100), ai_settings(), production_judge())
    assert claims.waiting(tenant) == 500
    [new] = _store(1)
    with public_scope():
        relay()
        assert work_off("ingest") == 1
    held = claims.claim(20)
    assert new in held.message_ids
    worker.judge_claim(held, ai_settings(), production_judge())
    assert Message.objects.get(pk=new).judged_by == "embedded"
    assert Message.objects.filter(pk__in=old, judged_by="").count() == 481


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
