"""From one space to another: nothing mixes, nothing is lost, and it goes on after a crash."""

import pytest
from django.utils import timezone

from analytics.embedded import former_space, space
from analytics.models import EmbeddingModel, MessageEmbedding
from analytics.search import engines, filling, jobs, meaning, spaces, switching
from analytics.tests.search.conftest import CODE, fake_place
from messaging.tests.factories import make_message

NEW = "embed-test-2"


@pytest.fixture
def filled(tenant, engine):
    messages = [make_message(text=f"entrega {n}") for n in range(5)]
    jobs.want_embeddings([one.pk for one in messages])
    filling.fill_queued()
    while switching.tend():
        pass
    return messages


def states():
    return dict(EmbeddingModel.objects.values_list("code", "state"))


def want(monkeypatch, code):
    monkeypatch.setattr(engines, "default_code", lambda: code)


def test_a_new_space_is_filled_beside_the_old_one_then_takes_over_at_once(filled, monkeypatch):
    old = spaces.active_space()
    want(monkeypatch, NEW)
    assert switching.tend()
    assert states() == {CODE: "active", NEW: "building"}
    assert spaces.active_space() == old
    late = make_message(text="entrega que veio no meio")
    jobs.want_embeddings([late.pk])
    filling.fill_queued()
    while switching.tend():
        pass
    assert states() == {CODE: "retired", NEW: "active"}
    new = spaces.active_space()
    ids = set(MessageEmbedding.objects.values_list("model_id", "message_id"))
    assert ids == {(new.pk, one.pk) for one in [*filled, late]}
    assert new.pk != old.pk


def test_a_release_with_a_better_space_goes_on_with_the_old_one_until_all_is_placed(tenant):
    made = {"state": EmbeddingModel.State.ACTIVE, "activated_at": timezone.now()}
    old = spaces.make_space(former_space.CODE, **made)
    message = make_message(text="cadê minha encomenda?")
    jobs.want_embeddings([message.pk])
    filling.fill_queued()
    asked = engines.place(old, ["meu pedido não chegou"])[0]
    assert [pk for pk, _near in meaning.nearest(old, asked, 5)] == [message.pk]
    while switching.tend():
        pass
    assert states() == {former_space.CODE: "retired", space.CODE: "active"}
    new = spaces.active_space()
    assert set(MessageEmbedding.objects.values_list("model_id", "message_id")) == {
        (new.pk, message.pk)
    }


def test_a_search_reads_only_the_space_that_counts(filled, monkeypatch):
    old = spaces.active_space()
    want(monkeypatch, NEW)
    switching.tend()
    new = EmbeddingModel.objects.get(code=NEW)
    assert MessageEmbedding.objects.filter(model=new).count() == 5
    MessageEmbedding.objects.filter(model=new, message=filled[0]).delete()
    vector = fake_place(["entrega"])[0]
    assert {pk for pk, _near in meaning.nearest(old, vector, 20)} == {one.pk for one in filled}
    assert filled[0].pk not in {pk for pk, _near in meaning.nearest(new, vector, 20)}
    rows = type(filled[0]).objects.all()
    assert len(meaning.nearest(new, vector, 20, rows=rows)) == 4
    assert filled[0].pk not in meaning.similarities(new, vector, [filled[0].pk])


def test_only_one_of_two_workers_lets_it_take_over(filled, monkeypatch):
    want(monkeypatch, NEW)
    switching.tend()
    new = EmbeddingModel.objects.get(code=NEW)
    while filling.fill_older(new):
        new.refresh_from_db()
    assert switching.flip(new)
    assert not switching.flip(new)
    assert states() == {CODE: "retired", NEW: "active"}


def test_a_space_that_is_not_filled_does_not_take_over(filled, monkeypatch):
    new = spaces.make_space(NEW, state="building", filled_down_to=10)
    assert not switching.flip(new)
    assert states() == {CODE: "active", NEW: "building"}


def test_changing_the_mind_while_it_is_filled_leaves_the_old_space_alone(filled, monkeypatch):
    want(monkeypatch, NEW)
    switching.tend()
    want(monkeypatch, CODE)
    while switching.tend():
        pass
    assert states() == {CODE: "active", NEW: "retired"}
    assert MessageEmbedding.objects.count() == 5
    # And back again: the space of that code begins anew under its old number.
    want(monkeypatch, NEW)
    while switching.tend():
        pass
    assert states() == {CODE: "retired", NEW: "active"}
    assert MessageEmbedding.objects.filter(model__code=NEW).count() == 5


def test_a_new_space_whose_provider_fails_catches_up_and_the_old_one_goes_on(filled, monkeypatch):
    want(monkeypatch, NEW)
    switching.tend()

    def half_down(space, texts, **_within):
        if space.code == NEW:
            raise engines.PlacingFailed("timeout")
        return fake_place(texts)

    message = make_message(text="entrega nova")
    jobs.want_embeddings([message.pk])
    with monkeypatch.context() as broken:
        broken.setattr(engines, "place", half_down)
        assert filling.fill_queued() == 1
        assert not switching.flip(EmbeddingModel.objects.get(code=NEW))
    assert MessageEmbedding.objects.filter(message=message).count() == 1
    while switching.tend():
        pass
    assert states() == {CODE: "retired", NEW: "active"}
    assert MessageEmbedding.objects.filter(message=message, model__code=NEW).exists()


def test_settings_choose_the_space(tenant, engine):
    from analytics.models import AiSettings

    assert spaces.wanted_code() == CODE
    AiSettings.objects.create(embeds_remotely=True, provider_id=None)
    assert spaces.wanted_code() == CODE
