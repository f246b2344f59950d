"""Old judgements and calls go; messages keep their values, runs everything that they compared."""

from datetime import timedelta

import pytest
from django.utils import timezone

from analytics.analysis import retention
from analytics.analysis.tasks import forget_old_judgements
from analytics.models import Inference, ModelCall
from analytics.tests.experiments.factories import judgement, make_messages
from evosense.core.ids import uuid7
from messaging.services.judgements import MessageJudgement, store_judgements

VALUES = (0.5, "alegria", 80, "cordial", "Chegou.", 0.9, "provider")


def call(run_id=""):
    return ModelCall.objects.create(
        purpose="message_analysis",
        provider_id=uuid7(),
        provider_name="Nuvem",
        model_requested="m",
        run_id=run_id,
    )


@pytest.fixture
def rows(tenant):
    """Return rows of production and of a run, old and young, each with its call."""
    message = make_messages(1)[0]
    made = {}
    for name, run_id, days in (("old", "", 401), ("young", "", 399), ("run", "run_1", 4000)):
        row = judgement(message.pk, 0.5, run_key=name, run_id=run_id, call=call(run_id))
        row.save()
        moment = timezone.now() - timedelta(days=days)
        Inference.objects.filter(pk=row.pk).update(created_at=moment)
        ModelCall.objects.filter(pk=row.call_id).update(created_at=moment)
        made[name] = row
    store_judgements([MessageJudgement(message.pk, *VALUES)])
    return message, made


def test_only_what_is_old_and_of_no_run_goes(rows, monkeypatch):
    monkeypatch.setattr(retention, "AT_ONCE", 1)
    message, made = rows
    forget_old_judgements()
    assert set(Inference.objects.values_list("run_key", flat=True)) == {"young", "run"}
    assert set(ModelCall.objects.values_list("pk", flat=True)) == {
        made["young"].call_id,
        made["run"].call_id,
    }
    message.refresh_from_db()
    assert (message.sentiment, message.judged_by) == (0.5, "provider")
    assert retention.forget_judgements() == retention.forget_calls() == 0


def test_a_judgement_may_outlive_its_call(rows):
    _message, made = rows
    ModelCall.objects.all().delete()
    assert Inference.objects.get(pk=made["young"].pk).call_id == made["young"].call_id


def test_the_house_decides_how_long(rows, settings):
    settings.ANALYSIS_RETENTION_DAYS = 60
    assert retention.forget_judgements() == 2
