import subprocess
import sys

import numpy as np

from analytics.embedded import engines, former_space, hashing, space
from analytics.embedded.conversation import judge_conversation
from analytics.embedded.explain import Reason, reasons
from analytics.embedded.senses import senses
from analytics.values import Judgement, Turn
from tools.train_space import digest

TEXTS = ["meu pedido não chegou", "cadê minha encomenda?", "qual o horário?", "", "😡"]


def test_vectors_have_one_length_and_width() -> None:
    for code in (space.CODE, former_space.CODE, hashing.CODE):
        vectors = engines.engine(code)(TEXTS)
        assert vectors.shape == (5, 768)
        assert vectors.dtype == np.float32
        norms = np.linalg.norm(vectors, axis=1)
        assert np.allclose(norms[:3], 1, atol=1e-3)
        assert engines.engine(code)([]).shape == (0, 768)


def test_company_does_not_move_a_vector() -> None:
    alone = np.vstack([space.embed([text]) for text in TEXTS])
    assert np.abs(space.embed(TEXTS) - alone).max() <= 2e-5


def test_the_default_is_the_encoder_where_it_is_installed() -> None:
    assert engines.default_code() == space.CODE


def test_the_space_of_the_release_before_answers_until_its_messages_are_placed_anew() -> None:
    assert len({space.CODE, former_space.CODE, hashing.CODE}) == 3
    before, now = (engines.engine(code)(TEXTS[:3]) for code in ("embed-use-1", "embed-use-2"))
    assert np.abs(before - now).max() > 0.01


def test_weights_were_made_from_the_needs_that_are_here() -> None:
    assert space.weights().trained_on == digest()


def test_words_that_stand_for_the_same_need_are_known_as_such() -> None:
    assert senses("cadê minha encomenda") & senses("o pacote ainda não chegou")
    assert senses("quero meu dinheiro de volta") & senses("where is my refund?")
    assert not senses("gás") & senses("gastei demais")
    assert senses("") == set()


def test_one_need_in_other_words_lies_nearer_than_another_need() -> None:
    asked, same, other = space.embed(
        [
            "quero meu dinheiro de volta",
            "cadê meu reembolso?",
            "quero mesa para dez na volta",
        ]
    )
    assert asked @ same > asked @ other


def test_words_that_nobody_learnt_still_find_themselves() -> None:
    first, second, other = space.embed(
        ["o modelo zyxquart chegou?", "tem zyxquart", "tem estoque do plutônico"]
    )
    assert first @ second > first @ other


def test_lexical_vectors_are_the_same_in_every_process() -> None:
    code = "from analytics.embedded import hashing; print(hashing.embed(['meu pedido']).tolist())"
    said = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert len(said) == 1


def test_reasons_name_numbers_words_and_meanings() -> None:
    found = reasons("cadê o pedido 88213", "O pedido 88213 está atrasado")
    assert Reason("literal", "88213") in found
    assert Reason("word", "pedido") in found
    assert any(reason.kind == "meaning" for reason in found)
    assert reasons("bom dia", "qual o preço?") == []


def _judged(sentiment: float, confidence: float = 0.9) -> Judgement:
    return Judgement(sentiment, "neutro", round(50 + 45 * sentiment), "neutro", "", confidence)


def test_a_conversation_that_ends_well_is_resolved() -> None:
    found = judge_conversation(
        [
            (Turn("C", "minha internet não funciona"), _judged(-0.6)),
            (Turn("A", "Vou verificar"), None),
            (Turn("C", "ainda nada"), _judged(-0.5)),
            (Turn("C", "agora deu certo, obrigado!"), _judged(0.6)),
        ]
    )
    assert found.resolved == "yes"
    assert found.category == "defeito"
    assert found.sentiment is not None
    assert found.sentiment > -0.2
    assert len(found.summary) <= 600


def test_a_conversation_nobody_is_sure_of_says_nothing() -> None:
    found = judge_conversation([(Turn("C", "ok"), _judged(0.0, 0.2)), (Turn("A", "tchau"), None)])
    assert found.sentiment is None
    assert found.satisfaction is None
    assert found.trend is None
    assert found.resolved == "unknown"
    assert judge_conversation([]).summary == ""


def test_a_conversation_that_ends_badly_is_not_resolved() -> None:
    found = judge_conversation(
        [(Turn("C", "obrigado"), _judged(0.4)), (Turn("C", "não resolveu"), _judged(-0.7))]
    )
    assert found.resolved == "no"
    assert found.trend == 0.0
