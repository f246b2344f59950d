import subprocess
import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.embedded import analyser
from analytics.embedded.features import WIDTH, features
from analytics.embedded.machine import EMOTIONS, TONES, weights
from analytics.embedded.summary import summarise
from analytics.models.choices import Emotion, Tone
from analytics.values import FEWEST_CONFIDENCE, Turn
from tools.train_analyser import digest


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.text(max_size=300), max_size=4))
def test_any_text_is_judged_within_bounds(texts) -> None:
    for one in analyser().judge(texts):
        assert -1 <= one.sentiment <= 1
        assert 0 <= one.satisfaction <= 100
        assert 0 <= one.confidence <= 1
        assert len(one.summary) <= 200
        assert one.emotion in EMOTIONS
        assert one.tone in TONES


@pytest.mark.parametrize(
    "text", ["\ud800", "a\x00b", "ñ" * 5000, "\u200d\ufe0f", "🏳️‍🌈" * 300, "|" * 50, "\n\n\t"]
)
def test_odd_texts_are_no_error(text) -> None:
    assert len(analyser().judge([text])) == 1


def test_words_are_those_of_the_models() -> None:
    assert set(EMOTIONS) == set(Emotion.values)
    assert set(TONES) == set(Tone.values)


def test_composed_and_decomposed_letters_are_judged_the_same() -> None:
    text = "Não é possível, péssimo atendimento às três"
    composed, split = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert analyser().judge([composed]) == analyser().judge([split])


def test_emoji_are_read() -> None:
    good, bad = analyser().judge(["chegou meu pedido 😍😍", "chegou meu pedido 😡😡"])
    assert good.sentiment > 0.1 > -0.1 > bad.sentiment
    assert any("😍" in cue.text and cue.weight > 0 for cue in good.cues)


def test_company_of_others_does_not_change_a_judgement() -> None:
    texts = ["adorei o atendimento", "ninguém me responde há três dias", "qual o horário?"]
    assert analyser().judge(texts) == [analyser().judge([text])[0] for text in texts]


def test_every_process_says_the_same() -> None:
    code = (
        "from analytics.embedded import analyser; import sys;"
        "print(analyser().judge(['veio quebrado e ninguém responde', 'amei ❤️']))"
    )
    said = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert said[0].stdout == said[1].stdout != ""


def test_short_answers_mean_nothing_without_a_question() -> None:
    alone, well, badly, still = analyser().judge(
        ["sim", "sim", "não", "sim"],
        [
            [],
            [Turn("A", "Deu certo agora?")],
            [Turn("A", "Conseguiu acessar?")],
            [Turn("A", "Ainda está sem sinal?")],
        ],
    )
    assert alone.confidence < FEWEST_CONFIDENCE
    assert alone.sentiment == 0
    assert well.sentiment > 0 > badly.sentiment
    assert still.sentiment < 0


def test_cues_are_words_of_the_message() -> None:
    text = "atendimento péssimo, ninguém resolve nada"
    (judged,) = analyser().judge([text])
    assert judged.cues
    assert all(cue.text in text for cue in judged.cues)
    assert judged.cues[0].weight < 0


def test_weights_were_made_from_the_training_messages_that_are_here() -> None:
    assert weights().trained_on == digest()


def test_summaries_mask_addresses_and_long_numbers() -> None:
    summary = summarise("meu cpf é 123.456.789-09 e o link é https://x.test/a?b=1, 3 itens")
    assert "123" not in summary
    assert "x.test" not in summary
    assert "3 itens" in summary


def test_long_texts_are_cut_at_a_word() -> None:
    summary = summarise("Comprei um sofá em março e a entrega atrasou. " * 20 + "Quero o dinheiro!")
    assert len(summary) <= 200
    assert summary.rstrip("…").rstrip().endswith((".", "!", "atrasou"))


def test_features_have_one_width() -> None:
    assert features([]).shape == (0, WIDTH)
    found = features(["oi", "péssimo"])
    assert found.shape == (2, WIDTH)
    assert np.isfinite(found).all()
