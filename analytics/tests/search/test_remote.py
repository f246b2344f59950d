"""A provider's space: redacted, paid for, written down, and searched again when it is back."""

import numpy as np
import pytest

from analytics.analysis.settings import save_settings
from analytics.models import AiBudget, AiSettings, EmbeddingModel, MessageEmbedding, ModelCall
from analytics.providers.fake import FakeProvider
from analytics.search import engines, filling, jobs, remote, spaces, switching
from analytics.search.preparing import preparation
from analytics.search.service import Request, find
from analytics.search.tasks import fill_older
from analytics.tests.providers.helpers import make_provider
from evosense.core.models import OutboxEvent
from messaging.tests.factories import make_message

CPF = "529.982.247-25"


@pytest.fixture
def fake():
    with FakeProvider() as server:
        yield server


@pytest.fixture
def provider(tenant, fake, monkeypatch):
    monkeypatch.setattr(engines, "default_code", lambda: "embed-lex-1")
    row = make_provider(fake.base_url, embedding_model="granite-embedding:278m")
    AiSettings.objects.create(embeds_remotely=True, provider_id=row.pk)
    return row


def switch():
    while switching.tend():
        pass


def test_a_company_that_chose_it_gets_places_from_its_provider(provider, fake):
    message = make_message(text=f"meu CPF é {CPF}, cadê a entrega?")
    switch()
    space = spaces.active_space()
    assert space.code == remote.code_of(provider.pk, "granite-embedding:278m")
    (row,) = MessageEmbedding.objects.all()
    assert (row.model_id, row.message_id) == (space.pk, message.pk)
    assert np.linalg.norm(row.embedding) == pytest.approx(1, abs=0.01)
    bodies = str([one.body for one in fake.seen])
    assert "cadê a entrega" in bodies
    assert CPF not in bodies
    call = ModelCall.objects.get()
    assert (call.purpose, call.model_requested, call.error) == (
        "embedding",
        "granite-embedding:278m",
        "",
    )
    budget = AiBudget.objects.get(part="all")
    assert budget.used_tokens == call.input_tokens > 0
    assert budget.reserved_tokens == 0


def test_without_budget_nothing_is_asked_and_words_go_on(provider, fake):
    make_message(text="cadê a entrega?")
    switch()
    asked = len(fake.seen)
    AiSettings.objects.update(token_limit=0)
    found = find(Request("entrega atrasada"), show_numbers=True)
    assert (len(found.pks), found.unavailable) == (1, "budget_exhausted")
    late = make_message(text="outra entrega")
    jobs.want_embeddings([late.pk])
    assert filling.fill_queued() == 0
    assert len(fake.seen) == asked
    assert jobs.waiting() == 1


def test_back_to_the_embedded_engine(provider, fake):
    message = make_message(text="cadê a entrega?")
    switch()
    AiSettings.objects.update(embeds_remotely=False)
    switch()
    assert spaces.active_space().code == "embed-lex-1"
    codes = MessageEmbedding.objects.values_list("model__code", "message_id")
    assert list(codes) == [("embed-lex-1", message.pk)]
    assert EmbeddingModel.objects.filter(state="retired").count() == 1


def test_the_switch_begins_at_once_and_the_page_says_how_far_it_is(
    tenant, fake, monkeypatch, client_for
):
    monkeypatch.setattr(engines, "default_code", lambda: "embed-lex-1")
    row = make_provider(fake.base_url, embedding_model="granite-embedding:278m")
    for n in range(3):
        make_message(text=f"cadê a entrega {n}?")
    switch()
    topics = OutboxEvent.objects.filter(topic="analytics.search_space_chosen")
    save_settings(redacts=True)
    assert not topics.exists()
    assert preparation() is None
    save_settings(provider_id=row.pk, embeds_remotely=True)
    assert topics.count() == 1
    assert preparation().left == 3
    client = client_for("owner")
    said = "está sendo preparada com o modelo do provedor"
    assert said in client.get("/configuracoes/ia/").text
    fill_older(event_id=1, payload={})
    assert spaces.active_space().code.startswith(engines.REMOTE)
    assert preparation() is None
    assert said not in client.get("/configuracoes/ia/").text
