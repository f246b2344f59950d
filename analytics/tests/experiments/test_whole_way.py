"""From the form to production and back: real pages, the fair ring, a provider over HTTP."""

from decimal import Decimal

import numpy as np
import pytest
from django.urls import reverse

from analytics.analysis import embedded_arm
from analytics.analysis.boosting import learn, packed
from analytics.analysis.enqueue import note_messages
from analytics.analysis.worker import work_off
from analytics.embedded import features
from analytics.embedded.analyser import VERSION
from analytics.experiments.tasks import compute_report_of, shadow_messages
from analytics.models import AiSettings, Booster, ExperimentRun, Inference, ModelCall, PromptLabel
from analytics.prompting.versions import Author, create_version
from analytics.providers.fake import FakeProvider
from analytics.providers.fake.scoring import sentiment_of
from analytics.providers.models import ModelPrice
from analytics.providers.price_list import set_price
from analytics.tests.analysis.conftest import StubAnalyser
from analytics.tests.experiments.factories import make_gold
from analytics.tests.providers.helpers import make_provider
from messaging.models import Message
from messaging.tests.factories import make_conversation, make_message
from tenancy.db import tickets

pytestmark = pytest.mark.usefixtures("committed", "tenant", "redis_db", "judges")
# What people say of each. The stub in the embedded analyser's place knows "bom" alone; the fake
# provider knows all of these words.
SAID = (
    ("amei o atendimento, obrigada", 1.0, "gratidao", 95),
    ("péssimo, veio quebrado", -1.0, "frustracao", 5),
    ("isso foi bom, amei", 1.0, "gratidao", 90),
    ("quanto custa o frete", 0.0, "neutro", 50),
)
ITEMS = 60
FORM = {
    "name": "Um provedor acerta mais?",
    "primary_metric": "sentiment_accuracy",
    "min_effect": "30",
    "baseline_engine": "embedded",
    "budget": "5",
}


@pytest.fixture
def judges(monkeypatch):
    monkeypatch.setattr(embedded_arm, "the_analyser", StubAnalyser)
    monkeypatch.setattr(features, "features", seen)


@pytest.fixture
def provider(tenant):
    with FakeProvider() as server:
        row = make_provider(server.base_url)
        set_price(
            row.pk,
            model="fake-1",
            valid_from="2020-01-01",
            input_price=Decimal(1),
            output_price=Decimal(4),
        )
        yield row


def seen(texts):
    """Return what a booster learns from here: how good and how bad the words are."""
    found = [sentiment_of(text) for text in texts]
    return np.array([[max(one, 0), max(-one, 0)] for one in found], dtype=np.float32)


def write(amount=ITEMS):
    talks = [make_conversation() for _ in range(8)]
    return [make_message(talks[place % 8], text=worded(place)) for place in range(amount)]


def worded(place):
    """Return a text of its own that the fake provider reads as people do, by the level."""
    text, sentiment, *_values = SAID[place % 4]
    numbered = (f"{text} nº {number}" for number in range(place, 10**6, 1_000))
    return next(one for one in numbered if sentiment or abs(sentiment_of(one)) < 0.1)


def url(page, run=None):
    return reverse(f"analytics:experiment-{page}", args=[run.public_id] if run else [])


def begin(client, provider, **over):
    template = create_version(
        name="tom", task="message_analysis", body="Judge for {{company}}.", author=Author(1, "Ana")
    )
    form = FORM | {
        "candidate_1_engine": str(provider.pk),
        "candidate_1_template": str(template.public_id),
        **over,
    }
    answer = client.post(url("create"), form)
    assert answer.status_code == 302, answer.content.decode()
    run = ExperimentRun.objects.get()
    assert client.post(url("start", run)).status_code == 302
    return run, template


def finished(run):
    """Let workers do what waits until the run is over and compared."""
    for _turn in range(20):
        tickets.work_off("ai")
        run.refresh_from_db()
        if run.status == "completed":
            break
    assert run.status == "completed", run.error
    compute_report_of(run_pk=run.pk)
    run.refresh_from_db()
    return {line["key"]: line for line in run.report["compared"]["candidate-1"]["lines"]}


def boosted():
    texts = [text for text, *_values in SAID] * 20
    sides = [int(sentiment) for _text, sentiment, *_values in SAID] * 20
    weights = packed(learn(seen(texts), sides, [1.0] * len(texts)))
    return Booster.objects.create(version=1, analyser=VERSION, labels=500, weights=weights)


def test_a_provider_wins_on_labels_judges_and_is_taken_back(client_for, provider):
    client = client_for("admin")
    gold = make_gold(write(), [SAID[place % 4][1:] for place in range(ITEMS)])
    boosted()
    run, template = begin(
        client, provider, mode="gold", gold_set=str(gold.public_id), candidate_2_engine="booster:1"
    )
    lines = finished(run)

    accuracy = lines["sentiment_accuracy"]
    assert run.report["kind"] == "quality"
    assert (accuracy["n"], accuracy["baseline"], accuracy["candidate"]) == (ITEMS, 0.5, 1.0)
    second = {one["key"]: one for one in run.report["compared"]["candidate-2"]["lines"]}
    error = second["sentiment_mae"]
    # The booster names the side, and half the degree where the analyser gave none.
    assert (error["baseline"], error["candidate"]) == (pytest.approx(0.55), pytest.approx(0.3))
    names = set(run.arms.values_list("key", "model_name"))
    assert ("candidate-2", "embedded-pt-2+booster-1") in names
    rows = Inference.objects.filter(run_id=run.run_id)
    assert rows.count() == 3 * ITEMS
    assert not rows.exclude(status="ok").exists()
    paid = sum(ModelCall.objects.filter(run_id=run.run_id).values_list("cost_micros", flat=True))
    assert run.spent_micros == paid > 0
    assert not Message.objects.exclude(sentiment=None).exists()

    page = client.get(url("detail", run)).content.decode()
    assert "50,0%" in page
    assert "100,0%" in page
    assert url("promote", run) in page

    chosen = {"arm": "candidate-1", "reason": "Acerta o dobro"}
    answer = client.post(url("promote", run), chosen)
    assert answer.status_code == 302, answer.content.decode()
    settings = AiSettings.objects.get()
    assert (settings.engine, settings.provider_id) == ("provider", provider.pk)
    assert PromptLabel.objects.get(label="production").template == template
    late = make_message(text="amei, obrigada mesmo")
    note_messages([late.pk])
    work_off()
    late.refresh_from_db()
    assert (late.judged_by, late.sentiment > 0.3) == ("provider", True)

    assert client.post(url("roll-back", run)).status_code == 302
    assert AiSettings.objects.get().engine == "embedded"
    assert not PromptLabel.objects.filter(label="production").exists()
    again = make_message(text="amei, obrigada outra vez")
    note_messages([again.pk])
    work_off()
    again.refresh_from_db()
    assert again.judged_by == "embedded"


def test_a_shadow_reads_along_changes_nothing_and_never_says_better(client_for, provider):
    client = client_for("admin")
    run, _template = begin(client, provider, mode="shadow", share="100", size="24")
    messages = write(24)
    ids = [one.pk for one in messages]
    note_messages(ids)
    work_off()
    values = list(Message.objects.order_by("pk").values_list("sentiment", "judged_by"))
    shadow_messages(event_id=1, payload={"message_ids": ids})
    shadow_messages(event_id=1, payload={"message_ids": ids})
    lines = finished(run)

    assert run.report["kind"] == "agreement"
    assert lines["sentiment_accuracy"]["candidate"] == 0.5
    assert Inference.objects.filter(run_id=run.run_id, is_shadow=True).count() == 2 * 24
    assert list(Message.objects.order_by("pk").values_list("sentiment", "judged_by")) == values
    assert {judged_by for _sentiment, judged_by in values} == {"embedded"}
    refused = client.post(url("promote", run), {"arm": "candidate-1", "reason": "Parece melhor"})
    assert refused.status_code in {403, 422}
    assert not AiSettings.objects.filter(engine="provider").exists()


def test_a_budget_that_could_not_be_kept_is_refused_with_its_field(client_for, provider):
    ModelPrice.objects.update(currency="USD")
    form = FORM | {"mode": "backfill", "candidate_1_engine": str(provider.pk)}
    answer = client_for("admin").post(url("create"), form)
    assert answer.status_code == 422
    assert "budget-error" in answer.content.decode()
    assert not ExperimentRun.objects.exists()
