"""What a conversation is about, how it ended, and what its summary keeps."""

import pytest

from analytics.embedded import analyser
from analytics.embedded.categories import categories, category_of
from analytics.embedded.conversation import ConversationValues, judge_conversation
from analytics.embedded.courtesy import is_courtesy, without_greeting
from analytics.embedded.plain_words import is_plain
from analytics.prompting.schemas import CATEGORIES
from analytics.values import Turn


def judged(*said: str) -> ConversationValues:
    """Return what a conversation comes to; lines of the company begin with "> "."""
    turns = [Turn("A" if line.startswith("> ") else "C", line.removeprefix("> ")) for line in said]
    values = analyser().judge([turn.text for turn in turns])
    return judge_conversation(
        [(turn, one if turn.who == "C" else None) for turn, one in zip(turns, values, strict=True)]
    )


@pytest.mark.parametrize(
    ("said", "category"),
    [
        (["Preciso de 12 unidades do sofá-cama para um condomínio", "E o prazo?"], "vendas"),
        (["vcs fazem sob medida?", "E se não servir, posso trocar?"], "vendas"),
        (["O cupom não está funcionando no aparador"], "vendas"),
        (["Meu sofá chegou quebrado", "Quero meu dinheiro de volta, vou no Procon"], "defeito"),
        (["comprei um sofá de canto e ele chegou riscado"], "defeito"),
        (["oi", "meu pedido 40817 ainda não chegou", "quem paga o frete?"], "entrega"),
        (["Quero devolver o rack, não combinou", "o estorno demora?"], "troca_devolucao"),
        (["veio cobrado duas vezes no cartão"], "cobranca"),
        (["quero cancelar o plano, já paguei a fatura"], "cancelamento"),
        (["esqueci minha senha"], "cadastro_acesso"),
        (["queria remarcar a consulta"], "agendamento"),
        (["bao tarde", "valeu"], ""),
    ],
)
def test_the_category_is_what_the_customer_came_for(said, category) -> None:
    assert category_of(said) == category


def test_categories_are_those_of_the_schema() -> None:
    assert set(categories()) < set(CATEGORIES)


def test_complaints_that_nobody_answered_are_not_resolved_and_contradict_each_other() -> None:
    found = judged(
        "Péssimo atendimento, quero meu dinheiro de volta agora!",
        "ninguém me responde",
        "adorei o sofá, perfeito!",
        "ok",
    )
    assert found.resolved == "no"
    assert found.confidence < 0.85


def test_praise_before_any_answer_settles_nothing() -> None:
    assert judged("adorei o sofá, perfeito!").resolved == "unknown"
    assert judged("adorei o sofá", "> Que bom!", "perfeito, obrigada!").resolved == "yes"
    assert judged("oi", "> Olá", "valeu, perfeito! e o frete?").resolved == "unknown"


def test_a_summary_begins_with_the_matter() -> None:
    found = judged(
        "Boa tarde, tudo bem por aí? 😊",
        "Bom dia! O guarda-roupa chegou riscado",
        "> Vamos trocar",
        "quando vem o técnico",
        "valeu",
    )
    assert found.summary == "O guarda-roupa chegou riscado … quando vem o técnico"
    assert judged("Boa tarde, tudo bem por aí? 😊").summary.startswith("Boa tarde")


def test_courtesy_is_told_from_matter() -> None:
    assert all(
        map(is_courtesy, ["oi", "Boa tarde, tudo bem?", "valeu 🙏", "muito obrigada!", "ok"])
    )
    assert not any(map(is_courtesy, ["péssimo", "boa tarde, cadê meu pedido", "perfeito sofá"]))
    assert without_greeting("Olá, bom dia! Quanto custa?") == "Quanto custa?"
    assert without_greeting("oito cadeiras") == "oito cadeiras"


@pytest.mark.parametrize(
    "text",
    [
        "Preciso de 45 unidades do sofá retrátil de três lugares para um hotel",
        "não sei onde vejo, comprei com o e-mail de sempre",
    ],
)
def test_plain_orders_and_questions_are_neutral(text) -> None:
    (one,) = analyser().judge([text])
    assert (one.sentiment, one.emotion in {"neutro", "confusao", "preocupacao"}) == (0.0, True)


@pytest.mark.parametrize(
    "text",
    [
        "preciso de 12 peças que não chegaram",
        "quero comprar mas o site é péssimo",
        "não sei onde vejo, ninguém responde",
        "quero meu dinheiro de volta",
        "preciso de uma solução",
    ],
)
def test_what_blames_is_left_to_the_machine(text) -> None:
    assert not is_plain(text)
