import numpy as np
import pytest

from analytics.providers.embeddings import AT_ONCE, embed
from analytics.providers.models import Provider
from analytics.providers.refs import provider_ref
from analytics.providers.vectors import BadVectorsError, fitted, read_vectors
from analytics.tests.providers.helpers import ask_about, make_ref


def test_texts_become_768_numbers_of_length_one(tenant, fake):
    found = embed(make_ref(fake.base_url), ["entrega atrasada", "boleto"])
    assert found.error == ""
    assert found.vectors.shape == (2, 768)
    assert found.vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(found.vectors, axis=1), 1)
    assert fake.seen[0].body["dimensions"] == 768


def test_many_texts_go_in_several_requests_in_their_order(tenant, fake):
    texts = [f"mensagem {number}" for number in range(AT_ONCE + 3)]
    ref = make_ref(fake.base_url)
    found = embed(ref, texts)
    assert [len(seen.body["input"]) for seen in fake.seen] == [AT_ONCE, 3]
    assert np.allclose(found.vectors[-1], embed(ref, texts[-1:]).vectors[0])


def test_nothing_asks_nobody(tenant, fake):
    assert embed(make_ref(fake.base_url), []).vectors.shape == (0, 768)
    assert fake.seen == []


def test_without_a_model_nobody_is_asked(tenant, fake):
    ref = make_ref(fake.base_url, embedding_model="", chat_model="")
    assert embed(ref, ["a"]).error == "no_model"
    assert ask_about(ref).error == "no_model"
    assert fake.seen == []


def test_a_server_of_fixed_dimensions_is_asked_without_and_filled_up(tenant, fake):
    ref = make_ref(fake.url_of("fixed_dimensions"))
    found = embed(ref, ["teste"])
    assert found.vectors.shape == (1, 768)
    assert np.all(found.vectors[0, 384:] == 0)
    assert found.native_dimensions == 384
    stored = Provider.objects.defer("api_key").get(pk=ref.id).capabilities
    assert stored["embed_dimensions_param"] is False
    assert len(embed(provider_ref(ref.id), ["teste"]).attempts) == 1


def test_longer_vectors_are_cut_only_when_that_was_declared(tenant, fake):
    url = fake.url_of("long_vectors")
    assert embed(make_ref(url), ["a"]).error == "too_many_dimensions"
    ref = make_ref(url, name="b", capabilities={"is_matryoshka": True})
    assert np.allclose(np.linalg.norm(embed(ref, ["a"]).vectors, axis=1), 1)


@pytest.mark.parametrize(
    ("mode", "error"),
    [
        ("broken_vectors", "broken_vector"),
        ("few_vectors", "wrong_count"),
        ("unauthorized", "unauthorized"),
        ("broken", "server_error"),
        ("html", "not_json"),
        ("drops", "broken_answer"),
        ("limited_long", "rate_limited"),
        ("deep", "wrong_count"),
    ],
)
def test_a_bad_answer_is_no_vector(tenant, fake, mode, error):
    found = embed(make_ref(fake.url_of(mode)), ["um", "dois"])
    assert found.vectors is None
    assert found.error == error
    assert found.attempts


def test_order_is_that_of_the_index():
    rows = [{"index": 1, "embedding": [0.0, 2.0]}, {"index": 0, "embedding": [3.0, 0.0]}]
    assert read_vectors({"data": rows}, 2).tolist() == [[3.0, 0.0], [0.0, 2.0]]


@pytest.mark.parametrize(
    "rows",
    [
        [{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [1.0]}],
        [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0, 2.0]}],
        [{"index": 0, "embedding": [1e300, 1.0]}, {"index": 1, "embedding": [1.0, 1.0]}],
        [{"index": 0, "embedding": []}, {"index": 1, "embedding": []}],
        [{"index": 0, "embedding": "AAAA"}, {"index": 1, "embedding": [1.0]}],
        ["x", "y"],
        [{"index": [], "embedding": [1.0]}, {"index": 1, "embedding": [1.0]}],
        [{"index": "0", "embedding": [1.0]}, {"index": True, "embedding": [1.0]}],
        [{"index": 0, "embedding": [True]}, {"index": 1, "embedding": [1.0]}],
        [{"index": 0, "embedding": ["0.5"]}, {"index": 1, "embedding": [1.0]}],
        [{"index": 0, "embedding": [[1.0]]}, {"index": 1, "embedding": [[1.0]]}],
        [{"index": 0, "embedding": [10**400]}, {"index": 1, "embedding": [1.0]}],
    ],
)
def test_vectors_that_do_not_fit_are_refused(rows):
    with pytest.raises(BadVectorsError):
        read_vectors({"data": rows}, 2)


def test_a_vector_without_direction_is_refused():
    with pytest.raises(BadVectorsError, match="broken_vector"):
        fitted(np.zeros((1, 768), dtype=np.float32), may_cut=False)


def test_cosines_survive_filling_up():
    raw = np.random.default_rng(3).normal(size=(4, 384)).astype(np.float32)
    unit = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    full = fitted(raw, may_cut=False)
    assert np.allclose(full @ full.T, unit @ unit.T, atol=1e-5)
